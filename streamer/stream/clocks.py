"""Three times of one event: the source's own (capture time), the wall's (UTC), and seconds since the session's start.

A camera's frames are stamped on the monotonic clock, which no clock correction moves. A file's frames carry the file's own
times: played at its own speed they have a place on the wall clock, played as fast as possible they have none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from time import monotonic_ns, time_ns
from typing import Protocol

from streamer.stream.schema import CaptureClock

_READINGS = 5
_FILE_START_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class ClockPair:
    """One moment on the monotonic clock and on the wall clock (UTC, Unix time)."""

    monotonic_ns: int
    utc_ns: int


def clock_pair() -> ClockPair:
    """Both clocks now: of a few readings the one that took the shortest, so that a pause in between does not matter."""
    best: tuple[int, ClockPair] | None = None
    for _ in range(_READINGS):
        before_ns = monotonic_ns()
        utc_ns = time_ns()
        after_ns = monotonic_ns()
        if best is None or after_ns - before_ns < best[0]:
            best = (after_ns - before_ns, ClockPair((before_ns + after_ns) // 2, utc_ns))
    assert best is not None
    return best[1]


def utc_text(utc_ns: int) -> str:
    """ISO 8601 with microseconds, as in `2026-11-23T10:15:05.412345Z`."""
    # Whole numbers throughout: a float holds Unix time in ns to a quarter of a microsecond only.
    seconds, rest_ns = divmod(utc_ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, tz=timezone.utc):%Y-%m-%dT%H:%M:%S}.{rest_ns // 1000:06d}Z"


def utc_ns_of(text: str) -> int:
    """The inverse of `utc_text`. Raises ValueError."""
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return int(moment.replace(microsecond=0).timestamp()) * 1_000_000_000 + moment.microsecond * 1000


class _Timed(Protocol):
    live: bool
    behind_ns: int | None


def capture_clock(source: _Timed, first_ns: int) -> CaptureClock:
    """The clock of a source whose first frame is of `first_ns`."""
    if source.live:
        return CaptureClock("monotonic", first_ns, source.behind_ns)
    # A file's times count from its start, even where its first frame comes a little later; a recorded video has kept those
    # of the monotonic clock, which count from whenever the machine was started.
    return CaptureClock("file", first_ns if first_ns > _FILE_START_NS else 0, source.behind_ns)


@dataclass
class SessionClock:
    """Turns capture times of the session's sources into UTC and seconds since its start."""

    start: ClockPair = field(default_factory=clock_pair)
    _sources: dict[str, CaptureClock] = field(default_factory=dict)

    def learn(self, source: str, clock: CaptureClock | None) -> None:
        """Note how a source's capture times lie on the monotonic clock; None is not known yet."""
        if clock is not None:
            self._sources[source] = clock

    def utc(self, source: str, t_capture_ns: int) -> str | None:
        """UTC of a capture time by the wall clock as it runs now; None where it has none."""
        behind_ns = self._clock(source).behind_ns
        return None if behind_ns is None else self.utc_of_monotonic(t_capture_ns + behind_ns)

    def utc_of_monotonic(self, t_monotonic_ns: int) -> str:
        """UTC of a moment of the monotonic clock."""
        now = clock_pair()
        return utc_text(now.utc_ns + t_monotonic_ns - now.monotonic_ns)

    def session_s(self, source: str, t_capture_ns: int) -> float:
        """Seconds since the session's start; since the first frame where the source is a file that was not played at its own
        speed."""
        clock = self._clock(source)
        since_ns = clock.first_ns if clock.behind_ns is None else self.start.monotonic_ns - clock.behind_ns
        return round((t_capture_ns - since_ns) / 1e9, 6)

    def capture_ns(self, source: str, t_monotonic_ns: int, newest_ns: int) -> int:
        """A moment of the monotonic clock as capture time; `newest_ns` where a file's times have no place on that clock."""
        clock = self._clock(source)
        return newest_ns if clock.behind_ns is None else t_monotonic_ns - clock.behind_ns

    def _clock(self, source: str) -> CaptureClock:
        return self._sources.get(source, CaptureClock(kind="monotonic", first_ns=0, behind_ns=0))
