"""The decision: from samples to movements. Knows no pixels, so that it can be tuned on recorded signals."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from ahmsa.types import Gate
from spotting.events import Decision, Events, OpenMovement
from spotting.gates import RegionGates, mask
from spotting.held import Held
from spotting.history import History, Trace, Window
from spotting.movement import Course, Excursion, Movement, Noise, course_of, excursions, movement_at, thresholds
from spotting.regions import REGIONS
from spotting.settings import SpotterSettings, nanoseconds
from spotting.signal import Sample

State = Literal["calibrating", "watching", "open", "refractory"]

_SHOWN_NS = 200_000_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the detector says of one sample."""

    displacement_px: Trace
    """(r,) how far each region has moved within the past 0.2 s."""
    threshold_px: Trace
    """(r,) how far it must go and come back to be announced."""
    gates: tuple[Gate | None, ...]
    """(r,) the gate that is shut for each region."""
    decisions: tuple[Decision, ...] = ()
    """What became known of events at this sample."""
    rejected: Decision | None = None
    """A movement that a gate kept from being announced at this very sample."""


class EventDetector:
    """Finds movements that go and come back in a stream of samples."""

    def __init__(self, settings: SpotterSettings) -> None:
        self._settings = settings
        self._history = History(settings.smooth_ms)
        self._noise = Noise(settings)
        self._gates = RegionGates(settings)
        self._held = Held(settings)
        self._events = Events(settings.expert.same_event_ms)
        self._earliest_ns = np.zeros(len(REGIONS), np.int64)
        self._ended_ns = np.zeros(len(REGIONS), np.int64)
        self._refractory_until_ns = 0
        self._seen_ns = 0
        self.gated: Counter[Gate] = Counter()
        """Gate -> movements that it kept from being reported."""

    @property
    def holding(self) -> bool:
        """A movement stays where it went; it is told as macro when it ends."""
        return self._held.active

    def state(self, now_ns: int) -> State:
        if self._events.open:
            return "open"
        if self._is_calibrating:
            return "calibrating"
        return "refractory" if now_ns < self._refractory_until_ns else "watching"

    @property
    def _is_calibrating(self) -> bool:
        return self._seen_ns < self._settings.calibration_ms * 1e6

    def restart(self, reason: Gate) -> list[Decision]:
        """Forget the signal (the noise is kept); what was announced is retracted."""
        decisions = [said for one in tuple(self._events.open) if (said := self._drop(one, reason)) is not None]
        self._events.clear()
        self._history.clear()
        self._gates.reset()
        self._held.clear()
        return decisions

    def update(self, sample: Sample, rate_hz: float = float("inf")) -> Verdict:
        """Take the next sample; `rate_hz` is the real rate of distinct frames."""
        now = sample.t_capture_ns
        if len(self._history):
            self._seen_ns += now - self._history.newest.t_capture_ns
        self._history.add(sample)
        self._gates.update(sample)
        window = self._history.window()
        gates = self._gates.shut(window, rate_hz)
        open_ = mask(gates)
        excursion = excursions(window, self._settings, self._earliest_ns)
        self._noise.update(window, calm=not self._events.open and not any(gates))
        if excursion is None:
            threshold = np.maximum(self._settings.min_displacement_px, self._settings.noise_sigmas * self._noise.sigma_px)
        else:
            threshold = thresholds(window, excursion, self._noise.sigma_px, self._settings)
        decisions = self._follow_all(window, gates)
        macro = self._held.update(window, threshold, open_)
        if macro is not None:
            decisions.append(Decision("retracted", macro.onset_ns, macro.apex_ns, now, macro.score, kind="macro"))
        rejected: Decision | None = None
        if excursion is not None and not self._is_calibrating:
            announced, rejected = self._seek(window, excursion, threshold, open_)
            decisions += announced
        return Verdict(_moved_lately(window), threshold, tuple(gates), tuple(decisions), rejected)

    def _seek(
        self, window: Window, excursion: Excursion, threshold: Trace, open_: npt.NDArray[np.bool_]
    ) -> tuple[list[Decision], Decision | None]:
        """Announce the movements that have turned, strongest first, and say what speaks against the strongest of the others."""
        free = open_.copy()
        for one in self._events.open:
            free[one.movement.regions] = False
        main_part = self._settings.expert.main_part
        turned = excursion.return_px >= self._settings.provisional_fall * excursion.rise_px
        announced: list[Decision] = []
        rejected: Decision | None = None
        while (ready := free & turned & (excursion.rise_px >= threshold)).any():
            movement = movement_at(window, _without_return(excursion, ready), threshold, free, self._ended_ns, main_part)
            course = course_of(movement, window, self._settings)
            if course.fallen < self._settings.provisional_fall or not self._rises_in_time(course):
                free[movement.leader] = False  # perhaps later; another region may be ready now
                continue
            free[movement.regions] = False
            found = Decision("provisional", course.onset_ns, course.apex_ns, None, course.score)
            other_causes = self._gates.other_causes(movement, course, window)
            if _stands(movement, course, other_causes):
                said = self._events.announce(movement, found, int(window.times_ns[-1]))
                announced += [] if said is None else [said]
                continue
            self._let_none_begin_before(course.apex_ns, movement)
            if rejected is None and self._events.at(course.apex_ns) is None:  # else it is a part of what was announced
                rejected = replace(found, phase="retracted", reason=next(iter(other_causes.values()), "drift"))
        if rejected is not None and rejected.reason is not None:
            self.gated[rejected.reason] += 1
        return announced, rejected

    def _rises_in_time(self, course: Course) -> bool:
        rise_ms = (course.apex_ns - course.onset_ns) / 1e6
        return self._settings.min_rise_ms <= rise_ms <= self._settings.max_rise_ms

    def _follow_all(self, window: Window, gates: list[Gate | None]) -> list[Decision]:
        decisions = []
        for one in tuple(self._events.open):
            if one in self._events.open and (said := self._follow(one, window, gates)) is not None:
                decisions.append(said)
        return decisions

    def _follow(self, one: OpenMovement, window: Window, gates: list[Gate | None]) -> Decision | None:
        settings, movement = self._settings, one.movement
        now = int(window.times_ns[-1])
        course = course_of(movement, window, settings)
        shut = [gate for region in movement.regions if (gate := gates[int(region)]) is not None]
        if len(shut) == len(movement.regions):
            return self._drop(one, shut[0])
        if not self._rises_in_time(course):
            return self._drop(one, "drift")
        if course.fallen >= settings.confirm_fall and course.returned >= settings.confirm_return:
            other_causes = self._gates.other_causes(movement, course, window)
            if not _stands(movement, course, other_causes):
                return self._drop(one, next(iter(other_causes.values()), "drift"))
            offset_ns = max(course.offset_ns, now)
            ended = Decision("confirmed", course.onset_ns, course.apex_ns, offset_ns, course.score)
            if (course.offset_ns - course.onset_ns) / 1e6 > settings.max_micro_ms + 2 * settings.grace_ms:
                return self._drop(one, None, replace(ended, phase="retracted", kind="macro"))
            return self._end(one, ended, offset_ns, now)
        if (now - course.onset_ns) / 1e6 > settings.max_micro_ms + settings.grace_ms:
            return self._drop(one, "drift")
        return None

    def _end(self, one: OpenMovement, ended: Decision, offset_ns: int, now_ns: int) -> Decision:
        said, members = self._events.confirm(one, ended)
        self._refractory_until_ns = now_ns + nanoseconds(self._settings.refractory_ms)
        for member in members:
            self._ended_ns[member.movement.regions] = offset_ns
            self._let_none_begin_before(self._refractory_until_ns, member.movement)
        self._held.clear()
        return said

    def _drop(self, one: OpenMovement, reason: Gate | None, decision: Decision | None = None) -> Decision | None:
        said = self._events.drop(one, decision or replace(one.found, phase="retracted", reason=reason))
        self._let_none_begin_before(one.found.apex_ns, one.movement)
        if said is not None and reason is not None:
            self.gated[reason] += 1
        return said

    def _let_none_begin_before(self, t_ns: int, movement: Movement) -> None:
        regions = movement.regions
        self._earliest_ns[regions] = np.maximum(self._earliest_ns[regions], t_ns)


def _stands(movement: Movement, course: Course, other_causes: dict[int, Gate]) -> bool:
    """Some region without another cause moved far enough by itself."""
    far = np.linalg.norm(course.peak_px, axis=1) >= movement.threshold_px
    return any(far[region] for region in movement.regions if int(region) not in other_causes)


def _without_return(excursion: Excursion, ready: npt.NDArray[np.bool_]) -> Excursion:
    """The excursion with nothing left in regions that are not ready to be announced."""
    return replace(excursion, return_px=np.where(ready, excursion.return_px, 0))


def _moved_lately(window: Window) -> Trace:
    lately = window.moved_px[window.since(int(window.times_ns[-1]) - _SHOWN_NS)]
    return np.asarray(np.linalg.norm(lately[-1] - lately[0], axis=1), np.float64)
