"""How a flow map is scaled: to 0-1 per channel as published maps are, and back to what that took away: the zero that
means no motion, and how large v is beside u."""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray

from ahmsa.flow.strain import strain_magnitude
from ahmsa.types import FloatArray

_FLAT = 1e-6

# What v may have lost against u, in powers of two, and what is believed before strain is asked: public maps lie about there.
_STEPS = np.linspace(-2, 2, 17)
_USUAL, _SPREAD = 0.4, 0.8
_TRUST = 60.0
"""A proportion whose strain correlates by 0.05 less is a twentieth as likely."""


def min_max(uvs: FloatArray) -> FloatArray:
    """Scale every channel of every map to 0-1, the form in which public flow maps are stored.

    uvs: (..., 3, h, w). A flat channel becomes zero instead of a division by zero.
    """
    low = uvs.min(axis=(-2, -1), keepdims=True)
    span = uvs.max(axis=(-2, -1), keepdims=True) - low
    return cast(FloatArray, ((uvs - low) / np.where(span < _FLAT, np.inf, span)).astype(np.float32))


def recentre(uvs: FloatArray) -> FloatArray:
    """Undo what min-max scaling did to the meaning of zero.

    uvs: (..., 3, h, w). Each channel's median (rest, on most of a face) is subtracted; u and v are then divided together by
    their mean magnitude, so that their ratio stays, and strain by its own mean magnitude.
    """
    centred = uvs - np.median(uvs, axis=(-2, -1), keepdims=True)
    u_v, strain = centred[..., :2, :, :], centred[..., 2:, :, :]
    magnitude = np.sqrt((u_v**2).sum(axis=-3, keepdims=True)).mean(axis=(-2, -1), keepdims=True)
    strain_magnitude = np.abs(strain).mean(axis=(-2, -1), keepdims=True)
    return cast(
        FloatArray,
        np.concatenate([u_v / np.maximum(magnitude, _FLAT), strain / np.maximum(strain_magnitude, _FLAT)], axis=-3).astype(
            np.float32
        ),
    )


def restore_proportion(uvs: FloatArray) -> FloatArray:
    """Give v back its size beside u, which scaling each channel by itself took away.

    uvs: (n, 3, h, w) 0-1 maps -> the same with v multiplied. Strain was computed before and remembers: that of
    the right proportion (paper eq. 1) is like the strain channel, of a wrong one less. The factor is the mean over `_STEPS`,
    each as likely as its strain's correlation and the usual proportion make it.
    """
    u_v = np.repeat(uvs[None, :, :2], len(_STEPS), axis=0)
    u_v[:, :, 1] *= np.exp2(_STEPS)[:, None, None, None]
    correlation = _correlation(strain_magnitude(u_v).astype(np.float64), uvs[:, 2].astype(np.float64))
    likely = np.exp(_TRUST * (correlation - correlation.max(axis=0)) - ((_STEPS[:, None] - _USUAL) / _SPREAD) ** 2 / 2)
    power = (likely * _STEPS[:, None]).sum(axis=0) / likely.sum(axis=0)
    restored = uvs.copy()
    restored[:, 1] *= np.exp2(power)[:, None, None]
    return restored


def _correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """(...) Pearson correlation over two last axes, without the border, where gradients are one-sided; 0 where one is flat."""
    a, b = (each[..., 1:-1, 1:-1] - each[..., 1:-1, 1:-1].mean(axis=(-2, -1), keepdims=True) for each in (a, b))
    norm = np.sqrt((a**2).sum(axis=(-2, -1)) * (b**2).sum(axis=(-2, -1)))
    return cast(NDArray[np.float64], (a * b).sum(axis=(-2, -1)) / np.maximum(norm, _FLAT**2))


def mirror(uvs: FloatArray) -> FloatArray:
    """The map of the mirrored face: sides swap and horizontal motion changes its sign.

    uvs: (..., 3, h, w) recentred maps, or raw flow; 0-1 maps have no sign to change and must be recentred first.
    """
    flipped = uvs[..., ::-1].copy()
    flipped[..., 0, :, :] *= -1
    return flipped
