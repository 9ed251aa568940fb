"""A portrait under known movement of the head, without any landmark detector in its making: what detectors are compared on.

The portrait is NASA's public-domain picture of Eileen Collins. A picture depends on its
number in the clip alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import cast

import cv2
import numpy as np

from ahmsa.synth.photograph import photograph
from ahmsa.types import ByteImage, Matrix

WIDTH_PX, HEIGHT_PX = 640, 480
FRAMES = 30
_FACE = (225.0, 115.0)
"""Centre of the face in the stored portrait."""
_TIMES_LARGER = 1.9
_FOCAL_PX = 700.0


def views(name: str) -> Iterator[ByteImage]:
    """The `FRAMES` pictures of a clip, (480, 640, 3) BGR. name: a key of CLIPS."""
    return (CLIPS[name](number) for number in range(FRAMES))


def _picture(
    *, scale: float = 1.0, roll_deg: float = 0.0, yaw_deg: float = 0.0, x: float = WIDTH_PX / 2, width: int = WIDTH_PX
) -> ByteImage:
    """The portrait as a plane: turned, scaled, its face at (x, middle)."""
    plane = cast(Matrix, cv2.getRotationMatrix2D(_FACE, roll_deg, _TIMES_LARGER * scale))
    plane[:, 2] -= np.array(_FACE)
    matrix = _perspective(yaw_deg, x) @ np.vstack([plane, [0, 0, 1]])
    warped = cv2.warpPerspective(
        photograph(), matrix, (width, HEIGHT_PX), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return cast(ByteImage, warped)


def _perspective(yaw_deg: float, x: float) -> Matrix:
    """A plane turned about the vertical axis, seen by a camera with `_FOCAL_PX`, its origin at (x, middle)."""
    turn = math.radians(yaw_deg)
    shift = np.array([[1, 0, x], [0, 1, HEIGHT_PX / 2], [0, 0, 1]], dtype=np.float64)
    turned = np.array([[math.cos(turn), 0, 0], [0, 1, 0], [math.sin(turn) / _FOCAL_PX, 0, 1]])
    return cast(Matrix, shift @ turned)


def _noisy(picture: ByteImage, levels: float, seed: int) -> ByteImage:
    noise = np.random.default_rng(seed).normal(0, levels, picture.shape)
    return cast(ByteImage, np.clip(picture + noise, 0, 255).astype(np.uint8))


def _wave(number: int) -> float:
    """0 at both ends of a clip, 1 after a quarter, -1 after three."""
    return math.sin(2 * math.pi * number / (FRAMES - 1))


def _lit(number: int) -> ByteImage:
    return cast(ByteImage, np.clip(_picture() * (0.65 + 0.45 * _wave(number)), 0, 255).astype(np.uint8))


def _gone(number: int) -> ByteImage:
    """The face leaves to the right, and is back at once in frame 22."""
    return _picture(x=WIDTH_PX / 2 + (45.0 * number if number < 22 else 0.0))


def _two(number: int) -> ByteImage:
    half = WIDTH_PX // 2
    left = _picture(scale=0.7, x=half / 2 + 20 * _wave(number), width=half)
    right = _picture(scale=0.7, roll_deg=10 * _wave(number), x=half / 2, width=half)
    return cast(ByteImage, np.ascontiguousarray(np.concatenate([left, right], axis=1)))


CLIPS: dict[str, Callable[[int], ByteImage]] = {
    "roll": lambda number: _picture(roll_deg=40 * _wave(number)),
    "turn": lambda number: _picture(yaw_deg=35 * _wave(number)),
    "scale": lambda number: _picture(scale=2 ** (0.8 * _wave(number))),
    "light": _lit,
    "noise": lambda number: _noisy(_picture(), 8.0, number),
    "leaves": _gone,
    "two faces": _two,
}
"""Clip -> picture of a frame number."""
