"""Optical strain: how much skin stretches, shrinks and shears under a flow field (paper, eq. 1)."""

from __future__ import annotations

from typing import cast

import numpy as np

from ahmsa.types import FloatArray


def strain_magnitude(flow: FloatArray) -> FloatArray:
    """Magnitude of the optical strain tensor, sqrt(ux^2 + vy^2 + (uy + vx)^2 / 2), without unit.

    flow: (..., 2, h, w) u, v in px, h and w at least 2 -> (..., h, w). Derivatives are central differences,
    (f[x+1] - f[x-1]) / 2; on the border rows and columns they are the one-sided difference of the two outermost values, so
    that a linear field has its exact strain everywhere. The magnitude has no sign: expansion and compression look alike,
    as in published maps.
    """
    u, v = flow[..., 0, :, :], flow[..., 1, :, :]
    u_y, u_x = np.gradient(u, axis=(-2, -1))
    v_y, v_x = np.gradient(v, axis=(-2, -1))
    return cast(FloatArray, np.sqrt(u_x**2 + v_y**2 + 0.5 * (u_y + v_x) ** 2).astype(np.float32))
