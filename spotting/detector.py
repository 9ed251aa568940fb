"""The decision: from samples to movements. Knows no pixels, so that it can be tuned on recorded signals."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from ahmsa.types import Gate, Kind, Phase
from spotting.gates import RegionGates, mask
from spotting.held import Held
from spotting.history import History, Trace, Window
from spotting.movement import Course, Excursion, Movement, course_of, excursions, movement_at
from spotting.noise import Noise, thresholds
from spotting.regions import REGIONS
from spotting.settings import SpotterSettings
from spotting.signal import Sample

State = Literal["calibrating", "watching", "open", "refractory"]

_SHOWN_NS = 200_000_000


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of a movement, at the frame at which it became known."""

    phase: Phase
    onset_ns: int
    apex_ns: int
    offset_ns: int | None
    score: float
    reason: Gate | None = None
    kind: Kind = "micro"
    """macro: it lasted too long for a micro-expression, as which it is retracted."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the detector says of one sample."""

    displacement_px: Trace
    """(r,) how far each region has moved within the past 0.2 s."""
    threshold_px: Trace
    """(r,) how far it must go and come back to be announced."""
    gates: tuple[Gate | None, ...]
    """(r,) the gate that is shut for each region."""
    decision: Decision | None = None
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
        self._movement: Movement | None = None
        self._announced: Decision | None = None
        self._earliest_ns = np.zeros(len(REGIONS), np.int64)
        self._refractory_until_ns = self._ended_ns = 0
        self._seen_ns = 0
        self.gated: Counter[Gate] = Counter()
        """Gate -> movements that it kept from being reported."""

    @property
    def holding(self) -> bool:
        """A movement stays where it went; it is told as macro when it ends."""
        return self._held.active

    def state(self, now_ns: int) -> State:
        if self._movement is not None:
            return "open"
        if self._seen_ns < self._settings.calibration_ms * 1e6:
            return "calibrating"
        return "refractory" if now_ns < self._refractory_until_ns else "watching"

    def restart(self, reason: Gate) -> Decision | None:
        """Forget the signal (the noise is kept); a movement that was announced is retracted."""
        decision = self._retract(reason)
        self._history.clear()
        self._gates.reset()
        self._held.clear()
        return decision

    def update(self, sample: Sample, rate_hz: float = float("inf")) -> Verdict:
        """Take the next sample; `rate_hz` is the real rate of distinct frames."""
        now = sample.t_capture_ns
        if len(self._history):
            self._seen_ns += now - self._history.newest.t_capture_ns
        self._history.add(sample)
        self._gates.update(sample)
        window = self._history.window()
        gates = self._gates.shut(window, rate_hz)
        excursion = excursions(window, self._settings, self._earliest_ns)
        self._noise.update(window, calm=self._movement is None and not any(gates))
        if excursion is None:
            threshold = np.maximum(self._settings.min_displacement_px, self._settings.noise_sigmas * self._noise.sigma_px)
        else:
            threshold = thresholds(window, excursion, self._noise.sigma_px, self._settings)
        shown = Verdict(_moved_lately(window), threshold, tuple(gates))
        if self._movement is not None:
            return replace(shown, decision=self._follow(self._movement, window, gates))
        macro = self._held.update(window, threshold, mask(gates))
        if macro is not None:
            return replace(shown, decision=Decision("retracted", macro.onset_ns, macro.apex_ns, now, macro.score, kind="macro"))
        if excursion is None or self.state(now) != "watching":
            return shown
        decision, rejected = self._seek(window, excursion, threshold, mask(gates))
        return replace(shown, decision=decision, rejected=rejected)

    def _seek(
        self, window: Window, excursion: Excursion, threshold: Trace, open_: npt.NDArray[np.bool_]
    ) -> tuple[Decision | None, Decision | None]:
        """Announce the strongest movement that has turned, or say what speaks against it."""
        turned = excursion.return_px >= self._settings.provisional_fall * excursion.rise_px
        rejected: Decision | None = None
        while (ready := open_ & turned & (excursion.rise_px >= threshold)).any():
            movement = movement_at(window, _without_return(excursion, ready), threshold, open_, self._ended_ns)
            course = course_of(movement, window, self._settings)
            found = Decision("provisional", course.onset_ns, course.apex_ns, None, course.score)
            excuses = self._gates.excuses(movement, course, window)
            if course.fallen < self._settings.provisional_fall or not self._rises_in_time(course):
                return None, rejected
            if _stands(movement, course, excuses):
                self._movement, self._announced = movement, found
                return found, rejected
            reason: Gate = next(iter(excuses.values()), "drift")
            if rejected is None:
                rejected = replace(found, phase="retracted", reason=reason)
                self.gated[reason] += 1
            self._earliest_ns[movement.regions] = course.apex_ns
            open_ = open_.copy()
            open_[movement.regions] = False
        return None, rejected

    def _rises_in_time(self, course: Course) -> bool:
        rise_ms = (course.apex_ns - course.onset_ns) / 1e6
        return self._settings.min_rise_ms <= rise_ms <= self._settings.max_rise_ms

    def _follow(self, movement: Movement, window: Window, gates: list[Gate | None]) -> Decision | None:
        settings = self._settings
        now = int(window.times_ns[-1])
        course = course_of(movement, window, settings)
        shut = [gate for region in movement.regions if (gate := gates[int(region)]) is not None]
        if len(shut) == len(movement.regions):
            return self._retract(shut[0])
        if not self._rises_in_time(course):
            return self._retract("drift")
        if course.fallen >= settings.confirm_fall and course.returned >= settings.confirm_return:
            excuses = self._gates.excuses(movement, course, window)
            if not _stands(movement, course, excuses):
                return self._retract(next(iter(excuses.values()), "drift"))
            self._end(now, course.offset_ns)
            slow = (course.offset_ns - course.onset_ns) / 1e6 > settings.max_micro_ms + 2 * settings.grace_ms
            times_ns = (course.onset_ns, course.apex_ns, max(course.offset_ns, now))
            if slow:
                return Decision("retracted", *times_ns, course.score, kind="macro")
            return Decision("confirmed", *times_ns, course.score)
        if (now - course.onset_ns) / 1e6 > settings.max_micro_ms + settings.grace_ms:
            return self._retract("drift")
        return None

    def _end(self, now: int, offset_ns: int) -> None:
        self._ended_ns = offset_ns
        self._held.clear()
        self._movement = self._announced = None
        self._refractory_until_ns = now + int(self._settings.refractory_ms * 1e6)
        self._earliest_ns[:] = self._refractory_until_ns

    def _retract(self, reason: Gate) -> Decision | None:
        announced = self._announced
        self._movement = self._announced = None
        if announced is None:
            return None
        self.gated[reason] += 1
        self._earliest_ns[:] = announced.apex_ns
        return replace(announced, phase="retracted", reason=reason)


def _stands(movement: Movement, course: Course, excuses: dict[int, Gate]) -> bool:
    """Some region without an excuse moved far enough by itself."""
    far = np.linalg.norm(course.peak_px, axis=1) >= movement.threshold_px
    return any(far[region] for region in movement.regions if int(region) not in excuses)


def _without_return(excursion: Excursion, ready: npt.NDArray[np.bool_]) -> Excursion:
    """The excursion with nothing left in regions that are not ready to be announced."""
    return replace(excursion, return_px=np.where(ready, excursion.return_px, 0))


def _moved_lately(window: Window) -> Trace:
    lately = window.moved_px[window.since(int(window.times_ns[-1]) - _SHOWN_NS)]
    return np.asarray(np.linalg.norm(lately[-1] - lately[0], axis=1), np.float64)
