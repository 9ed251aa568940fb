"""The canonical face, where on it there is skin, and the similarity that brings any face to it.

Published flow maps have, on a 28 x 28 grid (mean over 442 apex faces), the eye centres, nose tip and mouth corners below.
Live faces and database clips are aligned to the same points, so that live maps lie where the network expects them.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from ahmsa.types import FloatArray, Matrix

Points = npt.NDArray[np.floating[Any]]
"""(n, 2) x, y of any float width; (n, 3) x, y, z where a docstring says so."""
Mask = npt.NDArray[np.bool_]

CANONICAL_GRID = 28
CANONICAL_POINTS = np.array([[6.75, 8.68], [21.14, 8.64], [14.08, 14.72], [8.41, 20.47], [19.74, 20.40]], dtype=np.float32)
"""(5, 2) x, y on the 28-cell grid: left eye centre, right eye centre, nose tip, left and right mouth corner. Left and right
are those of the image."""
POINT_NAMES = ("left_eye", "right_eye", "nose", "left_lip", "right_lip")

MESH_LANDMARKS = 468
_MESH_POINTS: tuple[tuple[int, ...], ...] = (
    (33, 133, 159, 145, 158, 153),
    (362, 263, 386, 374, 385, 380),
    (1,),
    (61,),
    (291,),
)
_DLIB_POINTS: tuple[tuple[int, ...], ...] = (tuple(range(36, 42)), tuple(range(42, 48)), (30,), (48,), (54,))


def canonical_points_px(crop_px: int) -> FloatArray:
    """(5, 2) canonical points in a crop of `crop_px` pixels; cell centres map to pixel centres."""
    return cast(FloatArray, (CANONICAL_POINTS + 0.5) * (crop_px / CANONICAL_GRID) - 0.5)


EYE_DISTANCE_PX = float(np.linalg.norm(np.diff(canonical_points_px(128)[:2], axis=0)))
"""Distance between the eyes in the 128 px crop, in which movements are measured."""


def mesh_points(landmarks_px: Points) -> FloatArray:
    """(5, 2) named points from (468 or 478, 2 or 3) FaceMesh landmarks."""
    return _centres(landmarks_px[:, :2], _MESH_POINTS)


def dlib_points(landmarks_px: Points) -> FloatArray:
    """(5, 2) named points from (68, 2) dlib landmarks."""
    return _centres(landmarks_px, _DLIB_POINTS)


def fit_similarity(source: Points, target: Points) -> Matrix:
    """Least-squares similarity (rotation, scale, shift) from `source` to `target`, both (n, 2), n >= 2.

    Returns a (2, 3) matrix. Source: Umeyama 1991, in the closed form of two dimensions.
    """
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    s, t = (source - source_mean).astype(np.float64), (target - target_mean).astype(np.float64)
    spread = max(float((s**2).sum()), 1e-12)
    a = float((s * t).sum()) / spread
    b = float((s[:, 0] * t[:, 1] - s[:, 1] * t[:, 0]).sum()) / spread
    linear = np.array([[a, -b], [b, a]])
    return np.column_stack([linear, target_mean - linear @ source_mean])


def similarity_scale(matrix: Matrix) -> float:
    """How many target pixels one source pixel becomes under a (2, 3) similarity."""
    return math.hypot(float(matrix[0, 0]), float(matrix[1, 0]))


def apply_similarity(matrix: Matrix, points: Points) -> FloatArray:
    """(n, 2) points carried by a (2, 3) matrix."""
    return cast(FloatArray, (points @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32))


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


def _centres(landmarks_px: Points, groups: tuple[tuple[int, ...], ...]) -> FloatArray:
    centres = np.stack([landmarks_px[list(group)].mean(axis=0) for group in groups])
    return cast(FloatArray, centres.astype(np.float32))
