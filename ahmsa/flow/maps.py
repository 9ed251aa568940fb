"""The form of a flow map: which parts of the face it shows (the whole crop, or its key regions side by side, paper 3.2), and
how it is scaled: to 0-1 per channel as published maps are, and back to what that took away, which is the zero that means no
motion, and how large v is beside u."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from ahmsa.face.geometry import MESH_LANDMARKS, POINT_NAMES, canonical_points_px, mesh_points
from ahmsa.flow.strain import strain_magnitude
from ahmsa.types import AlignedFace, FloatArray

Layout = Literal["whole", "quad", "five"]

_LEFT_EYE, _RIGHT_EYE, _NOSE, _LEFT_LIP, _RIGHT_LIP = range(len(POINT_NAMES))
_FLAT = 1e-6

# What v may have lost against u, in powers of two, and what is believed before strain is asked: public maps lie about there.
_STEPS = np.linspace(-2, 2, 17)
_USUAL, _SPREAD = 0.4, 0.8
_TRUST = 60.0
"""A proportion whose strain correlates by 0.05 less is a twentieth as likely."""


def region_centres(face: AlignedFace) -> tuple[FloatArray, bool]:
    """(5, 2) x, y of the region centres in crop px (POINT_NAMES order), and whether they are the canonical fallback.

    The centres are the face's own MediaPipe landmarks. Where it has none, or where one is outside the crop, the canonical
    points stand in and the second value is True.
    """
    side = face.pixels.shape[0]
    if len(face.landmarks_px) >= MESH_LANDMARKS:
        centres = mesh_points(face.landmarks_px)
        if np.isfinite(centres).all() and (centres >= 0).all() and (centres <= side - 1).all():
            return centres, False
    return canonical_points_px(side), True


def lay_out(channels: FloatArray, centres_px: FloatArray, layout: Layout, map_px: int) -> FloatArray:
    """One map from a field over the crop. channels: (c, h, w), h = w -> (c, map_px, map_px), not yet scaled.

    `whole`: the crop as it is, averaged down (INTER_AREA), the geometry of published maps.
    `quad`: 2 x 2 mosaic, each tile half the map's side: eyes on top, lip corners below, left and right as in the image. A tile
    has the scale of the whole map: 14 x 14 cells of a 28-cell face, so the tiles of neighbours may overlap.
    `five`: as `quad`, with the nose as a fifth tile of half a side in the middle, over the inner corners of the other four,
    which meet at the map's centre.
    """
    small = _averaged(channels, map_px)
    return _LAYOUTS[layout](small, _cells(centres_px, channels.shape[-1], map_px))


def _whole(small: FloatArray, centres: FloatArray) -> FloatArray:  # noqa: ARG001 - one signature for all layouts
    return small


def _quad(small: FloatArray, centres: FloatArray) -> FloatArray:
    side = small.shape[-1]
    tile = (side + 1) // 2
    top = np.concatenate([_tile(small, centres[i], tile) for i in (_LEFT_EYE, _RIGHT_EYE)], axis=-1)
    bottom = np.concatenate([_tile(small, centres[i], tile) for i in (_LEFT_LIP, _RIGHT_LIP)], axis=-1)
    return cast(FloatArray, np.concatenate([top, bottom], axis=-2)[..., :side, :side])


def _five(small: FloatArray, centres: FloatArray) -> FloatArray:
    mosaic = _quad(small, centres).copy()
    side = small.shape[-1]
    tile = side // 2
    start = (side - tile) // 2
    mosaic[:, start : start + tile, start : start + tile] = _tile(small, centres[_NOSE], tile)
    return mosaic


_LAYOUTS: Mapping[Layout, Callable[[FloatArray, FloatArray], FloatArray]] = {"whole": _whole, "quad": _quad, "five": _five}


def _averaged(channels: FloatArray, map_px: int) -> FloatArray:
    stacked = np.ascontiguousarray(channels.transpose(1, 2, 0))
    return cast(FloatArray, cv2.resize(stacked, (map_px, map_px), interpolation=cv2.INTER_AREA).transpose(2, 0, 1))


def _cells(centres_px: FloatArray, crop_px: int, map_px: int) -> FloatArray:
    return cast(FloatArray, (centres_px + 0.5) * (map_px / crop_px) - 0.5)


def _tile(small: FloatArray, centre: FloatArray, tile: int) -> FloatArray:
    """(c, tile, tile) around a centre, moved inside the map where it would stick out."""
    side = small.shape[-1]
    column, row = (int(np.clip(round(float(c) - (tile - 1) / 2), 0, side - tile)) for c in centre)
    return small[:, row : row + tile, column : column + tile]


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
