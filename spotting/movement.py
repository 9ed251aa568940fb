"""A movement that goes and comes back: where it is in the signal, how large it must be to be believed, and its onset, apex and
offset.

A micro-expression returns within half a second. What counts is therefore what comes BACK: a step, a drift or a smile that stays
scores nothing, however far it goes.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spotting.history import Times, Trace, Window
from spotting.regions import REGIONS, UPPER
from spotting.settings import SpotterSettings, nanoseconds

_IS_UPPER = np.isin(np.arange(len(REGIONS)), UPPER)
_RAYLEIGH_MEDIAN = 1.1774
_NOISE_READINGS = 5
"""The noise is 0 until there are as many."""


@dataclass(frozen=True, slots=True)
class Excursion:
    """For every region, its best rise and return up to now."""

    start: npt.NDArray[np.intp]
    """(r,) sample of the window at which the rise begins."""
    apex: npt.NDArray[np.intp]
    """(r,) sample of the window at its top."""
    rise_px: Trace
    """(r,) how far the region went."""
    return_px: Trace
    """(r,) how far it has come back by now, along the way it went."""
    head_px: Trace
    """(r,) how far the head's own motion went and came back meanwhile."""


@dataclass(frozen=True, slots=True)
class Movement:
    """Which regions move where: what is followed from the announcement on."""

    start_ns: int
    """Where the rise begins, roughly."""
    threshold_px: Trace
    """(r,)"""
    way_px: Trace
    """(r, 2) displacement of the regions from start to apex; 0 where a region does not belong to the movement."""
    leader: int
    """The region that moved farthest, in units of its threshold."""
    after_ns: int
    """When the movement before it had ended: what was before that does not count against it."""

    @property
    def regions(self) -> npt.NDArray[np.intp]:
        return np.flatnonzero((self.way_px != 0).any(axis=1))


@dataclass(frozen=True, slots=True)
class Course:
    """A movement up to now, as one curve for all its regions: 0 at its start, 1 at the apex."""

    onset_ns: int
    apex_ns: int
    """Refined between frames."""
    offset_ns: int
    """Where the fall will end, as far as it can be told now."""
    fallen: float
    """How far the movement has fallen from its apex, as a part of it."""
    peak_px: Trace
    """(r, 2) displacement of the regions at the apex."""
    returned: float
    """How far the region that came back farthest has come back by now, in units of its threshold."""
    before: float
    """How far the movement's regions moved along its way shortly before its onset, as a part of its peak."""
    score: float
    """Largest peak in units of its threshold."""


def excursions(window: Window, settings: SpotterSettings, earliest_ns: Times) -> Excursion | None:
    """The best rise and return of every region that ends now; None while too little is known.

    earliest_ns: (r,) no rise of a region may begin before.
    """
    times = window.times_ns
    now = int(times[-1])
    rises_ns = times[:, None] - times
    fits = (rises_ns >= settings.min_rise_ms * 1e6) & (rises_ns <= settings.rise_reach_ms * 1e6)
    fits &= ((times >= now - settings.max_return_ms * 1e6) & (times < now))[:, None] & (times >= earliest_ns.min())
    apex, start = np.nonzero(fits)
    if len(apex) == 0:
        return None
    rise, back = _there_and_back(window.moved_px, start, apex)
    rise[times[start][:, None] < earliest_ns] = 0
    # Until much has come back every start on the slope would do as well: the whole rise counts.
    best = np.argmax(np.minimum(rise, back / settings.confirm_fall) + settings.expert.whole_rise * rise * (back > 0), axis=0)
    regions = np.arange(rise.shape[1])
    head_rise, head_back = _there_and_back(window.head_px, start, apex)
    head = np.clip(np.minimum(head_rise, head_back), 0, None)
    return Excursion(start[best], apex[best], rise[best, regions], back[best, regions], head[best, regions])


def _there_and_back(trace: Trace, start: npt.NDArray[np.intp], apex: npt.NDArray[np.intp]) -> tuple[Trace, Trace]:
    """(p, r) length of the way from start to apex, and how much of it has been taken back by the last sample."""
    way = trace[apex] - trace[start]
    length = np.sqrt((way**2).sum(axis=2))
    back = ((trace[apex] - trace[-1]) * way).sum(axis=2) / np.maximum(length, 1e-9)
    return length, back


def movement_at(
    window: Window, excursion: Excursion, threshold_px: Trace, open_: npt.NDArray[np.bool_], ended_ns: Times, main_part: float
) -> Movement:
    """What moves when the strongest of the open regions does, in its half of the face: brows and mouth move for reasons of
    their own. threshold_px: (r,); open_: (r,) no gate is shut; ended_ns: (r,) when a region's last movement ended;
    main_part: setting of this name."""
    parts = np.where(open_, excursion.rise_px / threshold_px, 0)
    leader = int(np.argmax(np.where(open_, np.minimum(excursion.rise_px, excursion.return_px) / threshold_px, 0)))
    start, apex = excursion.start[leader], excursion.apex[leader]
    way = window.moved_px[apex] - window.moved_px[start]
    parts = np.where(open_, np.sqrt((way**2).sum(axis=1)) / threshold_px, 0)
    way[(parts < main_part * parts[leader]) | (_IS_UPPER[leader] != _IS_UPPER)] = 0
    after_ns = int(ended_ns[(way != 0).any(axis=1)].max(initial=0))
    return Movement(int(window.times_ns[start]), threshold_px.copy(), way, leader, after_ns)


def course_of(movement: Movement, window: Window, settings: SpotterSettings) -> Course:
    """Follow a movement up to now."""
    times = window.times_ns
    start = int(np.searchsorted(times, movement.start_ns))
    first = min(start, int(np.searchsorted(times, max(movement.start_ns - nanoseconds(settings.quiet_ms), movement.after_ns))))
    moved = window.moved_px[first:] - window.moved_px[start]
    curve = (moved * (movement.way_px / movement.threshold_px[:, None] ** 2)).sum(axis=(1, 2))
    apex = start - first + int(np.argmax(curve[start - first :]))
    curve = curve / max(float(curve[apex]), 1e-9)
    back = ((moved[apex] - moved[-1]) * movement.way_px).sum(axis=1) / np.maximum(np.linalg.norm(movement.way_px, axis=1), 1e-9)
    onset_ns = _onset(times[first:], curve, apex, settings)
    still = curve[times[first:] <= onset_ns]
    return Course(
        onset_ns=onset_ns,
        apex_ns=_refined_apex(times[first:], curve, apex),
        offset_ns=_offset(times[first:], curve, apex, settings.expert.offset_run),
        fallen=float(1 - curve[-1]),
        peak_px=np.where(movement.way_px != 0, moved[apex], 0.0),
        returned=float((back / movement.threshold_px)[movement.regions].max()),
        before=1.0
        if onset_ns < movement.after_ns + settings.expert.pause_ms * 1e6
        else _restlessness(times[first:][: len(still)], still),
        score=float((np.linalg.norm(moved[apex], axis=1) / movement.threshold_px)[movement.regions].max()),
    )


def _restlessness(times: Times, curve: Trace) -> float:
    """Range of a curve about its own straight line: what drifts evenly is at rest."""
    if len(curve) < 3:
        return 0.0
    line = np.polyfit((times - times[0]) / 1e9, curve, 1)
    return float(np.ptp(curve - np.polyval(line, (times - times[0]) / 1e9)))


def _refined_apex(times: Times, curve: Trace, apex: int) -> int:
    """Time of the top of the parabola through the apex and its neighbours."""
    if not 0 < apex < len(curve) - 1:
        return int(times[apex])
    t = (times[apex - 1 : apex + 2] - times[apex]) / 1e6
    a, b, _ = np.polyfit(t, curve[apex - 1 : apex + 2], 2)
    if a >= 0:
        return int(times[apex])
    return int(times[apex] + np.clip(-b / (2 * a), t[0], t[2]) * 1e6)


def _onset(times: Times, curve: Trace, apex: int, settings: SpotterSettings) -> int:
    """Walk back from the apex to `onset_fraction` of the rise; from there a straight line leads to its start."""
    fraction = settings.onset_fraction
    before, values = times[apex::-1], curve[apex::-1]
    low, high = _crossing(before, values, fraction), _crossing(before, values, 1 - fraction)
    onset = low - (high - low) * fraction / (1 - 2 * fraction) * settings.expert.onset_run
    return int(max(onset, times[0]))


def _offset(times: Times, curve: Trace, apex: int, run: float) -> int:
    """From a tenth of the fall through half of it a straight line leads to its end; now, while half has not been reached."""
    begun, half = _crossing(times[apex:], curve[apex:], 0.9), _crossing(times[apex:], curve[apex:], 0.5)
    return int(half + (half - begun) * run)


def _crossing(times: Times, values: npt.NDArray[Any], level: float) -> float:
    """When the values, which begin above a level, first go below it; the last time where they never do."""
    for i in range(1, len(values)):
        if values[i] < level <= values[i - 1]:
            part = (values[i - 1] - level) / (values[i - 1] - values[i])
            return float(times[i - 1] + part * (times[i] - times[i - 1]))
    return float(times[-1])


class Noise:
    """Each region's own noise, measured where nothing moves: never from speech, blinks or turns of the head."""

    def __init__(self, settings: SpotterSettings) -> None:
        self._settings = settings
        self._moves: deque[tuple[int, Trace]] = deque()
        self.sigma_px: Trace = np.zeros(len(REGIONS))
        """(r,) robust standard deviation per axis of what a region moves within a rise."""

    def update(self, window: Window, *, calm: bool) -> None:
        """Take the newest sample. calm: no gate is shut and nothing is open."""
        now, expert = int(window.times_ns[-1]), self._settings.expert
        step_ns = nanoseconds(expert.noise_step_ms)
        if self._moves and now - self._moves[-1][0] < expert.noise_every_ms * 1e6:
            return
        before = int(np.searchsorted(window.times_ns, now - step_ns, side="right")) - 1
        if before < 0 or not calm or travel_px(window, now - step_ns).max() > expert.calm_travel_px:
            return
        self._moves.append((now, np.linalg.norm(window.moved_px[-1] - window.moved_px[before], axis=1)))
        while self._moves[0][0] < now - self._settings.noise_memory_ms * 1e6:
            self._moves.popleft()
        if len(self._moves) >= _NOISE_READINGS:
            self.sigma_px = np.median([move for _, move in self._moves], axis=0) / _RAYLEIGH_MEDIAN


def travel_px(window: Window, since_ns: int) -> Trace:
    """(r,) diagonal of the box in which the head has carried a region since then."""
    head = window.head_px[window.since(since_ns)]
    return np.asarray(np.linalg.norm(np.ptp(head, axis=0), axis=1), np.float64)


def thresholds(window: Window, excursion: Excursion, sigma_px: Trace, settings: SpotterSettings) -> Trace:
    """(r,) px: how far each region must go and come back to be believed.

    Its noise, the head's motion and all else that may shake it add up like independent noises; the sum has a ceiling.
    """
    since_ns = int(window.times_ns[excursion.start.min()])
    parts = (
        np.full(len(sigma_px), settings.min_displacement_px),
        settings.noise_sigmas * sigma_px,
        settings.head_leak * excursion.head_px,
        settings.travel_leak * travel_px(window, since_ns),
        np.full(len(sigma_px), settings.speech_leak * float(np.ptp(window.lip_gap_px[window.since(since_ns)]))),
        settings.spread_factor * window.spread_px[window.since(since_ns)].mean(axis=0),
        np.full(len(sigma_px), settings.misfit_factor * float(window.misfit_px[window.since(since_ns)].mean())),
    )
    return np.asarray(np.minimum(np.sqrt(sum(part**2 for part in parts)), settings.max_threshold_px), np.float64)
