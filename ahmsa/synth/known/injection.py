"""Known movements in a person's own pictures: when each one happens, and the warp that makes it.

A movement is laid on the face by the face's own five points, frame by frame, so that it goes with the head. Its course is a
raised cosine up and down with the durations of real micro-expressions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import cast

import cv2
import numpy as np

from ahmsa.face.geometry import canonical_points_px, fit_similarity
from ahmsa.synth.known.movements import FIELD_FIRST_PX, FIELD_PX, Movement
from ahmsa.synth.motion.muscles import CROP_PX
from ahmsa.synth.motion.timing import course
from ahmsa.types import ByteImage, FloatArray, Matrix

AMPLITUDES_PX = (0.5, 0.7, 1.0, 1.5, 2.0, 3.0)
RISE_MS = (120.0, 230.0)
FALL_MS = (130.0, 290.0)
_CLEAR_FRAMES = 5
"""The face must be seen this many frames before and after a movement too."""
_END_MS = 500.0
"""No movement ends later than this before the recording does: it could not be confirmed."""


@dataclass(frozen=True, slots=True, eq=False)
class Injection:
    """One movement at one time, from neutral to neutral."""

    movement: Movement
    amplitude_px: float
    """Largest displacement at the apex, px of the 128 px crop."""
    onset_ns: int
    apex_ns: int
    offset_ns: int

    def strength_px(self, t_ns: int) -> float:
        """Largest displacement at a time, px of the 128 px crop."""
        return self.amplitude_px * course(t_ns, self.onset_ns, self.apex_ns, self.offset_ns)


def plan_injections(
    times_ns: Sequence[int],
    face_seen: Sequence[bool],
    movements: Sequence[Movement],
    *,
    seed: int,
    every_s: float = 2.0,
    first_s: float = 1.5,
    amplitudes_px: Sequence[float] = AMPLITUDES_PX,
) -> list[Injection]:
    """Movements on a recording, about `every_s` of neutral time between two; onset and apex fall on frames.

    times_ns, face_seen: of every frame. There is none before `first_s`, and none where the face is not seen throughout. All
    pairs of movement and amplitude come equally often, in an order drawn from the seed.
    """
    rng = np.random.default_rng([seed, 7])
    pairs = list(product(movements, amplitudes_px))
    order = rng.permutation(len(pairs))
    times = np.asarray(times_ns, dtype=np.int64)
    made: list[Injection] = []
    at_ns = int(times[0]) + round(first_s * 1e9) if len(times) else 0
    while True:
        rise, fall = rng.uniform(*RISE_MS), rng.uniform(*FALL_MS)
        marks = np.clip(np.searchsorted(times, at_ns + np.array([0, rise, rise + fall]) * 1e6), 0, len(times) - 1)
        onset, apex, offset = (int(mark) for mark in marks)
        if not len(times) or times[offset] + _END_MS * 1e6 > times[-1]:
            return made
        seen = face_seen[max(onset - _CLEAR_FRAMES, 0) : offset + _CLEAR_FRAMES + 1]
        if all(seen) and onset < apex < offset:
            movement, amplitude = pairs[order[len(made) % len(pairs)]]
            made.append(Injection(movement, amplitude, int(times[onset]), int(times[apex]), int(times[offset])))
        at_ns = int(times[offset]) + round(rng.uniform(0.8, 1.2) * every_s * 1e9)


def inject(image: ByteImage, points_px: FloatArray, movement: Movement, strength_px: float) -> ByteImage:
    """(h, w, 3) picture with the face moved; the picture itself is left alone.

    points_px: (5, 2) points of the face in the picture (ahmsa.face.geometry.mesh_points). strength_px: largest displacement,
    px of the 128 px crop.
    """
    to_crop = fit_similarity(points_px, canonical_points_px(CROP_PX))
    left, top, right, bottom = _reach(to_crop, image.shape[1], image.shape[0])
    if right - left < 2 or bottom - top < 2:
        return image
    to_field = to_crop.copy()
    to_field[:, 2] += to_crop[:, :2] @ np.array([left, top], dtype=np.float64) - FIELD_FIRST_PX
    moved_px = movement.field @ np.linalg.inv(to_crop[:, :2]).T.astype(np.float32) * np.float32(strength_px)
    pulled = cv2.warpAffine(moved_px, to_field, (right - left, bottom - top), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    x, y = np.meshgrid(np.arange(left, right, dtype=np.float32), np.arange(top, bottom, dtype=np.float32))
    changed = image.copy()
    changed[top:bottom, left:right] = cv2.remap(
        image, x - pulled[..., 0], y - pulled[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return changed


def _reach(to_crop: Matrix, width: int, height: int) -> tuple[int, int, int, int]:
    """left, top, right, bottom of the part of the picture that a field covers."""
    low, high = float(FIELD_FIRST_PX), float(FIELD_FIRST_PX + FIELD_PX - 1)
    corners = np.array([[low, low], [high, low], [low, high], [high, high]])
    back = cast(Matrix, cv2.invertAffineTransform(to_crop))
    placed = corners @ back[:, :2].T + back[:, 2]
    (left, top), (right, bottom) = np.floor(placed.min(axis=0)), np.ceil(placed.max(axis=0)) + 1
    return max(int(left), 0), max(int(top), 0), min(int(right), width), min(int(bottom), height)
