"""What rest is: where the regions are while nothing moves, and how much they move all the same."""

from __future__ import annotations

from collections import deque
from typing import cast

import numpy as np

from ahmsa.types import FloatArray
from spotting.settings import SpotterSettings
from spotting.signal import REGIONS, Sample

_SKIP_NS = 200_000_000
"""Noise is what a region moves within the time of a rise."""
_NOISE_STEP_NS = 250_000_000
_RAYLEIGH_MEDIAN = 1.1774
_LEAST_SAMPLES = 3
_SPARE_NS = 300_000_000


class Rest:
    """The newest past of the signal, and what it says about rest."""

    def __init__(self, settings: SpotterSettings) -> None:
        self._settings = settings
        self._moves: deque[tuple[int, FloatArray]] = deque()
        self._sigma_ns = 0
        self._before: FloatArray | None = None
        self._newest: FloatArray | None = None
        self._calm_since_ns = 0
        self._blinks_ns: deque[int] = deque()
        self.past: deque[Sample] = deque()
        self.sigma_px: FloatArray = np.zeros(len(REGIONS), np.float32)
        """(8,) robust standard deviation, per axis, of what a region moves in 200 ms: movements hardly raise a median."""
        self.seen_ns = 0
        """How long this face has been watched altogether."""

    def add(self, sample: Sample, open_since_ns: int | None, *, lids_shut: bool = False) -> None:
        """Remember a sample; the past of an open movement is kept from before its opening on. A blink is no rest."""
        now = sample.t_capture_ns
        if lids_shut:
            self._blinks_ns.append(now)
        if self.past:
            self.seen_ns += now - self.past[-1].t_capture_ns
        self.past.append(sample)
        oldest = (open_since_ns or now) - int(self._settings.rest_from_ms * 1e6) - _SPARE_NS
        while self.past[0].t_capture_ns < oldest:
            self.past.popleft()
        while self._blinks_ns and self._blinks_ns[0] < oldest:
            self._blinks_ns.popleft()
        self._measure_noise(sample)

    def at(self, now: int) -> FloatArray | None:
        """(8, 2) median of the stretch before a rise could have begun; None while too little of it is known.

        After a movement that came back, the rest before it counts until there is a new stretch; likewise after a blink.
        """
        start, end = now - int(self._settings.rest_from_ms * 1e6), now - int(self._settings.rest_to_ms * 1e6)
        stretch = [s for s in self.past if max(start, self._calm_since_ns) <= s.t_capture_ns <= end]
        calm = [s.displacement_px for s in stretch if not self._blinked(s.t_capture_ns)]
        if len(calm) < _LEAST_SAMPLES:
            return self._newest if self._before is None else self._before
        self._before = None
        self._newest = cast(FloatArray, np.median(calm, axis=0).astype(np.float32))
        return self._newest

    @property
    def is_old(self) -> bool:
        """Rest is still that of before the last movement."""
        return self._before is not None

    def begin_anew(self, now: int, before: FloatArray | None) -> None:
        """Nothing up to now is rest. before: the rest to go on with until there is a new one."""
        self._before, self._newest, self._calm_since_ns = before, None, now

    def forget(self) -> None:
        """The face was out of sight: only its noise is still known."""
        self.past.clear()
        self._before, self._newest, self._calm_since_ns = None, None, 0
        self._blinks_ns.clear()

    def _blinked(self, t_ns: int) -> bool:
        margin_ns = self._settings.blink_margin_ms * 1e6
        return any(abs(t_ns - blink_ns) <= margin_ns for blink_ns in self._blinks_ns)

    def _measure_noise(self, sample: Sample) -> None:
        now = sample.t_capture_ns
        before = next((past for past in reversed(self.past) if past.t_capture_ns <= now - _SKIP_NS), None)
        if before is not None:
            self._moves.append((now, np.linalg.norm(sample.displacement_px - before.displacement_px, axis=1)))
        while self._moves and self._moves[0][0] < now - self._settings.noise_memory_ms * 1e6:
            self._moves.popleft()
        if self._moves and now >= self._sigma_ns + _NOISE_STEP_NS:
            self._sigma_ns = now
            self.sigma_px = (np.median([move for _, move in self._moves], axis=0) / _RAYLEIGH_MEDIAN).astype(np.float32)
