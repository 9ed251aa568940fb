"""What covers the skin and does not move with it: glasses, a strand of hair, a hand."""

from __future__ import annotations

import math
from typing import cast

import cv2
import numpy as np

from ahmsa.face.geometry import apply_similarity
from ahmsa.synth.drawing.portrait import CAMERA_PER_FACE, TEXTURE_PER_CAMERA, face_to_camera, face_to_texture
from ahmsa.synth.motion.muscles import MIDLINE_PX
from ahmsa.synth.scenario.moment import Moment
from ahmsa.types import ByteImage, FloatArray, Matrix

_LENS_PX = (19.0, 14.0)
_RIM_PX = 1.5
_FRAME_GREY = 28.0
_MIRRORED = 0.35
"""Share of a lens's light that is a window, at intensity 1."""
_STRAND_ROOT = (44.0, 4.0)
_STRAND_PX = 30.0
_STRAND_GREY = 50.0
_HAND_BGR = (112.0, 140.0, 196.0)
_WHITE = (255.0,)
_SHIFT = 4
"""OpenCV draws at fractions of 1/16 px."""


class Glasses:
    """Frames and lenses in the texture's coordinates: they go with the head, not with the brows."""

    def __init__(self, landmarks: FloatArray, shape: tuple[int, int]) -> None:
        self._frame, self._lens = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
        scale = CAMERA_PER_FACE * TEXTURE_PER_CAMERA
        eyes = [landmarks[list(ring)].mean(axis=0) + _vector(0, 2.5) for ring in ((33, 133), (362, 263))]
        for eye in eyes:
            centre, axes = _fixed(face_to_texture(eye[None])[0]), _fixed(np.array(_LENS_PX) * scale)
            cv2.ellipse(self._lens, centre, axes, 0, 0, 360, _WHITE, -1, cv2.LINE_AA, _SHIFT)
            cv2.ellipse(self._frame, centre, axes, 0, 0, 360, _WHITE, round(_RIM_PX * scale), cv2.LINE_AA, _SHIFT)
        reach = _vector(_LENS_PX[0], -2.0)
        inner = (eyes[0] + reach, eyes[1] + reach * _vector(-1, 1))
        outer = [
            (eyes[0] + reach * _vector(-1, 1), (eyes[0][0] - 40, eyes[0][1])),
            (eyes[1] + reach, (eyes[1][0] + 40, eyes[1][1])),
        ]
        for start, end in (inner, *outer):
            places = face_to_texture(np.array([start, end], np.float32))
            cv2.line(self._frame, _fixed(places[0]), _fixed(places[1]), _WHITE, round(_RIM_PX * scale), cv2.LINE_AA, _SHIFT)

    def put_on(self, picture: ByteImage, place: FloatArray, mirrored: float, left_top: tuple[int, int]) -> ByteImage:
        """The picture with glasses. place: (h, w, 2) texture px of the head at every pixel; left_top: camera px."""
        frame = cv2.remap(self._frame, place, None, cv2.INTER_LINEAR)  # type: ignore[call-overload]
        lens = cv2.remap(self._lens, place, None, cv2.INTER_LINEAR)  # type: ignore[call-overload]
        light = _window_light((picture.shape[0], picture.shape[1]), left_top) * (lens * np.float32(_MIRRORED * mirrored / 255))
        dark = frame * np.float32(1 / 255)
        if picture.ndim == 3:
            light, dark = light[..., None], dark[..., None]
        seen = picture + light * (235.0 - picture)
        return _bytes(seen + dark * (_FRAME_GREY - seen))


def draw_strand(picture: ByteImage, moment: Moment, matrix: Matrix, left_top: tuple[int, int]) -> None:
    """A strand of hair before a brow, hanging from the hair line and swung aside; drawn into the picture."""
    swing = math.radians(moment.strand_deg or 0.0)
    share = np.linspace(0, 1, 12)
    bend = swing * share * (1.2 - 0.2 * share)
    x = _STRAND_ROOT[0] + _STRAND_PX * share * np.sin(bend) + 3 * share**2
    y = _STRAND_ROOT[1] + _STRAND_PX * share * np.cos(bend)
    placed = apply_similarity(matrix, face_to_camera(np.stack([x, y], axis=1).astype(np.float32))) - _vector(*left_top)
    colour = (_STRAND_GREY,) * (picture.shape[2] if picture.ndim == 3 else 1)
    points = np.round(placed * 2**_SHIFT).astype(np.int32)
    cv2.polylines(picture, [points], False, colour, 3, cv2.LINE_AA, _SHIFT)


def draw_hand(picture: ByteImage, moment: Moment, matrix: Matrix, left_top: tuple[int, int]) -> None:
    """A hand with its tip at `moment.hand`, coming from below; drawn into the picture."""
    if moment.hand is None:
        return
    mask = np.zeros(picture.shape[:2], np.uint8)
    tip_x, tip_y = moment.hand
    for finger in range(4):
        x = tip_x + 13.0 * (finger - 1.5)
        top = (x, tip_y + (4.0, 0.0, 1.0, 7.0)[finger])
        _bar(mask, top, (x + 2.0 * (finger - 1.5), tip_y + 52.0), 12.0, matrix, left_top)
    _bar(mask, (tip_x, tip_y + 60.0), (tip_x, tip_y + 210.0), 54.0, matrix, left_top)
    share = cv2.GaussianBlur(mask, (0, 0), 1.2).astype(np.float32)[..., None] / 255
    shade = 0.75 + 0.25 * cv2.GaussianBlur(mask, (0, 0), 7.0).astype(np.float32)[..., None] / 255
    colour = np.array(_HAND_BGR, np.float32)
    skin: FloatArray = (shade * (colour if picture.ndim == 3 else colour.mean(dtype=np.float32))).astype(np.float32)
    below = (picture if picture.ndim == 3 else picture[..., None]).astype(np.float32)
    picture[...] = _bytes(below + share * (skin - below)).reshape(picture.shape)


def _bar(
    mask: ByteImage,
    start: tuple[float, float],
    end: tuple[float, float],
    width: float,
    matrix: Matrix,
    left_top: tuple[int, int],
) -> None:
    places = apply_similarity(matrix, face_to_camera(np.array([start, end], np.float32))) - _vector(*left_top)
    cv2.line(mask, _fixed(places[0]), _fixed(places[1]), _WHITE, round(width * CAMERA_PER_FACE), cv2.LINE_AA, _SHIFT)


def _window_light(shape: tuple[int, int], left_top: tuple[int, int]) -> FloatArray:
    """(h, w) a window that stands still in the room while the head moves: panes with soft borders, 0-1."""
    x = np.arange(shape[1], dtype=np.float32) + left_top[0]
    y = np.arange(shape[0], dtype=np.float32) + left_top[1]
    panes = 0.5 + 0.5 * np.tanh(3 * np.sin(2 * np.pi * (x - 0.3 * MIDLINE_PX) / 46.0))
    rows = 0.5 + 0.5 * np.tanh(3 * np.sin(2 * np.pi * y / 58.0))
    return cast(FloatArray, (rows[:, None] * panes[None]).astype(np.float32))


def _vector(x: float, y: float) -> FloatArray:
    return np.array([x, y], dtype=np.float32)


def _fixed(point: FloatArray | np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> tuple[int, int]:
    x, y = (np.asarray(point, dtype=np.float64) * 2**_SHIFT).round()
    return int(x), int(y)


def _bytes(values: FloatArray) -> ByteImage:
    return cast(ByteImage, np.clip(values + 0.5, 0, 255).astype(np.uint8))
