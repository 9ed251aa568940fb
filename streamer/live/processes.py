"""Child processes: how they report, are watched, started again and ended.

Children do not hear the signals that ask for the end (`ahmsa/work/spawn.py`): the parent decides. They are ended in steps:
request, join, kill. A child whose parent has vanished ends by itself, and removes what the parent could not.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from time import monotonic
from typing import Any

from ahmsa.errors import AhmsaError
from ahmsa.work.spawn import follow_parent, spawned, wake_helper

Stopped = Callable[[], bool]
Target = Callable[[Any, Stopped], None]
"""What a child runs: a function of its task, and of the question whether it should stop."""

_JOIN_S, _KILL_S = 0.8, 0.5
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.25, 8.0
_TRIES = 5
_CRASH = 3
"""Exit code of a child that met an error which is not one of ours."""
_STEADY_S = 30.0
"""A child that ran for so long has its earlier deaths forgotten."""


@dataclass(frozen=True)
class Death:
    """How a child ended that nobody had asked to."""

    name: str
    how: str
    """Its own words, `killed by SIGKILL`, or `exit code 1`."""
    exit_code: int
    """What the program should exit with because of it."""
    explained: bool
    """It ended by an error of ours: what is wrong will still be wrong at the next try."""
    killed: bool
    """By a signal, from outside."""


class Child:
    """One child process. Watch it with `death`, which is None as long as all is well.

    leftovers: a folder of the parent's, which the child removes where the parent was killed.
    """

    def __init__(self, name: str, target: Target, task: object, *, leftovers: Path | None = None, debug: bool = False) -> None:
        self.name = name
        # Pipes, not an event: what is left of a semaphore after a forced end is complained about on the terminal.
        stop, self._stop = multiprocessing.Pipe(duplex=False)
        self._report, report = multiprocessing.Pipe(duplex=False)
        self._process = spawned(_run_child, target, task, stop, report, leftovers, debug, name=f"ahmsa-{name}")
        stop.close()
        report.close()
        self.started_s = monotonic()
        self._reported: str | None = None
        self._killed_for: str | None = None

    @property
    def pid(self) -> int:
        return self._process.pid or 0

    @property
    def alive(self) -> bool:
        return self._process.is_alive()

    def death(self) -> Death | None:
        """How it died, where it did; None while it runs, and after it ended well."""
        code = self._process.exitcode
        if code is None or code == 0:
            return None
        self._reported = self._reported or self._read_report()
        if self._reported is not None:
            return Death(self.name, self._reported, exit_code=max(code, 1), explained=code != _CRASH, killed=False)
        how = f"killed by {_signal_name(-code)}" if code < 0 else f"it crashed with exit code {code}"
        return Death(self.name, self._killed_for or how, exit_code=1, explained=False, killed=code < 0)

    def ask_to_stop(self) -> None:
        with contextlib.suppress(OSError):
            self._stop.send_bytes(b"stop")

    def end(self, until_s: float) -> None:
        """The last two steps: wait until then, kill."""
        self._process.join(max(0.0, until_s - monotonic()))
        if self._process.is_alive():
            self._process.kill()
            self._process.join(_KILL_S)

    def kill(self, why: str | None = None) -> None:
        """why: what its death is reported as, where it is killed for a reason."""
        if self._process.is_alive():
            self._killed_for = self._killed_for or why
            self._process.kill()

    def _read_report(self) -> str | None:
        with contextlib.suppress(EOFError, OSError):
            if self._report.poll():
                return self._report.recv_bytes().decode()
        return None


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


class Keeper:
    """Keeps one job done: starts its child again after a death, with growing pauses, where that can help.

    make_task: number of restarts so far -> the child's task.
    """

    def __init__(
        self,
        name: str,
        target: Target,
        make_task: Callable[[int], object],
        *,
        may_restart: bool,
        leftovers: Path | None = None,
        debug: bool = False,
    ) -> None:
        self.name = name
        self.restarts = 0
        self._target, self._make_task = target, make_task
        self._may_restart, self._leftovers, self._debug = may_restart, leftovers, debug
        self._deaths = 0
        self._again_s: float | None = None
        self.child = self._start()

    def check(self) -> Death | None:
        """Start the child again where its pause is over; returns a death that has just happened.

        After it `gave_up` says whether that was the last one.
        """
        if self._again_s is not None:
            if monotonic() >= self._again_s:
                self._again_s = None
                self.restarts += 1
                self.child = self._start()
            return None
        death = self.child.death()
        if death is None or self.gave_up:
            return None
        self.child.end(monotonic())
        if monotonic() - self.child.started_s > _STEADY_S:
            self._deaths = 0
        self._deaths += 1
        # An error that it explained at its first start (no such camera, wrong checkpoint) will not go away by itself.
        if self._may_restart and self._deaths < _TRIES and not (death.explained and self.restarts == 0):
            self._again_s = monotonic() + min(_FIRST_PAUSE_S * 2 ** (self._deaths - 1), _LONGEST_PAUSE_S)
        else:
            self._deaths = _TRIES
        return death

    @property
    def waits(self) -> bool:
        """The child has died, and the pause before its next start is not over."""
        return self._again_s is not None

    @property
    def gave_up(self) -> bool:
        return self._deaths >= _TRIES

    def _start(self) -> Child:
        return Child(self.name, self._target, self._make_task(self.restarts), leftovers=self._leftovers, debug=self._debug)


def end_children(children: Iterable[Child]) -> None:
    """Ask, wait and kill for all of them together, within two seconds."""
    mine = list(children)
    for child in mine:
        child.ask_to_stop()
    until_s = monotonic() + _JOIN_S
    for child in mine:
        child.end(until_s)
    wake_helper()


def _run_child(target: Target, task: object, stop: Connection, report: Connection, leftovers: Path | None, debug: bool) -> None:
    """What runs in the new process."""
    follow_parent(leftovers)
    if not debug:
        # Libraries in C++ write to the file descriptor, past Python, and would tear the parent's screen.
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 (a device, not a path)
            os.dup2(nowhere.fileno(), 2)
    try:
        target(task, stop.poll)
        _tidy_up_after(stop, leftovers)
    except AhmsaError as error:
        _explain(report, str(error), error.exit_code)
    except Exception as error:  # noqa: BLE001 (any other error is reported to the parent, which decides)
        if debug:
            traceback.print_exc()
        _explain(report, f"{type(error).__name__}: {error} (run again with --debug for the traceback)", _CRASH)


def _tidy_up_after(stop: Connection, leftovers: Path | None) -> None:
    """Where the pipe has ended without a word the parent is gone, and the thread that watches it may not get its turn."""
    try:
        if stop.poll():
            stop.recv_bytes()
    except (EOFError, OSError):
        if leftovers is not None:
            shutil.rmtree(leftovers, ignore_errors=True)


def _explain(report: Connection, sentence: str, exit_code: int) -> None:
    with contextlib.suppress(OSError):
        report.send_bytes(sentence.encode())
    sys.exit(exit_code)
