"""How far a long job is: a bar on a terminal, lines in a log file."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TextIO

_EVERY_S = 30.0
_STEPS = 20
"""A line after every twentieth of the job at the latest, where that takes longer than a line should be apart."""

Announce = Callable[[int], None]
Advance = Callable[[int], None]


@contextmanager
def progress(title: str, unit: str) -> Iterator[tuple[Announce, Advance]]:
    """(announce(total), advance(count)), shown on standard error so that tables can be piped."""
    if sys.stderr.isatty():
        with _bar(title, unit) as both:
            yield both
    else:
        lines = ProgressLines(title, unit, sys.stderr)
        yield lines.announce, lines.advance
        lines.end()


@contextmanager
def clips_bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """Call what it gives with (clips done, clips in all)."""
    done_before = 0
    with progress(title, "clips") as (announce, advance):

        def note(done: int, total: int) -> None:
            nonlocal done_before
            announce(total)
            advance(done - done_before)
            done_before = done

        yield note


@contextmanager
def epochs_bar(title: str) -> Iterator[tuple[Announce, Advance]]:
    """Two functions: announce(epochs in all), and advance(epochs done since)."""
    with progress(title, "epochs") as both:
        yield both


class ProgressLines:
    """`small: 340 of 2000 epochs, 1.2 min, 5.9 min left`: one line at the start, then now and then, and one at the end."""

    def __init__(self, title: str, unit: str, stream: TextIO, now_s: Callable[[], float] = monotonic) -> None:
        self._title, self._unit, self._stream, self._now_s = title, unit, stream, now_s
        self._began_s = self._said_s = now_s()
        self._total = self._done = self._said = 0

    def announce(self, total: int) -> None:
        if total == self._total:
            return
        self._total = total
        self._say()

    def advance(self, count: int) -> None:
        """A line where half a minute has gone by, or a twentieth of the job and a few seconds."""
        self._done += count
        silent_s = self._now_s() - self._said_s
        if silent_s >= _EVERY_S or (silent_s >= _EVERY_S / 6 and (self._done - self._said) * _STEPS >= max(self._total, 1)):
            self._say()

    def end(self) -> None:
        if self._done != self._said:
            self._say()

    def _say(self) -> None:
        self._said_s, self._said = self._now_s(), self._done
        spent_s = self._said_s - self._began_s
        left = ""
        if 0 < self._done < self._total:
            left = f", {spent_s * (self._total - self._done) / self._done / 60:.1f} min left"
        self._stream.write(f"{self._title}: {self._done} of {self._total} {self._unit}, {spent_s / 60:.1f} min{left}\n")
        self._stream.flush()


@contextmanager
def _bar(title: str, unit: str) -> Iterator[tuple[Announce, Advance]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn(unit), TimeElapsedColumn())
    with Progress(*columns, TextColumn("left"), TimeRemainingColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=None)
        yield (lambda total: bar.update(task, total=total)), (lambda count: bar.advance(task, count))
