"""Rigid motion of the head, fitted robustly to the whole face and removed from a flow field.

An alignment leaves the head's own motion between onset and apex in the flow; a turn of half a degree is already half a
pixel at the mouth corners, as much as a weak micro-expression. Under weak perspective a head that turns moves every point by
the angle times its depth, so its flow is known as soon as the depth is. FaceMesh gives the depth of 468 landmarks; where there
are none, an average face stands in.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, cast

import cv2
import numpy as np

from ahmsa.face.geometry import CANONICAL_GRID, Mask, ellipse, face_mask
from ahmsa.types import AlignedFace, FloatArray

Points = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
RigidModel = Literal["translation", "similarity", "mesh"]
HeadMotion = Literal["keep"] | RigidModel

# What moves most and in most expressions has no vote. Centre and half axes in cells of the canonical grid.
_MOUTH = (14.0, 20.4, 7.5, 4.0)
_EYES = ((6.75, 8.7, 3.6, 2.4), (21.14, 8.7, 3.6, 2.4))
_STRIDE = 3
"""Every third pixel of every third row is plenty for six unknowns."""
_ROUNDS = 8
_MIN_SCALE_PX = 0.05
_NUMBERS = {"translation": 2, "similarity": 4, "mesh": 6}
_REACH_CELLS = 0.9
"""A pixel's depth is the mean of the landmarks around it (Gaussian)."""
_PRIOR = 1e-4
"""Weight of the average face's depth, in landmarks a pixel: it decides where no landmark is near."""


def remove_head_motion(flow: FloatArray, how: HeadMotion, depth_px: FloatArray | None = None) -> FloatArray:
    """Flow without the head's rigid motion. flow: (b, 2, h, w) px -> the same shape; depth_px: as for `rigid_motion`."""
    if how == "keep":
        return flow
    return cast(FloatArray, (flow - rigid_motion(flow, how, depth_px)).astype(np.float32))


def rigid_motion(flow: FloatArray, how: RigidModel, depth_px: FloatArray | None = None) -> FloatArray:
    """The robust fit itself, as a field. flow: (b, 2, h, w) px of a canonical crop -> (b, 2, h, w).

    `translation` is a shift, `similarity` adds turn and growth in the picture's plane, `mesh` adds nodding and shaking: motion
    in proportion to the depth, which is all that a rigid head does under weak perspective (six numbers, not the eight of a
    free affine field in x, y and depth, which carries off part of a smile). depth_px: (b, h, w) of `depth_of`, for
    `mesh`; without it that of an average face.

    Least squares with Cauchy weights over the face without the mouth (and for `mesh` without the eyes), reweighted a few times
    from the median: muscles move parts of a face, so what they move are outliers. The scale of the weights is the median
    residual, never below 0.05 px.
    """
    height, width = flow.shape[-2:]
    rows, columns = np.nonzero(voters(height, width, eyes=how != "mesh"))
    depth = np.zeros((len(flow), height, width), np.float32)
    if how == "mesh":
        depth[:] = average_depth(width) if depth_px is None else depth_px
    moved = flow[:, :, rows, columns].astype(np.float64)
    at = np.broadcast_to(np.stack([columns, rows])[None].astype(np.float64), (len(flow), 2, len(rows)))
    numbers = _fit(_basis(at, depth[:, rows, columns].astype(np.float64), width, how), moved)
    return _field(numbers.astype(np.float32), depth)


@lru_cache(maxsize=8)
def voters(height: int, width: int, *, eyes: bool = True) -> Mask:
    """(h, w) bool: the pixels of a canonical crop that decide on the head's motion. eyes: theirs have a vote, too."""
    mask = face_mask(height, width) & ~ellipse(height, width, *_MOUTH)
    if not eyes:
        for eye in _EYES:
            mask &= ~ellipse(height, width, *eye)
    sparse = np.zeros_like(mask)
    sparse[::_STRIDE, ::_STRIDE] = mask[::_STRIDE, ::_STRIDE]
    sparse.setflags(write=False)
    return sparse


def _basis(at: Points, depth: Points, width: int, how: RigidModel) -> Points:
    """(b, 2 n, p): what a unit of each number moves the u, then the v, of n points. at: (b, 2, n) x, y; depth: (b, n) px.

    The numbers are shift along x and y, turn and growth, shake and nod, as many of them as the model has. Lengths are in half
    widths of the crop, so that a number is px at its edge.
    """
    half = width / 2
    x, y, z = at[:, 0] / half - 1, at[:, 1] / half - 1, depth / half
    one, none = np.ones_like(x), np.zeros_like(x)
    u = [one, none, x, -y, z, none][: _NUMBERS[how]]
    v = [none, one, y, x, none, z][: _NUMBERS[how]]
    return cast(Points, np.concatenate([np.stack(u, axis=-1), np.stack(v, axis=-1)], axis=1))


def _field(numbers: FloatArray, depth: FloatArray) -> FloatArray:
    """(b, 2, h, w) of the numbers (b, p) of `_basis`, at every pixel. depth: (b, h, w) px."""
    height, width = depth.shape[1:]
    half = np.float32(width / 2)
    y, x = np.mgrid[:height, :width].astype(np.float32) / half - np.float32(1)
    right, down, growth, turn, shake, nod = np.pad(numbers, ((0, 0), (0, 6 - numbers.shape[1]))).T[..., None, None]
    z = depth / half
    return cast(
        FloatArray, np.stack([right + growth * x - turn * y + shake * z, down + growth * y + turn * x + nod * z], axis=1)
    )


def _fit(basis: Points, moved: Points) -> Points:
    """(b, p) numbers that carry the flow `moved` (b, 2, n) best, in units of the columns of `basis` (b, 2 n, p)."""
    batch, count = len(moved), basis.shape[-1]
    target = moved.reshape(batch, -1, 1)
    numbers: Points = np.zeros((batch, count))
    numbers[:, :2] = np.median(moved, axis=-1)
    ridge = 1e-9 * np.eye(count)
    for _ in range(_ROUNDS):
        left = (target - basis @ numbers[..., None]).reshape(moved.shape)
        residual = np.hypot(left[:, 0], left[:, 1])
        scale = np.maximum(1.4826 * np.median(residual, axis=-1, keepdims=True), _MIN_SCALE_PX)
        weight = 1.0 / (1.0 + (residual / scale) ** 2)
        weighted = (basis * np.tile(weight / weight.sum(axis=-1, keepdims=True), 2)[..., None]).swapaxes(1, 2)
        numbers = np.linalg.solve(weighted @ basis + ridge, weighted @ target)[..., 0]
    return numbers


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
