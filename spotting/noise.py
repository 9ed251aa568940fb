"""How far a region must go and come back to be believed: from its noise, and from what the head does meanwhile."""

from __future__ import annotations

from collections import deque

import numpy as np

from spotting.history import Trace, Window
from spotting.movement import Excursion
from spotting.regions import REGIONS
from spotting.settings import SpotterSettings, nanoseconds

_RAYLEIGH_MEDIAN = 1.1774
_LEAST = 5


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
        if len(self._moves) >= _LEAST:
            self.sigma_px = np.median([move for _, move in self._moves], axis=0) / _RAYLEIGH_MEDIAN


def travel_px(window: Window, since_ns: int) -> Trace:
    """(r,) diagonal of the box in which the head has carried a region since then."""
    head = window.head_px[window.since(since_ns)]
    return np.asarray(np.linalg.norm(np.ptp(head, axis=0), axis=1), np.float64)


def thresholds(window: Window, excursion: Excursion, sigma_px: Trace, settings: SpotterSettings) -> Trace:
    """(r,) px. What may shake a region adds up like independent noises; the sum has a ceiling."""
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
