"""What a face did beside the movement: motion around it says how far the flow from onset to apex can be believed.

A person talks, blinks or goes on smiling. Direction does not separate that: the flow before the onset predicts 1 % of the
energy of what else moves between onset and apex. Its size is a better witness, and best is what has not come back once the
movement is over (docs/experiments.md, "Recognition on real faces").
"""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np

from ahmsa.face.geometry import CANONICAL_GRID, face_mask
from ahmsa.types import FloatArray

_REACH_CELLS = 1.3
"""Energies are compared over this neighbourhood (Gaussian standard deviation), so that a lid does not speak for a brow."""
_FLOOR_PX = 0.05
"""Motion of a neutral face: noise of camera and flow."""


def energy(flow: FloatArray) -> FloatArray:
    """(h, w) local mean of the squared length of a flow (2, h, w) px of a canonical crop, px squared."""
    reach_px = _REACH_CELLS * flow.shape[-1] / CANONICAL_GRID
    return cast(FloatArray, cv2.GaussianBlur((flow**2).sum(axis=0), (0, 0), reach_px))


def other_energy(flows: list[FloatArray]) -> FloatArray:
    """(h, w) the largest energy of several flows (2, h, w), never below that of a neutral face."""
    return cast(FloatArray, np.maximum(np.maximum.reduce([energy(flow) for flow in flows]), _FLOOR_PX**2))


def own_share(flow: FloatArray, other: FloatArray) -> float:
    """0-1: which part of the energy on the face between onset and apex exceeds that of the other motion at its place."""
    face = face_mask(*flow.shape[1:])
    moved = energy(flow)[face]
    return float(np.maximum(moved - other[face], 0).sum() / max(float(moved.sum()), 1e-12))
