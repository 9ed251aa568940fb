"""Distance of each pixel of a face from the camera, by which a turning head is separated from a moving face.

Under weak perspective a head that turns moves every point by the angle times its depth, so its flow is known as soon as the
depth is. FaceMesh gives the depth of 468 landmarks; where there are none, an average face stands in.
"""

from __future__ import annotations

from functools import lru_cache
from typing import cast

import cv2
import numpy as np

from ahmsa.face.geometry import CANONICAL_GRID
from ahmsa.types import AlignedFace, FloatArray

_REACH_CELLS = 0.9
"""A pixel's depth is the mean of the landmarks around it (Gaussian)."""
_PRIOR = 1e-4
"""Weight of the average face's depth, in landmarks a pixel: it decides where no landmark is near."""


def depth_of(face: AlignedFace) -> FloatArray:
    """(s, s) depth of a crop's pixels in px of the crop, larger is farther from the camera, 0 on the average of the face."""
    side = face.pixels.shape[0]
    if len(face.depth_px) == 0 or len(face.depth_px) != len(face.landmarks_px):
        return average_depth(side)
    place = np.round(face.landmarks_px).astype(np.int64)
    inside = ((place >= 0) & (place < side)).all(axis=1) & np.isfinite(face.depth_px)
    if not inside.any():
        return average_depth(side)
    column, row = place[inside].T
    depth = face.depth_px[inside] - face.depth_px[inside].mean()
    scattered = np.zeros((side, side, 2), np.float32)
    np.add.at(scattered, (row, column), np.stack([depth, np.ones_like(depth)], axis=1))
    near = cv2.GaussianBlur(scattered, (0, 0), _REACH_CELLS * side / CANONICAL_GRID)
    return cast(FloatArray, (near[..., 0] + _PRIOR * average_depth(side)) / (near[..., 1] + _PRIOR))


@lru_cache(maxsize=8)
def average_depth(side: int) -> FloatArray:
    """(s, s) depth of an average face in a canonical crop: a dome and a nose, fitted to FaceMesh's depth of frontal faces."""
    y, x = ((np.mgrid[:side, :side] + 0.5) * (2 / side) - 1).astype(np.float32)
    nose = np.exp(-((x / 0.18) ** 2) - ((y - 0.06) / 0.22) ** 2)
    depth = (0.40 * x**2 + 0.03 * y**2 + 0.045 * y - 0.20 * nose) * side
    depth -= depth.mean()
    depth.setflags(write=False)
    return cast(FloatArray, depth.astype(np.float32))
