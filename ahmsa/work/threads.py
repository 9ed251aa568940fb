"""Threads whose death and whose silence are noticed: the one way to start them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic

from ahmsa.errors import AhmsaError, RunError

_LONGEST_GAP_S = 1.0


class Silence:
    """How long something has not changed, for a caller that looks again and again.

    Time in which the caller did not run itself (a stopped program, a sleeping laptop) does not count.
    """

    def __init__(self) -> None:
        self._last_value: object = None
        self._checked_s = monotonic()
        self._silent_s = 0.0

    def look(self, value: object) -> float:
        """Seconds since `value` was another than now."""
        now_s = monotonic()
        gap_s, self._checked_s = min(now_s - self._checked_s, _LONGEST_GAP_S), now_s
        self._silent_s = self._silent_s + gap_s if value == self._last_value else 0.0
        self._last_value = value
        return self._silent_s


class Supervised:
    """A daemon thread that runs `work` once.

    Whatever ends it is kept in `failure`. A loop in it calls `beat` at every turn, and `check` raises where it has died or has
    fallen silent.
    """

    def __init__(self, name: str, work: Callable[[], None]) -> None:
        self.name = name
        self.failure: BaseException | None = None
        self._work = work
        self._beats = 0
        self._silence = Silence()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def started(self) -> bool:
        return self._thread.ident is not None

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> None:
        self._thread.start()

    def join(self, timeout_s: float) -> None:
        if self.started:
            self._thread.join(timeout_s)

    def beat(self) -> None:
        """Called by the thread itself: it is still there."""
        self._beats += 1

    def check(self, longest_silence_s: float) -> None:
        """Raise what ended the thread (RunError where that is no error of ours), or RunError where it has been silent for too
        long. To be called again and again by one other thread."""
        if isinstance(self.failure, AhmsaError):
            raise self.failure
        if self.failure is not None:
            raise RunError(f"the {self.name} thread died: {type(self.failure).__name__}: {self.failure}") from self.failure
        if self.alive and self._silence.look(self._beats) > longest_silence_s:
            raise RunError(f"the {self.name} thread has been silent for {longest_silence_s:g} s")

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001 (kept for the one who looks after it)
            self.failure = error
