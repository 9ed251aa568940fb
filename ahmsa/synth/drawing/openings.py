"""Lids and lips: the movements that hide and uncover, which no smooth warp can make.

They are drawn into the portrait itself, before it is warped: a lid is skin stretched down over the eye, an opening mouth is the
lower face pulled down with darkness behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import cv2
import numpy as np
import numpy.typing as npt
from scipy.interpolate import PchipInterpolator

from ahmsa.synth.drawing.portrait import CAMERA_PER_FACE, TEXTURE_PER_CAMERA, face_to_texture
from ahmsa.types import ByteImage, FloatArray

_TEXTURE_PER_FACE = CAMERA_PER_FACE * TEXTURE_PER_CAMERA
_EYES = (
    ((33, 246, 161, 160, 159, 158, 157, 173, 133), (33, 7, 163, 144, 145, 153, 154, 155, 133)),
    ((362, 398, 384, 385, 386, 387, 388, 466, 263), (362, 382, 381, 380, 374, 373, 390, 249, 263)),
)
_UPPER_INNER_LIP = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
_LOWER_INNER_LIP = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
_LID_FOLD_PX = 9.5
"""Skin above the open lid's edge that is stretched over the closing eye, face px."""
_LASHES_PX = 1.2
"""The lid's layer reaches this far below the landmarks of its edge, so that the lashes go down with it."""
_RIM_PX = 4.0
"""The lid's rim with its lashes goes down as it is; the skin above it is stretched."""
_FOLLOWED = 0.6
"""FaceMesh's lids follow a closing lid only in part: on the drawn blinks their gap shrinks by a third to a half."""
_SOFT_PX = 0.35
"""Half width of a layer's edge, face px."""
_CAVITY_BGR = (22, 20, 48)
_CAVITY_GREY = 29


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """A rectangle of the texture with its face coordinates."""

    rows: slice
    columns: slice
    x: FloatArray
    """(w,) face px."""
    y: FloatArray
    """(h, 1) face px."""

    def cut(self, texture: ByteImage) -> ByteImage:
        return texture[self.rows, self.columns]


class Lids:
    """Both eyes' lids. `closure` 0 is open, 1 shut."""

    def __init__(self, landmarks: FloatArray) -> None:
        self._eyes = [_Eye(landmarks, upper, lower) for upper, lower in _EYES]

    def draw(self, source: ByteImage, target: ByteImage, closure: float) -> list[Patch]:
        """Draw closed lids of the resting `source` into `target`; returns the patches that it touched."""
        for eye in self._eyes:
            eye.draw(source, target, closure)
        return [eye.patch for eye in self._eyes]

    def move(self, landmarks: FloatArray, closure: float) -> None:
        """Move the lids' landmarks in place, (468, 2) face px."""
        for eye in self._eyes:
            eye.move(landmarks, closure)


class Gaze:
    """Both eyes' irises, which look elsewhere while the lids stay."""

    def __init__(self, landmarks: FloatArray) -> None:
        self._eyes = [_Eye(landmarks, upper, lower) for upper, lower in _EYES]

    def draw(self, source: ByteImage, target: ByteImage, shift_px: tuple[float, float]) -> list[Patch]:
        """Draw the irises of the resting `source`, moved right and down by face px, into `target`; returns what it touched."""
        for eye in self._eyes:
            eye.look(source, target, shift_px)
        return [eye.patch for eye in self._eyes]


class Lips:
    """The mouth. `gap_px` is what the lip gap grows by, face px (negative closes it)."""

    _CENTRE_PX = 66.0
    _HALF_WIDTH_PX = 28.0
    _BOTTOM_PX = 172.0

    def __init__(self, landmarks: FloatArray) -> None:
        self._lower = _curve(landmarks[list(_LOWER_INNER_LIP)])
        top = float(landmarks[list(_UPPER_INNER_LIP), 1].min()) - 6
        self.patch = _patch(self._CENTRE_PX - 52, top, self._CENTRE_PX + 52, self._BOTTOM_PX)
        self._rest_px = landmarks.copy()
        x, y = self.patch.x, self.patch.y
        self._lower_y = self._edge(x)[None]
        self._line_share = self._pulled(x, self._edge(x))[None]
        self._share = self._pulled(x[None], y)
        texture = face_to_texture(np.stack(np.broadcast_arrays(x[None], y), axis=-1).reshape(-1, 2))
        shape = (*self._share.shape, 2)
        self._at = texture.reshape(shape) - np.array([self.patch.columns.start, self.patch.rows.start], np.float32)

    def draw(self, source: ByteImage, target: ByteImage, gap_px: float) -> list[Patch]:
        """Draw the moved lower face into `target`; returns the patches that it touched."""
        rest = self.patch.cut(source)
        down = np.float32(_TEXTURE_PER_FACE * gap_px)
        moved = cv2.remap(
            rest,
            np.ascontiguousarray(self._at[..., 0]),
            self._at[..., 1] - down * self._share,
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        lip = self._below(self._lower_y + gap_px * self._line_share)
        cavity = np.maximum(self._below(self._lower_y) - lip, 0)
        colour = _CAVITY_BGR if rest.ndim == 3 else _CAVITY_GREY
        dark = _blend(rest, np.broadcast_to(np.array(colour, np.uint8), rest.shape), cavity / np.maximum(1 - lip, 1e-6))
        self.patch.cut(target)[:] = _blend(dark, moved, lip)
        return [self.patch]

    def move(self, landmarks: FloatArray, gap_px: float) -> None:
        """Move the landmarks of the lower lip and the jaw in place, (468, 2) face px."""
        x, y = self._rest_px[:, 0], self._rest_px[:, 1]
        below = (y > self._edge(x) - 0.5) & (y < self._BOTTOM_PX)
        below[list(_UPPER_INNER_LIP)] = False
        landmarks[:, 1] += np.where(below, gap_px * self._pulled(x, y), 0).astype(np.float32)

    def _pulled(self, x: FloatArray, y: FloatArray) -> FloatArray:
        """Share of the gap by which skin at a place goes down with the jaw."""
        lip = self._edge(x)
        depth = np.clip((y - lip) / 22, 0, 1)
        width = self._HALF_WIDTH_PX + 24 * depth
        across = np.clip(1 - ((x - self._CENTRE_PX) / width) ** 2, 0, 1) ** 2
        fade = np.clip((self._BOTTOM_PX - 4 - y) / 26, 0, 1)
        return cast(FloatArray, (across * (0.5 - 0.5 * np.cos(np.pi * fade))).astype(np.float32))

    def _edge(self, x: FloatArray) -> FloatArray:
        """y of the lower lip's inner edge, continued level beyond the corners of the mouth."""
        return cast(FloatArray, self._lower(np.clip(x, self._lower.x[0], self._lower.x[-1])))

    def _below(self, edge: FloatArray) -> FloatArray:
        """(h, w) 1 below the edge, 0 above, soft between."""
        return cast(FloatArray, np.clip((self.patch.y - edge) / (2 * _SOFT_PX) + 0.5, 0, 1))


class _Eye:
    def __init__(self, landmarks: FloatArray, upper: tuple[int, ...], lower: tuple[int, ...]) -> None:
        self._upper, self._lower = _curve(landmarks[list(upper)]), _curve(landmarks[list(lower)])
        self._movable = list(upper[1:-1])
        left, right = float(self._upper.x[0]), float(self._upper.x[-1])
        top = float(landmarks[list(upper), 1].min()) - _LID_FOLD_PX
        bottom = float(landmarks[list(lower), 1].max()) + 3
        self.patch = _patch(left, top - 1, right, bottom)
        self._fold = cast(FloatArray, (self._upper(self.patch.x) - _LID_FOLD_PX)[None].astype(np.float32))
        taper = np.clip(np.minimum(self.patch.x - left, right - self.patch.x) / 3, 0, 1)[None]
        self._open = cast(FloatArray, (self._upper(self.patch.x)[None] + _LASHES_PX * taper).astype(np.float32))
        self._shut = cast(FloatArray, np.maximum(self._lower(self.patch.x)[None] + 1.2 * taper, self._open).astype(np.float32))

    def draw(self, source: ByteImage, target: ByteImage, closure: float) -> None:
        edge = self._open + closure * (self._shut - self._open)
        y = self.patch.y
        stretch = (self._open - _RIM_PX - self._fold) / (edge - _RIM_PX - self._fold)
        skin = self._fold + (y - self._fold) * stretch
        from_y = np.where(y < self._fold, y, np.where(y < edge - _RIM_PX, skin, y - edge + self._open))
        at_y = (from_y - y).astype(np.float32)
        rows, columns = np.mgrid[0 : y.shape[0], 0 : self.patch.x.shape[0]].astype(np.float32)
        rest = self.patch.cut(source)
        lid = cv2.remap(rest, columns, rows + _TEXTURE_PER_FACE * at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        covered = np.clip((edge - y) / (2 * _SOFT_PX) + 0.5, 0, 1)
        self.patch.cut(target)[:] = _blend(rest, lid, cast(FloatArray, covered))

    def look(self, source: ByteImage, target: ByteImage, shift_px: tuple[float, float]) -> None:
        """Within the opening the eye is shifted, less and less towards its corners."""
        x, y = self.patch.x[None], self.patch.y
        top, bottom = self._upper(self.patch.x)[None] + 0.6, self._lower(self.patch.x)[None] - 0.3
        opening = np.clip((y - top) / 0.8, 0, 1) * np.clip((bottom - y) / 0.8, 0, 1)
        middle, half = (x[0, 0] + x[0, -1]) / 2, (x[0, -1] - x[0, 0]) / 2
        share = np.clip(1 - ((x - middle) / half) ** 2, 0, 1)
        rows, columns = np.mgrid[0 : y.shape[0], 0 : x.shape[1]].astype(np.float32)
        right, down = (np.float32(_TEXTURE_PER_FACE * shift) * share.astype(np.float32) for shift in shift_px)
        rest = self.patch.cut(source)
        moved = cv2.remap(rest, columns - right, rows - down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        self.patch.cut(target)[:] = _blend(rest, moved, cast(FloatArray, opening.astype(np.float32)))

    def move(self, landmarks: FloatArray, closure: float) -> None:
        lids = landmarks[self._movable]
        lids[:, 1] += _FOLLOWED * closure * (self._lower(lids[:, 0]) - lids[:, 1])
        landmarks[self._movable] = lids


def _curve(points: FloatArray) -> PchipInterpolator:
    order = np.argsort(points[:, 0])
    return PchipInterpolator(points[order, 0], points[order, 1])


def _patch(left: float, top: float, right: float, bottom: float) -> Patch:
    corners = face_to_texture(np.array([[left, top], [right, bottom]], dtype=np.float32))
    (first_column, first_row), (last_column, last_row) = np.ceil(corners[0]).astype(int), np.floor(corners[1]).astype(int)
    origin = face_to_texture(np.zeros((1, 2), dtype=np.float32))[0]
    x = (np.arange(first_column, last_column + 1) - origin[0]) / _TEXTURE_PER_FACE
    y = (np.arange(first_row, last_row + 1) - origin[1]) / _TEXTURE_PER_FACE
    return Patch(
        slice(int(first_row), int(last_row) + 1),
        slice(int(first_column), int(last_column) + 1),
        cast(FloatArray, x.astype(np.float32)),
        cast(FloatArray, y.astype(np.float32)[:, None]),
    )


def _blend(below: ByteImage, above: npt.NDArray[Any], weight: FloatArray) -> ByteImage:
    share = weight[..., None] if below.ndim == 3 else weight
    return cast(ByteImage, (below + (above.astype(np.float32) - below) * share + 0.5).astype(np.uint8))
