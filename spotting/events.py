"""The decision: from samples to movements. Knows no pixels, so that it can be tuned on recorded signals."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
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
_RAYLEIGH_MEDIAN = 1.1774
_ONSET_RUN = 1.7
"""The line through a third and two thirds of a smooth rise meets rest late; it is drawn this much longer."""


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


class EventDetector:
    """Finds rise-and-return movements in a stream of samples."""

    def __init__(self, settings: SpotterSettings) -> None:
        self._settings = settings
        self.gates = MotionGates(settings)
        self._noise: deque[tuple[int, FloatArray]] = deque()
        self._past: deque[Sample] = deque()
        self._movement: _Movement | None = None
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
        return self._movement is None and bool((self.displacement_px < 0.5 * self.threshold_px).all())

    def state(self, now_ns: int) -> State:
        if self._movement is not None:
            return "open"
        if self._seen_ns < self._settings.calibration_ms * 1e6:
            return "calibrating"
        return "refractory" if now_ns < self._refractory_until_ns else "watching"

    def restart(self, reason: str) -> Decision | None:
        """Forget rest and the open movement (the noise is kept); a movement that was announced is retracted."""
        self._past.clear()
        self.gates.reset()
        self.displacement_px = np.zeros(len(REGIONS), np.float32)
        return self._give_up(reason)

    def _give_up(self, reason: str) -> Decision | None:
        movement, self._movement = self._movement, None
        if movement is None:
            return None
        self.count(reason)
        return None if movement.announced is None else _retracted(movement.announced, reason)

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
        self.threshold_px, self.gate = self._thresholds()
        if rate_hz < self._settings.min_rate_hz:
            self.gate = "low_frame_rate"
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
        keep_ns = int((self._settings.baseline_ms + 200) * 1e6)
        if self._movement is not None:
            keep_ns += now - self._movement.opened_ns
        while self._past[0].t_capture_ns < now - keep_ns:
            self._past.popleft()
        before = next((past for past in reversed(self._past) if past.t_capture_ns <= now - _SKIP_NS), None)
        if before is not None:
            self._noise.append((now, np.linalg.norm(sample.displacement_px - before.displacement_px, axis=1)))
        while self._noise and self._noise[0][0] < now - self._settings.noise_memory_ms * 1e6:
            self._noise.popleft()

    def _rest(self, now: int) -> FloatArray | None:
        """(8, 2) median of the past without its newest part; None while too little of it is known."""
        start, end = now - int(self._settings.baseline_ms * 1e6), now - int(self._settings.baseline_gap_ms * 1e6)
        calm = [past.displacement_px for past in self._past if start <= past.t_capture_ns <= end]
        return cast(FloatArray, np.median(calm, axis=0).astype(np.float32)) if len(calm) >= 3 else None

    def _thresholds(self) -> tuple[FloatArray, str | None]:
        settings = self._settings
        threshold = np.full(len(REGIONS), settings.min_displacement_px, np.float32)
        if self._noise:
            sigma = np.median([move for _, move in self._noise], axis=0) / _RAYLEIGH_MEDIAN
            threshold = np.maximum(threshold, settings.noise_sigmas * sigma).astype(np.float32)
        leak = settings.head_leak * self.gates.head_travel_px()
        gate = None
        if leak > 0.5 * settings.min_displacement_px:
            gate = "head_motion"
        threshold = threshold + leak
        if self.gates.speaking:
            gate = "speech"
            threshold[list(LIPS)] *= 2
        return threshold, gate

    def _follow(self, movement: _Movement, now: int) -> Decision | None:
        settings = self._settings
        times = np.array([past.t_capture_ns for past in self._past], dtype=np.int64)
        moved = np.stack([past.displacement_px for past in self._past]) - movement.rest
        self.displacement_px = np.linalg.norm(moved[-1], axis=1).astype(np.float32)
        curve, score, parts = _curve(times, moved, movement)
        apex = int(np.argmax(curve))
        apex_ns = _refined_apex(times, curve, apex)
        held = [past.anchor == movement.anchor for past in self._past]
        onset_ns = max(_onset(times, curve, apex, settings.onset_fraction), int(times[np.argmax(held)]))
        length_ms = (now - onset_ns) / 1e6
        fallen = 1 - curve[-1]
        found = Decision("provisional", onset_ns, max(apex_ns, onset_ns), None, score)
        if length_ms > settings.max_macro_ms:
            return self._close(movement, found, now, now)
        if fallen < settings.provisional_fall or len(curve) - apex < 3:
            return None
        if movement.announced is None and length_ms <= settings.max_micro_ms:
            reason = self._objection(movement, found, parts, now)
            if reason is not None:
                self._finish(now)
                self.count(reason)
                return _retracted(found, reason)
            rise_ms = (apex_ns - onset_ns) / 1e6
            if not settings.min_rise_ms <= rise_ms <= settings.max_rise_ms:
                self._finish(now)
                return None
            movement.announced = found
            return found
        if fallen >= settings.confirm_fall:
            return self._close(movement, found, now, now + (now - apex_ns) // 2)
        return None

    def _close(self, movement: _Movement, found: Decision, now: int, offset_ns: int) -> Decision | None:
        self._finish(now)
        micro = (now - found.onset_ns) / 1e6 <= self._settings.max_micro_ms * 1.2 and movement.announced is not None
        return Decision("confirmed" if micro else "macro", found.onset_ns, found.apex_ns, offset_ns, found.score)

    def _finish(self, now: int) -> None:
        self._movement = None
        self._refractory_until_ns = now + int(self._settings.refractory_ms * 1e6)

    def _objection(self, movement: _Movement, found: Decision, parts: FloatArray, now: int) -> str | None:
        """The gate that a movement fails, or None. parts: (8,) peak of each region in units of its threshold."""
        if self.gates.light_changed(found.onset_ns, now):
            return "light_change"
        only_brows = all(i in BROWS for i in np.flatnonzero(parts >= 1))
        if only_brows and self.gates.blinked(found.onset_ns, now):
            return "blink"
        grown, gate = self._thresholds()
        if bool((parts * movement.threshold < grown).all()):
            return gate or "head_motion"
        return None


def _curve(times: Times, moved: FloatArray, movement: _Movement) -> tuple[FloatArray, float, FloatArray]:
    """One curve for all regions: the movement along its own direction at its peak, smoothed, 1 at the apex.

    Returns (n,) curve, score and (8,) parts in units of the threshold.
    """
    size = np.linalg.norm(moved, axis=2) / movement.threshold
    since = times >= movement.opened_ns - 300_000_000
    peak = int(np.argmax(np.where(since, size.max(axis=1), 0)))
    weight = moved[peak] / movement.threshold[:, None] ** 2 * (size[peak] >= 0.5)[:, None]
    raw = (moved * weight).sum(axis=(1, 2))
    curve = _smooth(times, raw)
    curve = np.where(since, curve, np.minimum(curve, 0))
    return curve / max(float(curve.max()), 1e-9), float(size[peak].max()), size[peak]


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


def _crossing(times: Times, curve: FloatArray, apex: int, level: float) -> float:
    for i in range(apex, 0, -1):
        if curve[i - 1] < level <= curve[i]:
            part = (level - curve[i - 1]) / (curve[i] - curve[i - 1])
            return float(times[i - 1] + part * (times[i] - times[i - 1]))
    return float(times[0])


def _retracted(decision: Decision, reason: str) -> Decision:
    return Decision("retracted", decision.onset_ns, decision.apex_ns, decision.offset_ns, decision.score, reason)
