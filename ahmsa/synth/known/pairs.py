"""Pairs of portraits between which the motion is known exactly, to hold optical flow against."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import cv2
import numpy as np
import numpy.typing as npt
from scipy import ndimage

from ahmsa.synth.motion.muscles import expression
from ahmsa.synth.photograph import photograph
from ahmsa.types import ByteImage, FloatArray

_Array = npt.NDArray[np.float64]

_CORNER, _SIDE = (179.2, 70.3), 94.4
"""The square of the portrait that is its canonical crop: corner x, y and side, px of the portrait."""
_SUPERSAMPLING = 3
_MARGIN_PX = 64


@dataclass(frozen=True, slots=True, eq=False)
class KnownPair:
    """Two images and what lies between them: apex(x + flow(x)) = onset(x), but for noise."""

    onset: ByteImage
    apex: ByteImage
    flow: FloatArray
    """(2, h, w) u right positive, v down positive, px."""


def known_pair(seed: int, peak_px: float, noise: float = 0.0, side: int = 128, smoothness_px: float = 14.0) -> KnownPair:
    """The portrait, moved by a smooth random field whose largest displacement is `peak_px`.

    noise: standard deviation in grey levels, added to both images before they are rounded to bytes. Both images are rendered
    from the larger original by spline interpolation and area averaging, so no flow method's own interpolation is favoured.
    """
    generator = np.random.default_rng(seed)
    size = side + 2 * _MARGIN_PX
    field = np.stack([ndimage.gaussian_filter(generator.normal(size=(size, size)), smoothness_px) for _ in range(2)])
    return _moved(_scaled(field, peak_px), noise, side, seed)


def known_expression(
    label: str,
    seed: int,
    peak_px: float,
    noise: float = 0.0,
    head_turn_deg: float = 0.0,
    head_shift_px: tuple[float, float] = (0.0, 0.0),
) -> KnownPair:
    """The portrait in 128 px, moved as the muscles of an expression would; the rest as in known_pair.

    `peak_px` is the muscles' largest displacement; the head's own turn about the crop's centre and shift come on top.
    """
    side = 128
    axis = np.arange(-_MARGIN_PX, side + _MARGIN_PX, dtype=np.float32)
    muscles = expression(label, np.random.default_rng(seed)).field(axis, axis).astype(np.float64)
    turn, centred = np.deg2rad(head_turn_deg), axis.astype(np.float64) - (side - 1) / 2
    head = np.stack(np.broadcast_arrays(-turn * centred[:, None] + head_shift_px[0], turn * centred + head_shift_px[1]))
    return _moved(-_scaled(muscles, peak_px) - head, noise, side, seed)


def _scaled(field: _Array, peak_px: float) -> _Array:
    """The field, `peak_px` at its largest inside the margin."""
    inside = slice(_MARGIN_PX, -_MARGIN_PX)
    return cast(_Array, field * (peak_px / np.hypot(field[0], field[1])[inside, inside].max()))


def _moved(backward: _Array, noise: float, side: int, seed: int) -> KnownPair:
    """The pair of a backward field (2, side + margins, side + margins) in px: apex(y) shows onset(y + b(y))."""
    coefficients = [ndimage.spline_filter(component, order=3) for component in backward]
    y, x = np.mgrid[:side, :side].astype(np.float64)
    u, v = np.zeros_like(x), np.zeros_like(x)
    # y = x + flow(x) solves flow(x) = -b(x + flow(x)); b is smooth, so the iteration contracts.
    for _ in range(40):
        u, v = (-component for component in _at(coefficients, x + u, y + v))
    generator = np.random.default_rng([seed, 1])
    onset, apex = (
        np.clip(np.round(image + noise * generator.normal(size=image.shape)), 0, 255).astype(np.uint8)
        for image in (_rendered(side, None), _rendered(side, coefficients))
    )
    return KnownPair(onset, apex, np.stack([u, v]).astype(np.float32))


def _at(backward: list[_Array], x: _Array, y: _Array) -> tuple[_Array, _Array]:
    where = [y + _MARGIN_PX, x + _MARGIN_PX]
    u, v = (ndimage.map_coordinates(c, where, order=3, prefilter=False, mode="nearest") for c in backward)
    return u, v


def _rendered(side: int, backward: list[_Array] | None) -> _Array:
    fine = side * _SUPERSAMPLING
    y, x = (np.mgrid[:fine, :fine] + 0.5) / _SUPERSAMPLING - 0.5
    if backward is not None:
        u, v = _at(backward, x, y)
        x, y = x + u, y + v
    scale = _SIDE / side
    where = [_CORNER[1] + (y + 0.5) * scale - 0.5, _CORNER[0] + (x + 0.5) * scale - 0.5]
    image = ndimage.map_coordinates(_portrait_coefficients(), where, order=3, prefilter=False, mode="mirror")
    return cast(_Array, image.reshape(side, _SUPERSAMPLING, side, _SUPERSAMPLING).mean(axis=(1, 3)))


@lru_cache(maxsize=1)
def _portrait_coefficients() -> _Array:
    grey = cv2.cvtColor(photograph(), cv2.COLOR_BGR2GRAY).astype(np.float64)
    return cast(_Array, ndimage.spline_filter(grey, order=3))
