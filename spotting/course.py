"""The shape of one movement: from the regions' displacements to a single curve, and from it to onset, apex and offset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt

from ahmsa.types import FloatArray
from spotting.signal import Sample

Times = npt.NDArray[np.int64]

_BEFORE_NS = 200_000_000
"""The apex is sought from this long before the opening on."""
_SMOOTH_MS = 45.0
"""Half width of the smoothing, which must stay short against a rise of 100 ms."""
_ONSET_RUN = 1.7
"""The line through a third and two thirds of a smooth rise meets rest late; it is drawn this much longer."""
_OFFSET_RUN = 1.7
"""Likewise the line from a tenth to half of a smooth fall."""


@dataclass(frozen=True, slots=True)
class Opening:
    """How a movement opened: rest and thresholds as they were then."""

    t_ns: int
    anchor: int
    rest: FloatArray
    """(8, 2) px."""
    threshold: FloatArray
    """(8,) px."""


@dataclass(frozen=True, slots=True)
class Course:
    """An open movement up to now, as one curve for all regions: 0 at rest, 1 at the apex."""

    onset_ns: int
    apex_ns: int
    """Refined between frames."""
    offset_ns: int
    """Where the fall will end, as far as it can be told now."""
    fallen: float
    """How far the movement has fallen from its apex, as a part of it."""
    past_apex: bool
    """At least two samples lie behind the apex."""
    peak: FloatArray
    """(8, 2) displacement of the regions at the apex, px."""
    direction: FloatArray
    """(8, 2) by which displacements are weighed to give the curve."""
    now_px: FloatArray
    """(8,) displacement of the regions now."""
    score: float
    """Largest peak in units of its threshold."""
    seen: float
    """Part of the rise that lies before the face's present alignment, under which onset and apex must both be seen."""

    @property
    def peak_px(self) -> FloatArray:
        """(8,) how far the regions are from rest at the apex."""
        return cast(FloatArray, np.linalg.norm(self.peak, axis=1))


def course_of(opening: Opening, past: Sequence[Sample], onset_fraction: float) -> Course:
    """Follow a movement. past: samples in order, from well before the opening to now."""
    times = np.array([sample.t_capture_ns for sample in past], dtype=np.int64)
    moved = np.stack([sample.displacement_px for sample in past]) - opening.rest
    curve, peak, direction = _curve(times, moved, opening)
    apex = int(np.argmax(curve))
    onset_ns = _onset(times, curve, apex, onset_fraction)
    held = next(i for i, sample in enumerate(past) if sample.anchor == opening.anchor)
    held_ns = int(times[held])
    return Course(
        onset_ns=max(onset_ns, held_ns),
        apex_ns=max(_refined_apex(times, curve, apex), onset_ns, held_ns),
        offset_ns=_offset(times, curve, apex),
        fallen=float(1 - curve[-1]),
        past_apex=apex <= len(curve) - 3,
        peak=peak,
        direction=direction,
        now_px=np.linalg.norm(moved[-1], axis=1).astype(np.float32),
        score=float((np.linalg.norm(peak, axis=1) / opening.threshold).max()),
        seen=float(curve[held]) if held_ns > onset_ns else 0.0,
    )


def fall_of(opening: Opening, course: Course, past: Sequence[Sample]) -> tuple[float, int]:
    """How far a movement that was held has fallen by now, as a part of it; and where its fall will end, ns."""
    times = np.array([sample.t_capture_ns for sample in past], dtype=np.int64)
    moved = np.stack([sample.displacement_px for sample in past]) - opening.rest
    curve = _smooth(times, (moved * course.direction).sum(axis=(1, 2)))
    return float(1 - curve[-1]), _offset(times, curve, int(np.argmax(curve)))


def _curve(times: Times, moved: FloatArray, opening: Opening) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The movement along its own direction at its peak, smoothed, 1 at the apex; (8, 2) px at the peak; and that direction.

    Every region counts by its squared signal in units of its threshold; those that hardly move not at all.
    """
    size = np.linalg.norm(moved, axis=2)
    parts = size / opening.threshold
    sought = times >= opening.t_ns - _BEFORE_NS
    peak = int(np.argmax(np.where(sought, parts.max(axis=1), 0)))
    weight = moved[peak] / opening.threshold[:, None] ** 2 * (parts[peak] >= 0.5)[:, None]
    curve = _smooth(times, (moved * weight).sum(axis=(1, 2)))
    curve = np.where(sought, curve, np.minimum(curve, 0.99 * curve[sought].max()))
    top = max(float(curve.max()), 1e-9)
    return curve / top, moved[peak], weight / top


def _smooth(times: Times, values: FloatArray) -> FloatArray:
    """Triangular average over time, also where frames come unevenly."""
    distance_ms = np.abs(times[:, None] - times[None, :]) / 1e6
    kernel = np.clip(1 - distance_ms / _SMOOTH_MS, 0, None)
    return cast(FloatArray, kernel @ values / kernel.sum(axis=1))


def _refined_apex(times: Times, curve: FloatArray, apex: int) -> int:
    """Time of the top of the parabola through the apex and its neighbours."""
    if not 0 < apex < len(curve) - 1:
        return int(times[apex])
    t = (times[apex - 1 : apex + 2] - times[apex]) / 1e6
    a, b, _ = np.polyfit(t, curve[apex - 1 : apex + 2], 2)
    if a >= 0:
        return int(times[apex])
    return int(times[apex] + np.clip(-b / (2 * a), t[0], t[2]) * 1e6)


def _onset(times: Times, curve: FloatArray, apex: int, fraction: float) -> int:
    """Walk back from the apex to `fraction` of the rise; from there a straight line leads to rest."""
    before, values = times[apex::-1], curve[apex::-1]
    low, high = _crossing(before, values, fraction), _crossing(before, values, 1 - fraction)
    onset = low - (high - low) * fraction / (1 - 2 * fraction) * _ONSET_RUN
    return int(max(onset, times[0]))


def _offset(times: Times, curve: FloatArray, apex: int) -> int:
    """From a tenth of the fall through half of it a straight line leads to rest; now, while half has not been reached."""
    begun, half = _crossing(times[apex:], curve[apex:], 0.9), _crossing(times[apex:], curve[apex:], 0.5)
    return int(half + (half - begun) * _OFFSET_RUN)


def _crossing(times: Times, values: FloatArray, level: float) -> float:
    """When the values, which begin above a level, first go below it; the last time where they never do."""
    for i in range(1, len(values)):
        if values[i] < level <= values[i - 1]:
            part = (values[i - 1] - level) / (values[i - 1] - values[i])
            return float(times[i - 1] + part * (times[i] - times[i - 1]))
    return float(times[-1])
