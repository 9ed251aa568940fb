"""Movements that stay where they went, such as a smile: told as macro-expressions when they end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spotting.history import Trace, Window
from spotting.settings import SpotterSettings, nanoseconds


@dataclass(frozen=True, slots=True)
class Macro:
    """A movement that was held and has ended."""

    onset_ns: int
    apex_ns: int
    score: float


class Held:
    """Watches the largest movement that does not come back at once; smaller ones may come and go meanwhile."""

    def __init__(self, settings: SpotterSettings) -> None:
        self._settings = settings
        self.clear()

    def clear(self) -> None:
        self._onset_ns = self._apex_ns = 0
        self._base: Trace | None = None
        self._way: Trace = np.zeros((0, 2))
        self._peak_px = 0.0
        self._threshold_px = 1.0

    @property
    def active(self) -> bool:
        return self._base is not None

    def update(self, window: Window, threshold_px: Trace, open_: npt.NDArray[np.bool_]) -> Macro | None:
        """Take the newest sample; returns the movement when it has fallen by half."""
        now = int(window.times_ns[-1])
        if self._base is None:
            self._begin(window, threshold_px, open_)
            return None
        if now - self._onset_ns > self._settings.max_macro_ms * 1e6 or not open_.any():
            self.clear()
            return None
        away_px = float(((window.moved_px[-1] - self._base) * self._way).sum())
        if away_px > self._peak_px:
            self._peak_px, self._apex_ns = away_px, now
        if away_px > (1 - self._settings.confirm_fall) * self._peak_px:
            return None
        ended = Macro(self._onset_ns, self._apex_ns, self._peak_px / self._threshold_px)
        self.clear()
        return ended if now - ended.onset_ns > self._settings.max_micro_ms * 1e6 else None

    def _begin(self, window: Window, threshold_px: Trace, open_: npt.NDArray[np.bool_]) -> None:
        now = int(window.times_ns[-1])
        start = window.since(now - nanoseconds(self._settings.expert.macro_rise_ms)).start
        way = window.moved_px[-1] - window.moved_px[start]
        far = np.where(open_, np.linalg.norm(way, axis=1), 0)
        leader = int(np.argmax(far / threshold_px))
        if far[leader] < max(self._settings.min_macro_px, float(threshold_px[leader])):
            return
        self._base, self._onset_ns, self._apex_ns = window.moved_px[start].copy(), int(window.times_ns[start]), now
        self._way = np.zeros_like(way)
        self._way[leader] = way[leader] / far[leader]
        self._peak_px, self._threshold_px = float(far[leader]), float(threshold_px[leader])
