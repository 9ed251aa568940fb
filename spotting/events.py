"""The decision: from samples to movements. Knows no pixels, so that it can be tuned on recorded signals."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import Literal, cast

import numpy as np
import numpy.typing as npt

from ahmsa.types import FloatArray, Phase
from spotting.gates import MotionGates
from spotting.settings import SpotterSettings
from spotting.signal import BROWS, LIPS, REGIONS, Sample

State = Literal["calibrating", "watching", "open", "refractory"]
Times = npt.NDArray[np.int64]

_SKIP_NS = 200_000_000
_HEAD_NS = 500_000_000
_CUT_PART = 0.5
_MAIN_PART = 0.5
"""Regions that move by less than this part of the strongest, in units of their thresholds, do not decide what a movement is."""
_REARM = 0.7
"""After a movement every region must come back to this part of its threshold before the next can open."""
_NOISE_STEP_NS = 250_000_000
_RAYLEIGH_MEDIAN = 1.1774
_ONSET_RUN = 1.7
"""The line through a third and two thirds of a smooth rise meets rest late; it is drawn this much longer."""
_OFFSET_RUN = 1.7
"""Likewise the line from a tenth to half of a smooth fall."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of a movement, at the frame at which it became known."""

    phase: Phase
    onset_ns: int
    apex_ns: int
    offset_ns: int | None
    score: float
    reason: str | None = None


@dataclass(slots=True)
class _Movement:
    """An open movement: rest and thresholds as they were when it opened."""

    opened_ns: int
    anchor: int
    rest: FloatArray
    threshold: FloatArray
    announced: Decision | None = None


@dataclass(frozen=True, slots=True)
class _Course:
    """An open movement up to now, as one curve for all regions: 0 at rest, 1 at the apex."""

    onset_ns: int
    apex_ns: int
    offset_ns: int
    """Where the fall will end, as far as it can be told now."""
    fallen: float
    """How far the movement has fallen from its apex, as a part of it."""
    past_apex: bool
    peak_px: FloatArray
    """(8,) displacement of the regions at the apex."""
    score: float
    cut: bool
    """So much of the rise lies before the last renewal of the alignment that onset and apex cannot be compared."""


class EventDetector:
    """Finds rise-and-return movements in a stream of samples."""

    def __init__(self, settings: SpotterSettings) -> None:
        self._settings = settings
        self.gates = MotionGates(settings)
        self._moves: deque[tuple[int, FloatArray]] = deque()
        self._sigma = np.zeros(len(REGIONS), np.float32)
        self._sigma_ns = 0
        self._past: deque[Sample] = deque()
        self._movement: _Movement | None = None
        self._rest_before: FloatArray | None = None
        self._calm_since_ns = 0
        self._armed = True
        self._seen_ns = 0
        self._refractory_until_ns = 0
        self.gated: dict[str, int] = {}
        self.displacement_px: FloatArray = np.zeros(len(REGIONS), np.float32)
        self.threshold_px: FloatArray = np.full(len(REGIONS), settings.min_displacement_px, np.float32)
        self.gate: str | None = None

    @property
    def open(self) -> bool:
        return self._movement is not None

    @property
    def quiet(self) -> bool:
        """Nothing moves: a good moment for a new keyframe."""
        return (
            self._movement is None and not self.gates.lids_shut and bool((self.displacement_px < 0.5 * self.threshold_px).all())
        )

    def state(self, now_ns: int) -> State:
        if self._movement is not None:
            return "open"
        if self._seen_ns < self._settings.calibration_ms * 1e6:
            return "calibrating"
        return "refractory" if now_ns < self._refractory_until_ns else "watching"

    def restart(self, reason: str) -> Decision | None:
        """Forget rest and the open movement (the noise is kept); a movement that was announced is retracted."""
        decision = self._give_up(reason)
        self._past.clear()
        self._rest_before = None
        self.gates.reset()
        self.displacement_px = np.zeros(len(REGIONS), np.float32)
        return decision

    def count(self, reason: str) -> None:
        self.gated[reason] = self.gated.get(reason, 0) + 1

    def update(self, sample: Sample, rate_hz: float = float("inf")) -> Decision | None:
        """Take the next sample; `rate_hz` is the real rate of distinct frames."""
        now = sample.t_capture_ns
        self._remember(sample)
        self.gates.update(sample)
        if self._movement is not None:
            if sample.anchor != self._movement.anchor:
                return self._give_up("head_motion")
            return self._follow(self._movement, now)
        rest = self._rest(now)
        if rest is None:
            self.displacement_px = np.zeros(len(REGIONS), np.float32)
            return None
        self.displacement_px = np.linalg.norm(sample.displacement_px - rest, axis=1).astype(np.float32)
        self.threshold_px, self.gate = self._thresholds(now - _SKIP_NS)
        if rate_hz < self._settings.min_rate_hz:
            self.gate = "low_frame_rate"
            return None
        if self.gates.head_travel_px(now - _HEAD_NS) > self._settings.head_limit_px:
            self.gate = "head_motion"
            return None
        if not self._armed:
            self._armed = bool((self.displacement_px < _REARM * self.threshold_px).all())
            return None
        if self.state(now) != "watching" or not (self.displacement_px > self.threshold_px).any():
            return None
        self._movement = _Movement(now, sample.anchor, rest, self.threshold_px)
        return self._follow(self._movement, now)

    def _remember(self, sample: Sample) -> None:
        now = sample.t_capture_ns
        if self._past:
            self._seen_ns += now - self._past[-1].t_capture_ns
        self._past.append(sample)
        keep_ns = int(self._settings.rest_from_ms * 1e6) + 300_000_000
        if self._movement is not None:
            keep_ns += now - self._movement.opened_ns
        while self._past[0].t_capture_ns < now - keep_ns:
            self._past.popleft()
        before = next((past for past in reversed(self._past) if past.t_capture_ns <= now - _SKIP_NS), None)
        if before is not None:
            self._moves.append((now, np.linalg.norm(sample.displacement_px - before.displacement_px, axis=1)))
        while self._moves and self._moves[0][0] < now - self._settings.noise_memory_ms * 1e6:
            self._moves.popleft()
        if self._moves and now >= self._sigma_ns + _NOISE_STEP_NS:
            self._sigma_ns = now
            self._sigma = (np.median([move for _, move in self._moves], axis=0) / _RAYLEIGH_MEDIAN).astype(np.float32)

    def _rest(self, now: int) -> FloatArray | None:
        """(8, 2) median of the stretch before a rise could have begun; None while too little of it is known.

        After a movement that came back, the rest before it counts until there is a new stretch or the face has come back to it.
        """
        start, end = now - int(self._settings.rest_from_ms * 1e6), now - int(self._settings.rest_to_ms * 1e6)
        if start < self._calm_since_ns and self._rest_before is not None:
            return self._rest_before
        start = max(start, self._calm_since_ns)
        calm = [past.displacement_px for past in self._past if start <= past.t_capture_ns <= end]
        return cast(FloatArray, np.median(calm, axis=0).astype(np.float32)) if len(calm) >= 3 else None

    def _thresholds(self, since_ns: int) -> tuple[FloatArray, str | None]:
        """(8,) px, and the gate that raises them, for a movement that began then."""
        settings = self._settings
        threshold = np.maximum(settings.min_displacement_px, settings.noise_sigmas * self._sigma)
        leak = settings.head_leak * max(self.gates.head_travel_px(since_ns) - settings.head_free_px, 0.0)
        gate = "head_motion" if leak > 0 else None
        threshold = threshold + leak
        if self.gates.speaking:
            gate = "speech"
            threshold = threshold * settings.speech_factor
        return threshold.astype(np.float32), gate

    def _follow(self, movement: _Movement, now: int) -> Decision | None:
        settings = self._settings
        course = self._course(movement)
        if max(self.gates.head_travel_px(since) for since in (course.onset_ns, now - _HEAD_NS)) > settings.head_limit_px:
            return self._give_up("head_motion")
        lasted_ms = (now - course.onset_ns) / 1e6
        returning = course.past_apex and course.fallen >= settings.provisional_fall
        if lasted_ms <= settings.max_micro_ms:
            if movement.announced is None and returning:
                return self._announce(movement, course, now)
            if movement.announced is not None and course.fallen >= settings.confirm_fall:
                return self._close(movement, course, "confirmed", now)
            return None
        if movement.announced is not None and returning and lasted_ms <= settings.max_micro_ms + settings.grace_ms:
            return self._close(movement, course, "confirmed", now) if course.fallen >= settings.confirm_fall else None
        if float(course.peak_px.max()) < settings.min_macro_px:
            return self._give_up("drift")
        if lasted_ms > settings.max_macro_ms or (course.past_apex and course.fallen >= 0.5):
            return self._close(movement, course, "macro", now)
        return None

    def _announce(self, movement: _Movement, course: _Course, now: int) -> Decision | None:
        rise_ms = (course.apex_ns - course.onset_ns) / 1e6
        if not self._settings.min_rise_ms <= rise_ms <= self._settings.max_rise_ms:
            return self._give_up("drift")
        reason = self._objection(course, now)
        decision = Decision("provisional", course.onset_ns, course.apex_ns, None, course.score, reason)
        if reason is not None:
            movement.announced = decision
            return self._give_up(reason)
        movement.announced = decision
        return decision

    def _close(self, movement: _Movement, course: _Course, phase: Phase, now: int) -> Decision | None:
        reason = self._objection(course, now)
        if reason is not None:
            return self._give_up(reason)
        self._finish(now, movement.rest if course.fallen >= 0.5 else None)
        return Decision(phase, course.onset_ns, course.apex_ns, max(course.offset_ns, now), course.score)

    def _give_up(self, reason: str) -> Decision | None:
        movement = self._movement
        if movement is None:
            return None
        now = self._past[-1].t_capture_ns
        self._movement = None
        self._rest_before = movement.rest if reason == "blink" else None
        self._calm_since_ns = 0 if reason == "drift" else now
        self._armed = self._rest_before is None
        self.count(reason)
        return None if movement.announced is None else replace(movement.announced, phase="retracted", reason=reason)

    def _finish(self, now: int, rest: FloatArray | None) -> None:
        self._movement = None
        self._armed = rest is None
        self._rest_before, self._calm_since_ns = rest, now
        self._refractory_until_ns = now + int(self._settings.refractory_ms * 1e6)

    def _objection(self, course: _Course, now: int) -> str | None:
        """The gate that a movement fails, or None."""
        if course.cut:
            return "head_motion"
        if self.gates.light_changed(course.onset_ns, course.apex_ns):
            return "light_change"
        threshold, gate = self._thresholds(course.onset_ns)
        parts = course.peak_px / threshold
        if parts.max() < 1:
            return gate or "head_motion"
        moving = np.flatnonzero(parts >= _MAIN_PART * parts.max())
        excuses = {i: reason for i in moving if (reason := self._excuse(i, course, now))}
        return next(iter(excuses.values())) if len(excuses) == len(moving) else None

    def _excuse(self, region: int, course: _Course, now: int) -> str | None:
        """What else may have moved this region, or None."""
        peak_px = float(course.peak_px[region])
        if region in BROWS:
            is_blink = peak_px < self._settings.blink_brow_px and self.gates.blinked(course.onset_ns, now)
            return "blink" if is_blink else None
        if region not in LIPS:
            return None
        share = self._settings.speech_share * (0.5 if self.gates.speaking else 1.0)
        return "speech" if self.gates.lip_travel_px(course.onset_ns) > share * peak_px else None

    def _course(self, movement: _Movement) -> _Course:
        times = np.array([past.t_capture_ns for past in self._past], dtype=np.int64)
        moved = np.stack([past.displacement_px for past in self._past]) - movement.rest
        self.displacement_px = np.linalg.norm(moved[-1], axis=1).astype(np.float32)
        curve, peak = _curve(times, moved, movement)
        apex = int(np.argmax(curve))
        onset_ns = _onset(times, curve, apex, self._settings.onset_fraction)
        held_ns = next(past.t_capture_ns for past in self._past if past.anchor == movement.anchor)
        return _Course(
            onset_ns=max(onset_ns, held_ns),
            apex_ns=max(_refined_apex(times, curve, apex), onset_ns, held_ns),
            offset_ns=_offset(times, curve, apex),
            fallen=float(1 - curve[-1]),
            past_apex=apex <= len(curve) - 3,
            peak_px=peak,
            score=float((peak / movement.threshold).max()),
            cut=held_ns > onset_ns and float(curve[times == held_ns][0]) > _CUT_PART,
        )


def _curve(times: Times, moved: FloatArray, movement: _Movement) -> tuple[FloatArray, FloatArray]:
    """The movement along its own direction at its peak, smoothed, 1 at the apex; and (8,) px at the peak."""
    size = np.linalg.norm(moved, axis=2)
    since = times >= movement.opened_ns - _SKIP_NS
    parts = size / movement.threshold
    peak = int(np.argmax(np.where(since, parts.max(axis=1), 0)))
    weight = moved[peak] / movement.threshold[:, None] ** 2 * (parts[peak] >= 0.5)[:, None]
    curve = _smooth(times, (moved * weight).sum(axis=(1, 2)))
    curve = np.where(since, curve, np.minimum(curve, 0.99 * curve[since].max()))
    return curve / max(float(curve.max()), 1e-9), size[peak]


def _smooth(times: Times, values: FloatArray, half_ms: float = 45.0) -> FloatArray:
    """Triangular average over time, also where frames come unevenly."""
    distance = np.abs(times[:, None] - times[None, :]) / 1e6
    kernel = np.clip(1 - distance / half_ms, 0, None)
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
    low, high = _crossing(times, curve, apex, fraction), _crossing(times, curve, apex, 1 - fraction)
    onset = low - (high - low) * fraction / (1 - 2 * fraction) * _ONSET_RUN
    return int(max(onset, times[0]))


def _offset(times: Times, curve: FloatArray, apex: int) -> int:
    """From a tenth of the fall through half of it a straight line leads to rest; now, while half has not been reached."""
    begun, half = _crossing_down(times, curve, apex, 0.9), _crossing_down(times, curve, apex, 0.5)
    return int(half + (half - begun) * _OFFSET_RUN)


def _crossing_down(times: Times, curve: FloatArray, apex: int, level: float) -> float:
    for i in range(apex + 1, len(curve)):
        if curve[i] < level <= curve[i - 1]:
            part = (curve[i - 1] - level) / (curve[i - 1] - curve[i])
            return float(times[i - 1] + part * (times[i] - times[i - 1]))
    return float(times[-1])


def _crossing(times: Times, curve: FloatArray, apex: int, level: float) -> float:
    for i in range(apex, 0, -1):
        if curve[i - 1] < level <= curve[i]:
            part = (level - curve[i - 1]) / (curve[i] - curve[i - 1])
            return float(times[i - 1] + part * (times[i] - times[i - 1]))
    return float(times[0])
