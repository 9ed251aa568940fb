"""Labelled flow maps without pictures, for synthetic pre-training and for tests."""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np
import numpy.typing as npt

from ahmsa.flow.maps import min_max
from ahmsa.flow.strain import strain_magnitude
from ahmsa.synth.motion.muscles import CROP_PX, face_axis, muscle_field
from ahmsa.types import LABELS, FloatArray

_SIDE = 64
"""Fields are made on this grid, where the noise is added and the strain is computed, and then brought to the map's size."""


def synthetic_maps(
    n: int, seed: int, map_px: int = 28, amplitude_px: tuple[float, float] = (0.5, 3.0), noise_px: float = 0.12
) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    """n maps as the network sees them, the labels in equal shares and random order.

    Returns (n, 3, map_px, map_px) u, v, strain, each channel of each map scaled to 0-1, and (n,) indices into LABELS.
    noise_px: standard deviation of the smooth errors that estimated flow has, px of the 128 px crop.
    """
    rng = np.random.default_rng([seed, 5])
    labels = rng.permutation(np.arange(n) % len(LABELS))
    maps = [_map(LABELS[label], rng, map_px, amplitude_px, noise_px) for label in labels]
    return min_max(np.stack(maps)), labels.astype(np.int64)


def _map(label: str, rng: np.random.Generator, map_px: int, amplitude_px: tuple[float, float], noise_px: float) -> FloatArray:
    flow = muscle_field(label, rng, _SIDE, amplitude_px) + _head_rest(rng) + _flow_noise(rng, noise_px)
    strain = strain_magnitude(flow * np.float32(_SIDE / CROP_PX))
    full = np.concatenate([flow, strain[None]]).transpose(1, 2, 0)
    small = cv2.resize(full, (map_px, map_px), interpolation=cv2.INTER_AREA)
    return cast(FloatArray, small.transpose(2, 0, 1))


def _head_rest(rng: np.random.Generator) -> FloatArray:
    """(2, side, side) what is left of the head's motion after it was taken out: a small shift, turn and zoom."""
    axis = (face_axis(_SIDE) - CROP_PX / 2) / CROP_PX
    x, y = np.meshgrid(axis, axis)
    shift_x, shift_y, turn, zoom = rng.normal(0, 0.1, 4)
    return cast(FloatArray, np.stack([shift_x + zoom * x - turn * y, shift_y + turn * x + zoom * y]).astype(np.float32))


def _flow_noise(rng: np.random.Generator, noise_px: float) -> FloatArray:
    """(2, side, side) errors that are smooth over some 8 px of the crop, as those of TV-L1 are."""
    noise = cv2.GaussianBlur(rng.standard_normal((_SIDE, _SIDE, 2)).astype(np.float32), (0, 0), 4 * _SIDE / CROP_PX)
    return cast(FloatArray, (noise * (noise_px / max(float(noise.std()), 1e-6))).transpose(2, 0, 1))
