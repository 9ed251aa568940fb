"""The image pyramid of the TV-L1 solvers, as small resampling matrices: rows @ image @ columns.T.

Matrices make one definition serve every solver: NumPy beside the compiled kernel, batched torch on any device. Coordinates
follow pixel centres, x_coarse = (x_fine + 0.5) m / n - 0.5, and images continue beyond their border with their outermost value.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from ahmsa.settings import FlowSettings

MIN_SIDE_PX = 16
"""No level is smaller, as in OpenCV: below, a face has no structure left to match."""

ResamplingMatrix = npt.NDArray[np.float64]
Weights = Callable[[ResamplingMatrix], ResamplingMatrix]


def level_shapes(height: int, width: int, settings: FlowSettings) -> list[tuple[int, int]]:
    """(h, w) of each level, coarsest first; the last one is the image's own."""
    shapes = [(height, width)]
    for level in range(1, settings.scales):
        scale = settings.scale_step**level
        shape = (round(height * scale), round(width * scale))
        if min(shape) < MIN_SIDE_PX:
            break
        shapes.append(shape)
    return shapes[::-1]


@lru_cache(maxsize=64)
def shrink_matrix(fine: int, coarse: int) -> ResamplingMatrix:
    """(coarse, fine): Gaussian blur of sigma 0.6 sqrt((fine / coarse)^2 - 1), then cubic samples (IPOL 2013, section 4.3)."""
    ratio = fine / coarse
    sigma = max(0.6 * np.sqrt(ratio**2 - 1), 1e-3)
    reach = int(np.ceil(4 * sigma))
    offsets = np.arange(-reach, reach + 1)
    blur = np.zeros((fine, fine))
    _spread(blur, np.arange(fine)[:, None] + offsets, np.exp(-0.5 * (offsets / sigma) ** 2)[None] * np.ones((fine, 1)))
    return _frozen(_samples(fine, coarse, _cubic_weights) @ (blur / blur.sum(axis=1, keepdims=True)))


@lru_cache(maxsize=64)
def grow_matrix(coarse: int, fine: int) -> ResamplingMatrix:
    """(fine, coarse): linear interpolation, for flow fields. Displacements are to be multiplied by fine / coarse as well."""
    return _frozen(_samples(coarse, fine, _linear_weights))


def _samples(source: int, target: int, weights: Weights) -> ResamplingMatrix:
    at = (np.arange(target) + 0.5) * source / target - 0.5
    base = np.floor(at).astype(int)
    matrix = np.zeros((target, source))
    _spread(matrix, base[:, None] + np.arange(-1, 3), weights((at - base)[:, None] - np.arange(-1, 3)))
    return matrix


def _spread(matrix: ResamplingMatrix, columns: npt.NDArray[np.int64], weights: ResamplingMatrix) -> None:
    """Add weights (rows, k) at `columns` (rows, k) of each row; columns beyond the border count for the border."""
    rows = np.broadcast_to(np.arange(len(matrix))[:, None], columns.shape)
    np.add.at(matrix, (rows, np.clip(columns, 0, matrix.shape[1] - 1)), weights)


def _cubic_weights(distance: ResamplingMatrix) -> ResamplingMatrix:
    d = np.abs(distance)
    near, far = 1.5 * d**3 - 2.5 * d**2 + 1, -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2
    return np.where(d <= 1, near, np.where(d < 2, far, 0.0))


def _linear_weights(distance: ResamplingMatrix) -> ResamplingMatrix:
    weights: ResamplingMatrix = np.maximum(1 - np.abs(distance), 0.0)
    return weights


def _frozen(matrix: ResamplingMatrix) -> ResamplingMatrix:
    matrix.setflags(write=False)
    return matrix
