"""How a flow map is scaled: to 0-1 per channel as published maps are, and back to a zero that means rest."""

from __future__ import annotations

from typing import cast

import numpy as np

from ahmsa.types import FloatArray

_FLAT = 1e-6


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


def mirror(uvs: FloatArray) -> FloatArray:
    """The map of the mirrored face: sides swap and horizontal motion changes its sign.

    uvs: (..., 3, h, w) recentred maps, or raw flow; 0-1 maps have no sign to change and must be recentred first.
    """
    flipped = uvs[..., ::-1].copy()
    flipped[..., 0, :, :] *= -1
    return flipped
