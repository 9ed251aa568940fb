"""Rigid motion of the head, told from the muscles' by a vote of the whole face, and taken out of a flow field.

A held alignment leaves the head's own motion between onset and apex in the flow; a turn of half a degree is already half a
pixel at the mouth corners, as much as a weak micro-expression.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, cast

import numpy as np

from ahmsa.flow.regions import Mask, ellipse, face_mask
from ahmsa.types import FloatArray

Points = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
HeadMotion = Literal["keep", "translation", "similarity"]

# The mouth moves most and in most expressions; it has no vote. Centre and half axes in cells of the canonical grid.
_MOUTH = (14.0, 20.4, 7.5, 4.0)
_STRIDE = 3
"""Every third pixel of every third row is plenty for four unknowns."""
_ROUNDS = 8
_MIN_SCALE_PX = 0.05


def remove_head_motion(flow: FloatArray, how: HeadMotion) -> FloatArray:
    """Flow without the head's rigid motion. flow: (b, 2, h, w) px -> the same shape."""
    if how == "keep":
        return flow
    return cast(FloatArray, (flow - rigid_motion(flow, how)).astype(np.float32))


def rigid_motion(flow: FloatArray, how: Literal["translation", "similarity"]) -> FloatArray:
    """The robust fit itself, as a field. flow: (b, 2, h, w) px of a canonical crop -> (b, 2, h, w).

    Least squares with Cauchy weights over the face without the mouth, reweighted a few times from the median: muscles move
    parts of a face, so what they move are outliers. The scale of the weights is the median residual, never below 0.05 px.
    """
    height, width = flow.shape[-2:]
    rows, columns = np.nonzero(voters(height, width))
    at = np.stack([columns, rows]).astype(np.float64)
    moved = flow[:, :, rows, columns].astype(np.float64)
    turn, shift = _fit(at, moved, with_turn=how == "similarity")
    y, x = np.mgrid[:height, :width].astype(np.float64)
    a, b = turn[:, 0, None, None], turn[:, 1, None, None]
    fitted = np.stack([a * x - b * y + shift[:, 0, None, None], b * x + a * y + shift[:, 1, None, None]], axis=1)
    return cast(FloatArray, fitted.astype(np.float32))


@lru_cache(maxsize=8)
def voters(height: int, width: int) -> Mask:
    """(h, w) bool: the pixels of a canonical crop that decide on the head's motion."""
    x, y, half_width, half_height = _MOUTH
    mask = face_mask(height, width) & ~ellipse(height, width, x, y, half_width, half_height)
    sparse = np.zeros_like(mask)
    sparse[::_STRIDE, ::_STRIDE] = mask[::_STRIDE, ::_STRIDE]
    sparse.setflags(write=False)
    return sparse


def _fit(at: Points, moved: Points, *, with_turn: bool) -> tuple[Points, Points]:
    """(b, 2) turn (a, b of the matrix [[a, -b], [b, a]]) and (b, 2) shift of the flow `moved` (b, 2, n) at points (2, n)."""
    batch = len(moved)
    turn, shift = np.zeros((batch, 2)), np.median(moved, axis=-1)
    for _ in range(_ROUNDS):
        a, b = turn[:, 0, None], turn[:, 1, None]
        residual = np.hypot(
            moved[:, 0] - (a * at[0] - b * at[1] + shift[:, :1]), moved[:, 1] - (b * at[0] + a * at[1] + shift[:, 1:])
        )
        scale = np.maximum(1.4826 * np.median(residual, axis=-1, keepdims=True), _MIN_SCALE_PX)
        weight = 1.0 / (1.0 + (residual / scale) ** 2)
        weight /= weight.sum(axis=-1, keepdims=True)
        centre, mean = weight @ at.T, np.einsum("bn,bkn->bk", weight, moved)
        if with_turn:
            dx, dy = at[0] - centre[:, :1], at[1] - centre[:, 1:]
            du, dv = moved[:, 0] - mean[:, :1], moved[:, 1] - mean[:, 1:]
            spread = (weight * (dx**2 + dy**2)).sum(axis=-1)
            turn = np.stack(
                [(weight * (dx * du + dy * dv)).sum(-1) / spread, (weight * (dx * dv - dy * du)).sum(-1) / spread], 1
            )
        rotated = np.stack(
            [turn[:, 0] * centre[:, 0] - turn[:, 1] * centre[:, 1], turn[:, 1] * centre[:, 0] + turn[:, 0] * centre[:, 1]], 1
        )
        shift = mean - rotated
    return turn, shift
