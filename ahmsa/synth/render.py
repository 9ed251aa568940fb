"""From an instant to a picture: one smooth backward warp of the portrait, for the whole picture or for a window of it."""

from __future__ import annotations

import math
from typing import cast

import cv2
import numpy as np

from ahmsa.synth.muscles import MIDLINE_PX
from ahmsa.synth.openings import Lids, Lips, Patch
from ahmsa.synth.performance import Moment
from ahmsa.synth.portrait import (
    CAMERA_PER_FACE,
    FACE_ORIGIN,
    HEIGHT_PX,
    MARGIN_PX,
    TEXTURE_PER_CAMERA,
    WIDTH_PX,
    face_to_camera,
    portrait,
)
from ahmsa.types import ByteImage, FloatArray, Matrix

Box = tuple[int, int, int, int]
"""left, top, width, height in camera px."""

HEAD_BOX: Box = (96, 0, 456, 480)
"""Everything that moves with the head, hair and neck included; outside it the background stands still."""
_PIVOT = (MIDLINE_PX, 130.0)
"""The head rolls about the neck, face px."""
_GRID_STEP = 2.0
_GRID_FIRST = (-74.0, -74.0)
_GRID_SIZE = (140, 154)
"""Displacement fields are computed every second face px and interpolated: 1 % of a muscle's width."""


class Renderer:
    """Draws moments. grey: grey levels instead of BGR. box: the window that is drawn."""

    def __init__(self, *, grey: bool, box: Box) -> None:
        face = portrait()
        self._source = face.grey if grey else face.texture
        self._canvas = self._source.copy()
        self._landmarks = face.landmarks
        self._lids, self._lips = Lids(face.landmarks), Lips(face.landmarks)
        self._dirty: list[Patch] = []
        self._box = box
        x = np.arange(box[0], box[0] + box[2], dtype=np.float32)
        y = np.arange(box[1], box[1] + box[3], dtype=np.float32)
        self._x, self._y = np.broadcast_to(x, (box[3], box[2])), np.broadcast_to(y[:, None], (box[3], box[2]))
        self._head = _head_share(x, y)
        self._grid_x = np.float32(_GRID_FIRST[0]) + np.arange(_GRID_SIZE[0], dtype=np.float32) * np.float32(_GRID_STEP)
        self._grid_y = np.float32(_GRID_FIRST[1]) + np.arange(_GRID_SIZE[1], dtype=np.float32) * np.float32(_GRID_STEP)
        self._depth = _depth(self._grid_x, self._grid_y)

    def picture(self, moment: Moment) -> ByteImage:
        """(height, width) or (height, width, 3) of the box."""
        texture = self._drawn(moment)
        inverse = cast(Matrix, cv2.invertAffineTransform(self._head_matrix(moment)))
        field = self._field(moment)
        to_x = (inverse[0, 0] - 1) * self._x + inverse[0, 1] * self._y + inverse[0, 2]
        to_y = inverse[1, 0] * self._x + (inverse[1, 1] - 1) * self._y + inverse[1, 2]
        if field is not None:
            pulled = self._on_camera(field, inverse)
            to_x -= pulled[..., 0]
            to_y -= pulled[..., 1]
        map_x = (self._x + self._head * to_x + (MARGIN_PX + moment.pan * CAMERA_PER_FACE)) * TEXTURE_PER_CAMERA
        map_y = (self._y + self._head * to_y + MARGIN_PX) * TEXTURE_PER_CAMERA
        drawn = cv2.remap(
            texture,
            map_x.astype(np.float32, copy=False),
            map_y.astype(np.float32, copy=False),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return cast(ByteImage, drawn)

    def landmarks(self, moment: Moment) -> FloatArray:
        """(468, 2) where the landmarks are, camera px of the whole picture."""
        points = self._landmarks.copy()
        if moment.closure > 0:
            self._lids.move(points, moment.closure)
        if moment.lip_gap_px:
            self._lips.move(points, moment.lip_gap_px)
        field = self._field(moment)
        if field is not None:
            # The field says what arrives at a place came from how far: a point goes where the field there points back to it.
            reached = points + self._at(field, points)
            points = points + self._at(field, reached)
        camera = face_to_camera(points)
        matrix = self._head_matrix(moment)
        moved = camera @ matrix[:, :2].T + matrix[:, 2]
        moved[:, 0] -= moment.pan * CAMERA_PER_FACE
        return cast(FloatArray, moved.astype(np.float32))

    def _drawn(self, moment: Moment) -> ByteImage:
        """The portrait with its lids and lips as they are now; what the last call drew is put back first."""
        for patch in self._dirty:
            patch.cut(self._canvas)[:] = patch.cut(self._source)
        self._dirty = []
        if moment.closure > 0:
            self._dirty += self._lids.draw(self._source, self._canvas, moment.closure)
        if moment.lip_gap_px:
            self._dirty += self._lips.draw(self._source, self._canvas, moment.lip_gap_px)
        return self._canvas

    def _field(self, moment: Moment) -> FloatArray | None:
        """(grid h, grid w, 2) displacement of the skin, face px; None where nothing moves it."""
        total: FloatArray | None = None
        for motion, amplitude in moment.motions:
            part = motion.field(self._grid_x, self._grid_y) * np.float32(amplitude)
            total = part if total is None else total + part
        if moment.yaw_deg:
            yaw = math.radians(moment.yaw_deg)
            total = np.zeros((2, *self._depth.shape), np.float32) if total is None else total
            narrowing = (self._grid_x - MIDLINE_PX)[None] * np.float32(math.cos(yaw) - 1)
            total[0] += self._depth * (np.float32(_DEPTH_PX * math.sin(yaw)) + narrowing)
        return None if total is None else cast(FloatArray, np.ascontiguousarray(np.moveaxis(total, 0, -1)))

    def _on_camera(self, field: FloatArray, inverse: Matrix) -> FloatArray:
        """The field at every pixel of the box, camera px: resampled through the head's motion in one step."""
        per_cell = CAMERA_PER_FACE * _GRID_STEP
        to_grid = inverse / per_cell
        origin = np.array(FACE_ORIGIN) + np.array(_GRID_FIRST) * CAMERA_PER_FACE
        to_grid[:, 2] += to_grid[:, :2] @ np.array(self._box[:2], dtype=np.float64) - origin / per_cell
        pulled = cv2.warpAffine(
            field,
            to_grid,
            (self._box[2], self._box[3]),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_CONSTANT,
        )
        return cast(FloatArray, pulled * np.float32(CAMERA_PER_FACE))

    def _at(self, field: FloatArray, points: FloatArray) -> FloatArray:
        """(n, 2) the field at face points."""
        at = (points - np.array(_GRID_FIRST, dtype=np.float32)) / np.float32(_GRID_STEP)
        return cast(FloatArray, cv2.remap(field, at[:, :1], at[:, 1:], cv2.INTER_LINEAR)[:, 0])

    def _head_matrix(self, moment: Moment) -> Matrix:
        """(2, 3) rest -> now, camera px."""
        pivot = face_to_camera(np.array([_PIVOT], dtype=np.float32))[0]
        matrix = cast(Matrix, cv2.getRotationMatrix2D((float(pivot[0]), float(pivot[1])), -moment.roll_deg, moment.scale))
        matrix[:, 2] += np.array([moment.shift_x, moment.shift_y]) * CAMERA_PER_FACE
        return matrix


_DEPTH_PX = 58.0


def _depth(x: FloatArray, y: FloatArray) -> FloatArray:
    """(h, w) depth of the head before its axis, as a share of `_DEPTH_PX`: a dome with a nose."""
    across, down = x[None] - MIDLINE_PX, y[:, None]
    dome = np.exp(-0.5 * (across / 48) ** 2 - 0.5 * ((down - 62) / 62) ** 2)
    nose = 0.25 * np.exp(-0.5 * (across / 9) ** 2 - 0.5 * ((down - 74) / 12) ** 2)
    return cast(FloatArray, (dome + nose).astype(np.float32))


def _head_share(x: FloatArray, y: FloatArray) -> FloatArray:
    """(h, w) how much of the head's motion a place of the picture takes part in: 1 on the head, 0 on the background."""
    across = (x[None] - (FACE_ORIGIN[0] + 66 * CAMERA_PER_FACE)) / 132
    down = (y[:, None] - (FACE_ORIGIN[1] + 52 * CAMERA_PER_FACE)) / 165
    radius = np.sqrt(across**2 + down**2)
    fade = np.clip((1.66 - radius) / 0.66, 0, 1)
    return cast(FloatArray, (0.5 - 0.5 * np.cos(np.pi * fade)).astype(np.float32))


def whole_picture() -> Box:
    return (0, 0, WIDTH_PX, HEIGHT_PX)
