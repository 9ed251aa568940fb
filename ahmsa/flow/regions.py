"""Which parts of the face a map shows: the whole crop, or its key regions side by side (paper 3.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Literal, cast

import cv2
import numpy as np
import numpy.typing as npt

from ahmsa.face.geometry import CANONICAL_GRID, MESH_LANDMARKS, POINT_NAMES, canonical_points_px, mesh_points
from ahmsa.types import AlignedFace, FloatArray

Layout = Literal["whole", "quad", "five"]

Mask = npt.NDArray[np.bool_]

_LEFT_EYE, _RIGHT_EYE, _NOSE, _LEFT_LIP, _RIGHT_LIP = range(len(POINT_NAMES))


@lru_cache(maxsize=8)
def face_mask(height: int, width: int) -> Mask:
    """(h, w) bool: the ellipse of a canonical crop that holds skin for nearly everyone; hair and background stay outside."""
    mask = ellipse(height, width, 14.0, 13.5, 11.5, 13.0)
    mask.setflags(write=False)
    return mask


def ellipse(height: int, width: int, x: float, y: float, half_width: float, half_height: float) -> Mask:
    """(h, w) bool of a canonical crop; centre and half axes in cells of the canonical grid."""
    rows, columns = np.mgrid[:height, :width]
    cell_x, cell_y = (columns + 0.5) * CANONICAL_GRID / width - 0.5, (rows + 0.5) * CANONICAL_GRID / height - 0.5
    return cast(Mask, ((cell_x - x) / half_width) ** 2 + ((cell_y - y) / half_height) ** 2 <= 1)


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
