"""Published flow maps as movements to inject: other people's micro-expressions, without their heads' motion."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from ahmsa.synth.known.movements import FIELD_FIRST_PX, FIELD_PX, Movement
from ahmsa.synth.motion.muscles import CROP_PX
from ahmsa.types import LABELS, FloatArray, Half
from train.published_maps import read_maps

_ROUNDS = 8
_SMOOTH_PX = 2.0
_FADE = 0.18
"""Part of the half side over which a map fades to nothing at its border."""
_PEAK_PERCENT = 98
_TRIED = 40
"""Maps drawn for one round; more than a clip of a minute can hold."""


class MapMovements:
    """Seed -> maps drawn by it, as a plan of injections wants them."""

    def __init__(self, folder: Path) -> None:
        self._maps = read_maps(folder)

    def __call__(self, seed: int) -> list[Movement]:
        rng = np.random.default_rng([seed, 8])
        drawn = rng.choice(len(self._maps.samples), size=min(_TRIED, len(self._maps.samples)), replace=False)
        return [_movement(self._maps.uvs[number], LABELS[self._maps.samples[number].label]) for number in drawn]


def _movement(uvs: FloatArray, label: str) -> Movement:
    """A (3, 28, 28) map without its rigid part, faded at the border; the 98th percentile of its length is 1 px."""
    flow = uvs[:2] - np.median(uvs[:2], axis=(1, 2), keepdims=True)
    own = np.ascontiguousarray((flow - _similarity(flow)).transpose(1, 2, 0), dtype=np.float32)
    large = cv2.GaussianBlur(cv2.resize(own, (CROP_PX, CROP_PX), interpolation=cv2.INTER_CUBIC), (0, 0), _SMOOTH_PX)
    from_middle = np.abs(np.linspace(-1, 1, CROP_PX))
    large *= np.clip((1 - np.maximum(from_middle[:, None], from_middle[None])) / _FADE, 0, 1)[..., None].astype(np.float32)
    large /= max(float(np.percentile(np.hypot(large[..., 0], large[..., 1]), _PEAK_PERCENT)), 1e-6)
    field = np.zeros((FIELD_PX, FIELD_PX, 2), np.float32)
    inside = slice(-FIELD_FIRST_PX, CROP_PX - FIELD_FIRST_PX)
    field[inside, inside] = large
    return Movement("map", _half(large), field, label)


def _half(field: FloatArray) -> Half:
    """The half of the face in which most of the motion lies; they meet below the eyes."""
    power = (field**2).sum(axis=(1, 2))
    border = int(0.45 * CROP_PX)
    return "upper" if power[:border].sum() > power[border:].sum() else "lower"


def _similarity(flow: FloatArray) -> FloatArray:
    """(2, h, w) shift, turn and growth fitted robustly to a flow: what moves by itself is an outlier."""
    side = flow.shape[-1]
    y, x = (np.mgrid[:side, :side].reshape(2, -1) - (side - 1) / 2) / side
    one, zero = np.ones_like(x), np.zeros_like(x)
    basis = np.concatenate([np.stack([one, zero, x, -y], axis=1), np.stack([zero, one, y, x], axis=1)])
    target, weight = flow.reshape(-1), np.ones(side * side)
    fitted = np.zeros_like(target)
    for _ in range(_ROUNDS):
        root = np.sqrt(np.tile(weight, 2))
        fitted = basis @ np.linalg.lstsq(basis * root[:, None], target * root, rcond=None)[0]
        left = np.hypot(*(target - fitted).reshape(2, -1))
        weight = 1 / (1 + (left / (1.5 * np.median(left) + 1e-6)) ** 2)
    return fitted.reshape(flow.shape).astype(np.float32)
