"""The motion of the head, fitted to many points on the face of which some move on their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import cv2
import numpy as np
import numpy.typing as npt

from ahmsa.types import FloatArray

_ROUNDS = 4
_LEAST_PX = 0.1
_PARAMETERS = 6
"""Shift right, shift down, growth, roll, and what turning and nodding move: a face's middle lies before its edges."""


@dataclass(frozen=True, slots=True)
class HeadPose:
    """A movement of the head against the keyframe."""

    travel_px: FloatArray
    """(6,) shift right, shift down, growth, roll, turn, nod: each in px of a 128 crop where it moves the face most."""

    @staticmethod
    def rest() -> HeadPose:
        return HeadPose(np.zeros(_PARAMETERS, np.float32))


class HeadModel:
    """How the points of a keyframe move with the head: a similarity, and turning and nodding of a dome with a nose.

    points: (n, 2) px of the crop; the head is fitted to `support`, a part of them, by weights `prior`.
    """

    def __init__(
        self, points: FloatArray, side: int, landmarks: FloatArray, support: slice, prior: npt.NDArray[np.float64]
    ) -> None:
        basis = _basis(points, side, landmarks)
        self._basis = basis
        self._support = support
        self._prior = prior
        self._fitted = basis[support]
        self._scale = side / 128

    def flow(self, pose: HeadPose) -> FloatArray:
        """(n, 2) how the pose moves the points, px of the crop."""
        return cast(FloatArray, (self._basis @ pose.travel_px * self._scale).astype(np.float32))

    def fit(self, flow: FloatArray, usable: npt.NDArray[np.bool_]) -> tuple[HeadPose, float]:
        """The pose that most of the support agrees on (Geman-McClure weights), and the median error, px of the crop."""
        target = flow[self._support] / self._scale
        base = self._prior * usable[self._support]
        weights = base
        pose = np.zeros(_PARAMETERS)
        error = np.zeros(len(target))
        ridge = np.diag([1e-6] * 4 + [0.02 * len(target)] * 2)
        for _ in range(_ROUNDS):
            weighted = self._fitted * weights[:, None, None]
            normal = np.einsum("nij,nik->jk", weighted, self._fitted) + ridge
            # OpenCV solves 6 x 6 on one thread; LAPACK would wake every core for it.
            _, solved = cv2.solve(normal, np.einsum("nij,ni->j", weighted, target)[:, None], flags=cv2.DECOMP_CHOLESKY)
            pose = solved[:, 0]
            error = np.linalg.norm(self._fitted @ pose - target, axis=1)
            width = max(1.5 * float(np.median(error)), _LEAST_PX)
            weights = base / (1 + (error / width) ** 2) ** 2
        return HeadPose(pose.astype(np.float32)), float(np.median(error)) * self._scale


def _basis(points: FloatArray, side: int, landmarks: FloatArray) -> npt.NDArray[Any]:
    """(n, 2, 6) derivative of each point's place by each parameter; turning counts relative to the face's middle depth."""
    centre = landmarks[6] * 0.5 + landmarks[1] * 0.5
    x, y = ((points - centre) / (side / 2)).T
    nose_x, nose_y = ((points - landmarks[1]) / (side / 2)).T
    depth = 1 - 0.5 * (x**2 + 0.7 * y**2) + 0.25 * np.exp(-0.5 * ((nose_x / 0.14) ** 2 + (nose_y / 0.19) ** 2))
    depth = depth - depth.mean()
    one, zero = np.ones_like(x), np.zeros_like(x)
    right = np.stack([one, zero, x, -y, depth, zero], axis=-1)
    down = np.stack([zero, one, y, x, zero, depth], axis=-1)
    return np.stack([right, down], axis=1)
