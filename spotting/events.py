"""The decision: from samples to movements. Knows no pixels, so that it can be tuned on recorded signals."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ahmsa.types import FloatArray, Phase
from spotting.course import Course, Opening, course_of, fall_of
from spotting.gates import MotionGates
from spotting.rest import Rest
from spotting.settings import SpotterSettings
from spotting.signal import BROWS, REGIONS, Sample

State = Literal["calibrating", "watching", "open", "refractory"]

_RISE_NS = 200_000_000
_STEADY_NS = 300_000_000
"""A movement is held once no region has left its threshold for so long."""
_TAIL_NS = 100_000_000
"""What a movement still needs to end after it was told."""
_REARM = 0.7
"""After a movement a region must come back to this part of its threshold before it can open the next, unless new rest is
found first."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of a movement, at the frame at which it became known."""

    phase: Phase
    onset_ns: int
    apex_ns: int
    offset_ns: int | None
    score: float
    reason: str | None = None


class EventDetector:
    """Finds rise-and-return movements in a stream of samples."""

    def __init__(self, settings: SpotterSettings) -> None:
        self._settings = settings
        self._rest = Rest(settings)
        self._gates = MotionGates(settings)
        self._opening: Opening | None = None
        self._announced: Decision | None = None
        self._held: tuple[Opening, Course] | None = None
        """A movement that stays where it went: it is watched for its return while others may open on top of it."""
        self._armed = np.ones(len(REGIONS), bool)
        """Regions that have come back from the last movement."""
        self._counted = False
        self._refractory_until_ns = 0
        self.gated: dict[str, int] = {}
        self.held_back: Decision | None = None
        """A movement that a gate kept from being announced at this very sample."""
        self.displacement_px: FloatArray = np.zeros(len(REGIONS), np.float32)
        self.threshold_px: FloatArray = np.full(len(REGIONS), settings.min_displacement_px, np.float32)
        self.gate: str | None = None
        """The gate that is shut now, or that raises the thresholds."""

    @property
    def open(self) -> bool:
        return self._opening is not None

    @property
    def holding(self) -> bool:
        """A movement is held, and will be told when it ends."""
        return self._held is not None

    @property
    def quiet(self) -> bool:
        """Nothing moves: a good moment for a new keyframe."""
        calm = bool((self.displacement_px < 0.5 * self.threshold_px).all())
        return calm and self._opening is None and not self._gates.lids_shut

    def state(self, now_ns: int) -> State:
        if self._opening is not None:
            return "open"
        if self._rest.seen_ns < self._settings.calibration_ms * 1e6:
            return "calibrating"
        return "refractory" if now_ns < self._refractory_until_ns else "watching"

    def restart(self, reason: str) -> Decision | None:
        """Forget rest and the open movement (the noise is kept); a movement that was announced is retracted."""
        decision = self._give_up(reason)
        self._held = None
        self._rest.forget()
        self._gates.reset()
        self.displacement_px = np.zeros(len(REGIONS), np.float32)
        return decision

    def count(self, reason: str) -> None:
        self.gated[reason] = self.gated.get(reason, 0) + 1

    def update(self, sample: Sample, rate_hz: float = float("inf")) -> Decision | None:
        """Take the next sample; `rate_hz` is the real rate of distinct frames."""
        self.held_back = None
        self._gates.update(sample)
        self._rest.add(sample, self._opening.t_ns if self._opening else None, lids_shut=self._gates.lids_shut)
        if self._held is not None and self._announced is None:
            ended = self._release(*self._held, sample.t_capture_ns)
            if ended is not None:
                return ended
        if self._opening is None:
            self._watch(sample, rate_hz)
        if self._opening is None:
            return None
        if sample.anchor != self._opening.anchor:
            return self._give_up("head_motion")
        return self._follow(self._opening, sample.t_capture_ns)

    def _watch(self, sample: Sample, rate_hz: float) -> None:
        """Open a movement where a region has left rest."""
        now = sample.t_capture_ns
        rest = self._rest.at(now)
        if rest is None:
            self.displacement_px = np.zeros(len(REGIONS), np.float32)
            return
        self.displacement_px = np.linalg.norm(sample.displacement_px - rest, axis=1).astype(np.float32)
        self.threshold_px, self.gate = self._gates.thresholds(self._rest.sigma_px, now - _RISE_NS)
        parts = self.displacement_px / self.threshold_px
        moving = bool((parts > 1).any())
        shut = "low_frame_rate" if rate_hz < self._settings.min_rate_hz else self._gates.head_turns(now)
        if shut is not None:
            self._stay_shut(shut, moving)
        elif self.state(now) != "watching":
            pass  # what comes by the old rest on its way, as a falling smile may, has not come back to it
        else:
            self._armed |= (parts < _REARM) | (not self._rest.is_old)
            if (parts > 1)[self._armed].any():
                threshold = np.where(self._armed, self.threshold_px, np.float32(np.inf))
                self._opening = Opening(now, sample.anchor, rest, threshold)
        self._counted = moving and shut is not None

    def _stay_shut(self, gate: str, moving: bool) -> None:
        """A gate is shut for good, whatever moves; each movement counts once."""
        self.gate = gate
        self._held = None
        if moving and not self._counted:
            self.count(gate)

    def _follow(self, opening: Opening, now: int) -> Decision | None:
        settings = self._settings
        course = course_of(opening, self._rest.past, settings.onset_fraction)
        self.displacement_px = course.now_px
        shut = self._gates.head_turns(now) or self._gates.head_turned(course.onset_ns)
        if shut is not None:
            return self._give_up(shut)
        lasted_ms = (now - course.onset_ns) / 1e6
        returned = course.past_apex and course.fallen >= settings.confirm_fall
        if self._announced is None and lasted_ms <= settings.max_micro_ms:
            returning = course.past_apex and course.fallen >= settings.provisional_fall
            return self._announce(course, now) if returning else None
        if self._announced is not None and lasted_ms <= settings.max_micro_ms + settings.grace_ms:
            return self._close(course, "confirmed", now) if returned else None
        if float(course.peak_px.max()) < settings.min_macro_px:
            return self._give_up("drift")
        if returned or lasted_ms > settings.max_macro_ms:
            return self._close(course, "macro", now)
        return self._hold(opening, course, now) if self._is_steady(opening, now) else None

    def _is_steady(self, opening: Opening, now: int) -> bool:
        """Nothing has moved for a while, wherever the regions are."""
        newest = np.stack([s.displacement_px for s in self._rest.past if s.t_capture_ns >= now - _STEADY_NS])
        away_px = np.linalg.norm(newest - np.median(newest, axis=0), axis=2)
        return bool((away_px < opening.threshold).all())

    def _hold(self, opening: Opening, course: Course, now: int) -> Decision | None:
        """Put a movement aside that stays where it is, and watch on from there."""
        objection = self._gates.objection(course, self._rest.sigma_px, now)
        decision = self._give_up(objection or "drift")
        if objection is None:
            self._held = opening, course
            self._rest.begin_anew(now - _STEADY_NS, None)
        return decision

    def _release(self, opening: Opening, course: Course, now: int) -> Decision | None:
        """Tell a held movement when it ends; one that is held for too long has become rest."""
        fallen, offset_ns = fall_of(opening, course, self._rest.past)
        if (now - course.onset_ns) / 1e6 > self._settings.max_macro_ms:
            self._held = None
        if self._held is None or fallen < self._settings.confirm_fall:
            return None
        self._held = None
        self._finish(max(now + _TAIL_NS, offset_ns), opening.rest, now)
        return Decision("macro", course.onset_ns, course.apex_ns, max(offset_ns, now), course.score)

    def _announce(self, course: Course, now: int) -> Decision | None:
        rise_ms = (course.apex_ns - course.onset_ns) / 1e6
        if not self._settings.min_rise_ms <= rise_ms <= self._settings.max_rise_ms:
            return self._give_up("drift")
        found = Decision("provisional", course.onset_ns, course.apex_ns, None, course.score)
        objection = self._gates.objection(course, self._rest.sigma_px, now)
        if objection == "blink" and self._goes_on_without(BROWS):
            return None
        if objection is not None:
            self.held_back = replace(found, phase="retracted", reason=objection)
            return self._give_up(objection)
        self._announced = found
        return found

    def _goes_on_without(self, regions: tuple[int, ...]) -> bool:
        """Follow the other regions alone from now on, where they have left rest too."""
        opening = self._opening
        if opening is None or np.isinf(opening.threshold[list(regions)]).all():
            return False
        threshold = opening.threshold.copy()
        threshold[list(regions)] = np.inf
        if not (np.linalg.norm(self._rest.past[-1].displacement_px - opening.rest, axis=1) > threshold).any():
            return False
        self._opening = replace(opening, threshold=threshold)
        return True

    def _close(self, course: Course, phase: Phase, now: int) -> Decision | None:
        objection = self._gates.objection(course, self._rest.sigma_px, now)
        if objection is not None:
            return self._give_up(objection)
        came_back = course.fallen >= self._settings.confirm_fall
        # What a slow movement still has to fall is no rest: it would make the end of a smile a movement of its own.
        ends_ns = max(now + _TAIL_NS, course.offset_ns) if came_back else now + _TAIL_NS
        self._finish(ends_ns, self._opening.rest if self._opening and came_back else None, now)
        return Decision(phase, course.onset_ns, course.apex_ns, max(course.offset_ns, now), course.score)

    def _finish(self, calm_since_ns: int, back_to: FloatArray | None, now: int) -> None:
        """End a movement that was told: nothing is told for a while."""
        self._end(calm_since_ns, back_to)
        self._refractory_until_ns = now + int(self._settings.refractory_ms * 1e6)

    def _give_up(self, reason: str) -> Decision | None:
        """End a movement that is none: retract it if it was announced, and count it."""
        opening, announced = self._opening, self._announced
        if opening is None:
            return None
        now = self._rest.past[-1].t_capture_ns
        # Drift is slow: what was seen of it serves as rest. Anything else left its traces there.
        self._end(0 if reason == "drift" else now + _TAIL_NS, back_to=opening.rest if reason == "blink" else None)
        if reason != "drift" or announced is not None:
            self.count(reason)
        return None if announced is None else replace(announced, phase="retracted", reason=reason)

    def _end(self, calm_since_ns: int, back_to: FloatArray | None) -> None:
        self._opening = self._announced = None
        self._armed[:] = back_to is None
        self._rest.begin_anew(calm_since_ns, back_to)
