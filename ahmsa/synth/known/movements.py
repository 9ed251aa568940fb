"""Single movements of the upper and of the lower face, as displacement fields to be injected into pictures of real people.

The fields are this project's own smooth shapes of action units (`ahmsa.synth.motion.muscles`); no measured map is in them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from ahmsa.synth.motion.muscles import CROP_PX, unit_motion
from ahmsa.types import FloatArray, Half

FIELD_FIRST_PX = -32
"""Crop coordinate of a field's first row and column."""
FIELD_PX = CROP_PX - 2 * FIELD_FIRST_PX
"""Side of a field: the crop and a margin around it."""
_FADE_PX = 24
"""Over this width a field fades to nothing at its border."""

_RECIPES: dict[Half, dict[str, dict[str, float]]] = {
    "upper": {
        "inner brow raise": {"inner_brow_raiser_1": 1.0},
        "outer brow raise": {"outer_brow_raiser_2": 1.0},
        "brow raise": {"inner_brow_raiser_1": 1.0, "outer_brow_raiser_2": 0.9},
        "brow lower": {"brow_lowerer_4": 1.0},
    },
    "lower": {
        "lip corner up": {"lip_corner_puller_12": 1.0},
        "lip corner down": {"lip_corner_depressor_15": 1.0},
        "nose wrinkle": {"nose_wrinkler_9": 1.0, "upper_lip_raiser_10": 0.5},
    },
}


@dataclass(frozen=True, slots=True, eq=False)
class Movement:
    """What moves: a displacement field in the canonical crop, whose largest displacement is 1 px."""

    name: str
    half: Half
    field: FloatArray
    """(FIELD_PX, FIELD_PX, 2) u right, v down at crop coordinates from FIELD_FIRST_PX on."""
    label: str | None = None
    """Emotion, where one belongs to the movement."""


def named_movements(seed: int) -> list[Movement]:
    """Every movement of both halves once; sides, places and widths are drawn from the seed, since no face is symmetric."""
    rng = np.random.default_rng([seed, 6])
    made = []
    for half, recipes in _RECIPES.items():
        for name, strengths in recipes.items():
            sides = np.exp(rng.normal(0, 0.2, size=2))
            motion = unit_motion(strengths, (float(sides[0]), float(sides[1])), rng)
            axis = np.arange(FIELD_FIRST_PX, FIELD_FIRST_PX + FIELD_PX, dtype=np.float32)
            made.append(movement(name, half, motion.field(axis, axis).transpose(1, 2, 0)))
    return made


def movement(name: str, half: Half, field: FloatArray, label: str | None = None) -> Movement:
    """A movement of a (FIELD_PX, FIELD_PX, 2) field: faded at its border, and scaled to a largest displacement of 1 px."""
    edge = np.minimum(np.arange(FIELD_PX), np.arange(FIELD_PX)[::-1])
    fade = 0.5 - 0.5 * np.cos(np.pi * np.clip(edge / _FADE_PX, 0, 1))
    faded = field * np.minimum(fade[:, None], fade[None])[..., None]
    peak = float(np.hypot(faded[..., 0], faded[..., 1]).max())
    return Movement(name, half, cast(FloatArray, (faded / max(peak, 1e-6)).astype(np.float32)), label)
