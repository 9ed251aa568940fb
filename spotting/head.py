"""The rigid motion of a head: a field that is affine in the x, y and depth of the face's points.

Under weak perspective a rigid body that shifts, turns and comes nearer moves each point by a linear function of its place in
space (Tomasi and Kanade 1992): four numbers for u and four for v say all of it, without a model of this face's shape, because
the landmarks bring their depth along.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]

_ROUNDS = 4
_RIDGE = 1e-6


def rigid_basis(points: Floats, depth: Floats, side: int) -> npt.NDArray[np.float64]:
    """(n, 4) 1, x, y, depth of each point, about -1 to 1. points: (n, 2) px of a crop of `side` px; depth: (n,) px."""
    half = side / 2
    return np.column_stack([np.ones(len(points)), (points - half) / half, depth / half]).astype(np.float64)


def fit_rigid(
    basis: npt.NDArray[np.float64], flow: Floats, prior: npt.NDArray[np.float64], least_px: float
) -> tuple[npt.NDArray[np.float64], float]:
    """(4, 2) the motion that most of the points agree on, and the median error of those that vote.

    basis: (n, 4); flow: (n, 2) px; prior: (n,) weight of each vote, 0 for points that were not found. Weighted least squares,
    reweighted from the median error (Geman and McClure): what moves on its own is an outlier. least_px: errors below are noise.
    """
    usable = prior > 0
    if np.count_nonzero(usable) < 2 * basis.shape[1]:
        return np.zeros((basis.shape[1], 2)), float("inf")
    target = flow.astype(np.float64)
    ridge = _RIDGE * np.eye(basis.shape[1])
    weights = prior
    for _ in range(_ROUNDS):
        weighted = (basis * weights[:, None]).T
        # OpenCV solves 4 x 4 on one thread; LAPACK would wake every core for it.
        _, fitted = cv2.solve(weighted @ basis + ridge, weighted @ target, flags=cv2.DECOMP_CHOLESKY)
        left = target - basis @ fitted
        error = np.hypot(left[:, 0], left[:, 1])
        median = _median(error[usable])
        weights = prior / (1 + (error / max(1.5 * median, least_px)) ** 2) ** 2
    return np.asarray(fitted, np.float64), median


def _median(values: npt.NDArray[np.float64]) -> float:
    """As np.median, which takes five times as long for so few."""
    middle = len(values) // 2
    if len(values) % 2:
        return float(np.partition(values, middle)[middle])
    parts = np.partition(values, (middle - 1, middle))
    return float(parts[middle - 1] + parts[middle]) / 2
