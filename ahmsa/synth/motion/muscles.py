"""Muscle-like motion: every action unit (AU, Ekman and Friesen's FACS) is a few smooth pulls on the skin.

Coordinates are those of the canonical face in a 128 px crop (ahmsa.face.geometry); displacements are px of that crop, u right
positive, v down positive.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from ahmsa.types import FloatArray

CROP_PX = 128
MIDLINE_PX = 65.5

Pull = tuple[float, float, float, float, float, float]
"""x, y of its centre; pull to the right, pull down; widths (sigma) in x and y. For the image's left half; the right half
mirrors it."""

ACTION_UNITS: dict[str, tuple[Pull, ...]] = {
    "inner_brow_raiser_1": ((50, 27, 0.0, -1.0, 10, 9),),
    "outer_brow_raiser_2": ((24, 23, 0.0, -1.0, 12, 9),),
    "brow_lowerer_4": ((52, 28, 0.60, 0.80, 9, 8), (32, 24, 0.15, 0.60, 12, 8)),
    "upper_lid_raiser_5": ((36, 34, 0.0, -0.5, 9, 5),),
    "cheek_raiser_6": ((28, 61, 0.0, -0.5, 13, 8), (36, 46, 0.0, -0.25, 10, 5)),
    "lid_tightener_7": ((36, 46, 0.0, -0.5, 10, 5),),
    "nose_wrinkler_9": ((54, 68, 0.1, -0.8, 8, 9), (59, 48, 0.0, -0.45, 6, 8), (53, 30, 0.2, 0.5, 8, 7)),
    "upper_lip_raiser_10": ((54, 85, -0.05, -0.8, 9, 8),),
    "lip_corner_puller_12": ((37, 91, -0.75, -0.70, 10, 10), (30, 77, -0.25, -0.50, 12, 10)),
    "dimpler_14": ((36, 92, -0.7, 0.05, 9, 9),),
    "lip_corner_depressor_15": ((37, 94, -0.15, 0.95, 9, 9), (52, 107, 0.0, 0.25, 10, 8)),
    "chin_raiser_17": ((58, 121, 0.0, -0.5, 12, 9),),
    "lip_stretcher_20": ((35, 95, -0.9, 0.25, 10, 9),),
    "jaw_drop_26": ((58, 112, 0.0, 0.5, 13, 11), (58, 131, 0.0, 0.5, 16, 13)),
}

Recipe = dict[str, tuple[float, float]]
"""Action unit -> range of its strength."""

RECIPES: dict[str, tuple[Recipe, ...]] = {
    "positive": (
        {"lip_corner_puller_12": (1.0, 1.0), "cheek_raiser_6": (0.0, 0.7)},
        {"lip_corner_puller_12": (1.0, 1.0), "cheek_raiser_6": (0.3, 1.0), "lid_tightener_7": (0.0, 0.3)},
    ),
    "surprise": (
        {"inner_brow_raiser_1": (0.8, 1.0), "outer_brow_raiser_2": (0.7, 1.0), "upper_lid_raiser_5": (0.2, 0.9)},
        {
            "inner_brow_raiser_1": (0.7, 1.0),
            "outer_brow_raiser_2": (0.7, 1.0),
            "upper_lid_raiser_5": (0.0, 0.5),
            "jaw_drop_26": (0.1, 0.5),
        },
    ),
    "negative": (
        {"brow_lowerer_4": (0.9, 1.0), "lid_tightener_7": (0.0, 0.5)},
        {"brow_lowerer_4": (0.6, 1.0), "nose_wrinkler_9": (0.3, 1.0), "upper_lip_raiser_10": (0.0, 0.6)},
        {"brow_lowerer_4": (0.3, 1.0), "lip_corner_depressor_15": (0.5, 1.0), "chin_raiser_17": (0.0, 0.6)},
        {"nose_wrinkler_9": (0.7, 1.0), "upper_lip_raiser_10": (0.3, 1.0), "brow_lowerer_4": (0.0, 0.5)},
        {"lip_corner_depressor_15": (0.8, 1.0), "chin_raiser_17": (0.0, 0.7), "dimpler_14": (0.0, 0.3)},
        {"brow_lowerer_4": (0.6, 1.0), "lip_stretcher_20": (0.0, 0.6), "inner_brow_raiser_1": (0.0, 0.3)},
    ),
}
"""How each label is made: one recipe is drawn per event. The negative class of the composite databases mixes anger, disgust,
fear, sadness and contempt, so it has the most."""


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """A smooth displacement field: a sum of Gaussian pulls."""

    pulls: FloatArray
    """(n, 6) rows of `Pull`, both halves of the face."""

    def field(self, x: FloatArray, y: FloatArray) -> FloatArray:
        """(2, h, w) displacement at columns x (w,) and rows y (h,), px of the 128 px crop."""
        p = self.pulls
        across = np.exp(-0.5 * ((x[None] - p[:, :1]) / p[:, 4:5]) ** 2)
        down = np.exp(-0.5 * ((y[None] - p[:, 1:2]) / p[:, 5:6]) ** 2)
        return cast(FloatArray, np.stack([(down * p[:, 2:3]).T @ across, (down * p[:, 3:4]).T @ across]).astype(np.float32))

    def scaled(self, factor: float) -> Motion:
        pulls = self.pulls.copy()
        pulls[:, 2:4] *= factor
        return Motion(pulls)


def face_axis(size: int) -> FloatArray:
    """(size,) crop coordinates of the cell centres when the 128 px crop is divided into `size` cells."""
    return cast(FloatArray, ((np.arange(size) + 0.5) * (CROP_PX / size) - 0.5).astype(np.float32))


def expression(label: str, rng: np.random.Generator) -> Motion:
    """A random motion of that label, scaled so that its largest displacement is 1 px.

    Strengths, sides (no face is symmetric), places and widths of the pulls vary.
    """
    recipes = RECIPES[label]
    recipe = recipes[int(rng.integers(len(recipes)))]
    sides = np.exp(rng.normal(0, 0.2, size=2))
    strengths = {name: float(rng.uniform(*span)) for name, span in recipe.items()}
    return unit_motion(strengths, sides=(float(sides[0]), float(sides[1])), rng=rng)


def unit_motion(
    strengths: dict[str, float], sides: tuple[float, float] = (1.0, 1.0), rng: np.random.Generator | None = None
) -> Motion:
    """The sum of action units of given strengths, scaled to a largest displacement of 1 px.

    sides: factors of the image's left and right half. rng: None leaves every pull at its textbook place.
    """
    rows = []
    for name, strength in strengths.items():
        for pull in ACTION_UNITS[name]:
            for mirrored, side in zip((False, True), sides, strict=True):
                rows.append(_placed(pull, strength * side, mirrored, rng))
    motion = Motion(np.array(rows, dtype=np.float32))
    axis = np.arange(-16, CROP_PX + 24, dtype=np.float32)
    peak = float(np.sqrt((motion.field(axis, axis) ** 2).sum(axis=0).max()))
    return motion.scaled(1 / max(peak, 1e-6))


def muscle_field(
    label: str, rng: np.random.Generator, size: int = 28, amplitude_px: tuple[float, float] = (0.5, 3.0)
) -> FloatArray:
    """A random displacement field of that label for synthetic training data.

    Returns (2, size, size) u, v in px of the 128 px crop; the peak is drawn evenly in the logarithm of `amplitude_px`.
    """
    axis = face_axis(size)
    peak = float(np.exp(rng.uniform(*np.log(amplitude_px))))
    return cast(FloatArray, expression(label, rng).field(axis, axis) * np.float32(peak))


def _placed(pull: Pull, strength: float, mirrored: bool, rng: np.random.Generator | None) -> list[float]:
    x, y, u, v, sx, sy = pull
    if rng is not None:
        x, y = x + rng.normal(0, 1.2), y + rng.normal(0, 1.2)
        turn, widen = rng.normal(0, 0.12), np.exp(rng.normal(0, 0.1))
        u, v = u * np.cos(turn) - v * np.sin(turn), u * np.sin(turn) + v * np.cos(turn)
        sx, sy = sx * widen, sy * widen
    if mirrored:
        x, u = 2 * MIDLINE_PX - x, -u
    return [x, y, u * strength, v * strength, sx, sy]
