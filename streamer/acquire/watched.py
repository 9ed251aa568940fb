"""For which share of the last minute each half of a face was watched, and what stood in the way for the rest."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass

from ahmsa.types import HALVES, Gate, Half

_MINUTE_NS = 60_000_000_000
_PAUSE_NS = 500_000_000
"""A longer time without a frame is a pause, and nothing was watched in it."""
_PAUSE: Gate = "camera_stall"


@dataclass(frozen=True, slots=True)
class Watched:
    """One half of a face; both figures are shares of the last minute, or of as much of it as there has been."""

    share: float
    not_watched: Mapping[str, float]
    """Gate -> share."""


class WatchedMinute:
    """Remembers a minute of frames of one face."""

    def __init__(self) -> None:
        self._past: deque[tuple[int, int, Mapping[Half, Gate | None]]] = deque()
        self._newest_ns: int | None = None
        self._length_ns = 0
        self._shut_ns: dict[Half, Counter[str]] = {half: Counter() for half in HALVES}

    def see(self, t_ns: int, gates: Mapping[Half, Gate | None]) -> None:
        """Take the next frame. gates: what keeps each half from being watched in it, or None."""
        if self._newest_ns is not None and t_ns > self._newest_ns:
            gap_ns = t_ns - self._newest_ns
            self._add(t_ns, gap_ns, dict.fromkeys(HALVES, _PAUSE) if gap_ns > _PAUSE_NS else gates)
        self._newest_ns = t_ns
        while self._past and self._past[0][0] <= t_ns - _MINUTE_NS:
            _, gap_ns, old = self._past.popleft()
            self._count(-gap_ns, old)

    def halves(self) -> dict[Half, Watched]:
        """Both halves; none before there have been two frames."""
        if self._length_ns <= 0:
            return {}
        return {half: self._watched(half) for half in HALVES}

    def _watched(self, half: Half) -> Watched:
        shares = {gate: ns / self._length_ns for gate, ns in self._shut_ns[half].most_common() if ns > 0}
        return Watched(max(0.0, 1.0 - sum(shares.values())), shares)

    def _add(self, t_ns: int, gap_ns: int, gates: Mapping[Half, Gate | None]) -> None:
        self._past.append((t_ns, gap_ns, gates))
        self._count(gap_ns, gates)

    def _count(self, gap_ns: int, gates: Mapping[Half, Gate | None]) -> None:
        self._length_ns += gap_ns
        for half, gate in gates.items():
            if gate is not None:
                self._shut_ns[half][gate] += gap_ns
