"""From an instant to a picture: one smooth backward warp of the portrait, for the whole picture or for a window of it.

The head's motion is smooth, so its part of the warp is computed on every eighth pixel and interpolated; the muscles' part is
resampled to every pixel, but only on the face. Outside the head the background stands still.
"""

from __future__ import annotations

import math
from functools import cache
from typing import cast

import cv2
import numpy as np

from ahmsa.synth.drawing.accessories import Glasses, draw_hand, draw_strand
from ahmsa.synth.drawing.head import Head, turned
from ahmsa.synth.drawing.openings import Gaze, Lids, Lips, Patch
from ahmsa.synth.drawing.people import PEOPLE
from ahmsa.synth.drawing.portrait import (
    CAMERA_PER_FACE,
    FACE_ORIGIN,
    HEIGHT_PX,
    MARGIN_PX,
    TEXTURE_PER_CAMERA,
    WIDTH_PX,
    face_to_camera,
    portrait,
)
from ahmsa.synth.motion.muscles import MIDLINE_PX, Motion
from ahmsa.synth.scenario.moment import Moment
from ahmsa.types import ByteImage, FloatArray, Matrix

Box = tuple[int, int, int, int]
"""left, top, width, height in camera px."""

WHOLE_PICTURE: Box = (0, 0, WIDTH_PX, HEIGHT_PX)
_HEAD_BOX: Box = (96, 0, 456, 480)
"""Everything that moves with the head, hair and neck included."""
_FACE_BOX: Box = (160, 56, 328, 360)
"""Everything that the muscles reach."""
_PIVOT_PX = (MIDLINE_PX, 130.0)
"""The head rolls about the neck, face px."""
_STEP = 8
"""Camera px between the places where the head's motion is computed."""
_GRID_STEP = 2.0
"""Face px between the places where muscle fields are computed: interpolation then costs 1 % of a field at most."""
_GRID_FIRST = (-44.0, -44.0)
_GRID_SIZE = (112, 120)


class Renderer:
    """Draws moments of a window. grey: grey levels instead of BGR; person: number in ahmsa.synth.drawing.people.PEOPLE."""

    def __init__(self, *, grey: bool, box: Box, person: int = 0) -> None:
        face = portrait(person)
        self._source = face.grey if grey else face.texture
        self._canvas = self._source.copy()
        self._dirty: list[Patch] = []
        self._rest_px = face.landmarks
        self._rest_depth = face.depth
        self._lids, self._lips, self._gaze = Lids(face.landmarks), Lips(face.landmarks), Gaze(face.landmarks)
        self._glasses: Glasses | None = None
        head = _head_of(person)
        self._turning = head
        self._window = _Window(box, head)
        self._head = _Window(_common(box, _HEAD_BOX), head)
        self._face = _common(box, _FACE_BOX)
        self._grid_x = _axis(_GRID_FIRST[0], _GRID_SIZE[0])
        self._grid_y = _axis(_GRID_FIRST[1], _GRID_SIZE[1])
        self._still = self._warped(self._source, Moment(), self._window)

    def picture(self, moment: Moment) -> ByteImage:
        """(height, width) or (height, width, 3) of the window."""
        texture = self._drawn(moment)
        if moment.pan or self._head.box == self._window.box:
            picture = self._warped(texture, moment, self._window)
        else:
            picture = self._still.copy()
            picture[_within(self._head.box, self._window.box)] = self._warped(texture, moment, self._head)
        if moment.strand_deg is not None:
            draw_strand(picture, moment, _head_matrix(moment), self._window.box[:2])
        if moment.hand is not None:
            draw_hand(picture, moment, _head_matrix(moment), self._window.box[:2])
        return picture

    def landmarks(self, moment: Moment) -> FloatArray:
        """(468, 3) where the landmarks are, camera px of the whole picture, and their depth in the same unit."""
        points = self._rest_px.copy()
        if moment.closure > 0:
            self._lids.move(points, moment.closure)
        if moment.lip_gap_px:
            self._lips.move(points, moment.lip_gap_px)
        field = self._field(moment.motions)
        if field is not None:
            # A field is given where things arrive: what arrives at z comes from z - d(z), so x goes to z = x + d(z).
            points = points + self._on_points(field, points + self._on_points(field, points))
        depth = self._rest_depth
        if moment.yaw_deg or moment.pitch_deg:
            depth = turned(points, depth, moment.yaw_deg, moment.pitch_deg)[:, 2]
            points = self._turning.turned(points, moment.yaw_deg, moment.pitch_deg)[:, :2]
        camera = face_to_camera(points)
        matrix = _head_matrix(moment)
        moved = camera @ matrix[:, :2].T + matrix[:, 2]
        moved[:, 0] -= moment.pan * CAMERA_PER_FACE
        return cast(FloatArray, np.column_stack([moved, depth * CAMERA_PER_FACE * moment.scale]).astype(np.float32))

    def _drawn(self, moment: Moment) -> ByteImage:
        """The portrait with its lids and lips as they are now; what the last call drew is put back first."""
        for patch in self._dirty:
            patch.cut(self._canvas)[:] = patch.cut(self._source)
        self._dirty = []
        if moment.gaze_px != (0.0, 0.0):
            self._dirty += self._gaze.draw(self._source, self._canvas, moment.gaze_px)
        if moment.closure > 0:
            self._dirty += self._lids.draw(self._canvas, self._canvas, moment.closure)
        if moment.lip_gap_px:
            self._dirty += self._lips.draw(self._source, self._canvas, moment.lip_gap_px)
        return self._canvas

    def _warped(self, texture: ByteImage, moment: Moment, window: _Window) -> ByteImage:
        inverse = cast(Matrix, cv2.invertAffineTransform(_head_matrix(moment)))
        origin = window.head_origin(inverse, moment)
        head_place = _texture_place(origin) if moment.glasses else None
        field = self._field(moment.motions)
        if field is not None and not moment.pan:
            pulled = self._on_camera(field, inverse, self._face)
            origin[_within(self._face, window.box)] -= pulled
        place = _texture_place(origin)
        picture = cast(ByteImage, cv2.remap(texture, place, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))  # type: ignore[call-overload]
        if head_place is None:
            return picture
        self._glasses = self._glasses or Glasses(self._rest_px, (texture.shape[0], texture.shape[1]))
        return self._glasses.put_on(picture, head_place, moment.glasses, window.box[:2])

    def _field(self, motions: list[tuple[Motion, float]]) -> FloatArray | None:
        """(grid h, grid w, 2) displacement of the skin, face px; None where nothing moves it."""
        if not motions:
            return None
        pulls = np.concatenate([motion.scaled(amplitude).pulls for motion, amplitude in motions])
        return cast(FloatArray, np.ascontiguousarray(Motion(pulls).field(self._grid_x, self._grid_y).transpose(1, 2, 0)))

    def _on_camera(self, field: FloatArray, inverse: Matrix, box: Box) -> FloatArray:
        """(h, w, 2) the field at every pixel of a box, camera px: resampled through the head's motion in one step."""
        per_cell = CAMERA_PER_FACE * _GRID_STEP
        to_grid = inverse / per_cell
        first = np.array(FACE_ORIGIN) + np.array(_GRID_FIRST) * CAMERA_PER_FACE
        to_grid[:, 2] += to_grid[:, :2] @ np.array(box[:2], dtype=np.float64) - first / per_cell
        pulled = cv2.warpAffine(
            field * np.float32(CAMERA_PER_FACE), to_grid, box[2:], flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        )
        return cast(FloatArray, pulled)

    def _on_points(self, field: FloatArray, points: FloatArray) -> FloatArray:
        """(n, 2) the field at face points."""
        at = (points - np.array(_GRID_FIRST, dtype=np.float32)) / np.float32(_GRID_STEP)
        return cast(FloatArray, cv2.remap(field, at[:, :1], at[:, 1:], cv2.INTER_LINEAR)[:, 0])


class People:
    """The person of a clip, and the stranger whom a cut shows; each is prepared when first seen."""

    def __init__(self, *, grey: bool, box: Box, person: int) -> None:
        self._grey, self._box, self._person = grey, box, person
        self._renderers: dict[int, Renderer] = {}

    def of(self, moment: Moment) -> Renderer:
        """The renderer of whoever is shown."""
        number = (self._person + moment.stranger) % len(PEOPLE)
        if number not in self._renderers:
            self._renderers[number] = Renderer(grey=self._grey, box=self._box, person=number)
        return self._renderers[number]


class _Window:
    """A box of the picture, and the coarse grid on which the head's motion is computed for it."""

    def __init__(self, box: Box, head: Head) -> None:
        self.box, self._head = box, head
        left, top, width, height = box
        # One cell more on every side: cv2.resize has nothing to interpolate with on its border.
        columns, rows = math.ceil(width / _STEP) + 2, math.ceil(height / _STEP) + 2
        first = (_STEP - 1) / 2 - _STEP
        x, y = np.meshgrid(np.arange(columns) * _STEP + left + first, np.arange(rows) * _STEP + top + first)
        self._here = np.stack([x, y], axis=-1)
        self._share = _head_share(self._here)

    def head_origin(self, inverse: Matrix, moment: Moment) -> FloatArray:
        """(h, w, 2) camera px of the resting portrait that every pixel shows while the skin is at rest."""
        here, share = self._here, self._share
        if moment.pan:
            here = here + np.array([moment.pan * CAMERA_PER_FACE, 0.0])
            share = _head_share(here)
        back = here @ inverse[:, :2].T + inverse[:, 2]
        if moment.yaw_deg or moment.pitch_deg:
            face = (back - np.array(FACE_ORIGIN)) / CAMERA_PER_FACE
            origin = self._head.origin(face.reshape(-1, 2).astype(np.float32), moment.yaw_deg, moment.pitch_deg)
            back = origin.reshape(face.shape).astype(np.float64) * CAMERA_PER_FACE + np.array(FACE_ORIGIN)
        coarse = (here + share * (back - here)).astype(np.float32)
        fine = cv2.resize(coarse, None, fx=_STEP, fy=_STEP, interpolation=cv2.INTER_LINEAR)
        return cast(FloatArray, fine[_STEP : _STEP + self.box[3], _STEP : _STEP + self.box[2]])


@cache
def _head_of(person: int) -> Head:
    face = portrait(person)
    return Head(face.landmarks, face.depth)


def _head_matrix(moment: Moment) -> Matrix:
    """(2, 3) rest -> now, camera px."""
    pivot = face_to_camera(np.array([_PIVOT_PX], dtype=np.float32))[0]
    matrix = cast(Matrix, cv2.getRotationMatrix2D((float(pivot[0]), float(pivot[1])), -moment.roll_deg, moment.scale))
    matrix[:, 2] += np.array([moment.shift_x, moment.shift_y]) * CAMERA_PER_FACE
    return matrix


def _texture_place(origin: FloatArray) -> FloatArray:
    """Camera px of the resting portrait -> texture px."""
    return cast(FloatArray, (origin + np.float32(MARGIN_PX)) * np.float32(TEXTURE_PER_CAMERA))


def _head_share(camera: Matrix) -> Matrix:
    """(h, w, 1) how much of the head's motion places of the picture, (h, w, 2) camera px, take part in: 1 on the head, 0 on the
    background."""
    across = (camera[..., :1] - (FACE_ORIGIN[0] + 66 * CAMERA_PER_FACE)) / 132
    down = (camera[..., 1:] - (FACE_ORIGIN[1] + 52 * CAMERA_PER_FACE)) / 165
    fade = np.clip((1.66 - np.hypot(across, down)) / 0.66, 0, 1)
    return 0.5 - 0.5 * np.cos(np.pi * fade)


def _axis(first: float, size: int) -> FloatArray:
    return cast(FloatArray, (first + _GRID_STEP * np.arange(size)).astype(np.float32))


def _common(a: Box, b: Box) -> Box:
    left, top = max(a[0], b[0]), max(a[1], b[1])
    return left, top, min(a[0] + a[2], b[0] + b[2]) - left, min(a[1] + a[3], b[1] + b[3]) - top


def _within(inner: Box, outer: Box) -> tuple[slice, slice]:
    """The rows and columns of `outer` that `inner` covers."""
    left, top = inner[0] - outer[0], inner[1] - outer[1]
    return slice(top, top + inner[3]), slice(left, left + inner[2])
