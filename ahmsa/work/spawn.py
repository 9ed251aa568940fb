"""How a process is started that leaves the end to the one that started it.

A terminal, a shell or a service manager sends a signal that asks for the end to the whole group. The parent decides what comes
of it; its processes do not hear it from their first moment on, which is before a line of theirs has run. Only where the parent
has vanished they end by themselves, and see to what it could not.
"""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from multiprocessing import resource_tracker
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

from ahmsa.work.signals import ENDING
from ahmsa.work.threads import Supervised

_PR_SET_PDEATHSIG = 1
_helper_of_parent: int | None = None


def spawned(target: Callable[..., None], *arguments: Any, name: str | None = None) -> SpawnProcess:
    """Start a process that runs `target`, a function of a module, and does not hear ENDING."""
    process: SpawnProcess | None = None
    try:
        with _held_back():
            given = (_helper(), target, *arguments)
            process = multiprocessing.get_context("spawn").Process(target=_run, args=given, name=name, daemon=True)
            process.start()
    except BaseException:  # a signal that came meanwhile
        if process is not None and process.pid is not None:
            process.kill()
        raise
    return process


def wake_helper() -> None:
    """Let the helper of `multiprocessing` go on where somebody has stopped it: it is a process too, and ends with this one."""
    _wake(_helper())


def follow_parent(leftovers: Path | None) -> None:
    """In a process that was started here: end it when its parent has vanished.

    leftovers: a folder of the parent's, which is removed then.
    """
    Supervised("parent watch", lambda: _end_with_parent(leftovers)).start()


def parent_has_gone(within_s: float) -> bool:
    """In a process that was started here: whether its parent has vanished, or does so within this time."""
    parent = multiprocessing.parent_process()
    return parent is not None and bool(wait([parent.sentinel], within_s))


def _end_with_parent(leftovers: Path | None) -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        _wake(_helper_of_parent)
        if leftovers is not None:
            shutil.rmtree(leftovers, ignore_errors=True)
        os._exit(1)


def _helper() -> int | None:
    """Process id of the helper of `multiprocessing`; None where there is none."""
    return getattr(resource_tracker._resource_tracker, "_pid", None)


def _wake(pid: int | None) -> None:
    if pid is not None:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def _held_back() -> Iterator[None]:
    """ENDING waits until the block is over; a process that is started meanwhile begins with it held back."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        # Started by the first process otherwise, and it lets SIGINT and SIGTERM through again when it is there.
        resource_tracker.ensure_running()
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _run(helper: int | None, target: Callable[..., None], *arguments: Any) -> None:
    """What runs in the new process."""
    global _helper_of_parent
    _helper_of_parent = helper
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
    _go_on_without_parent()
    target(*arguments)


def _go_on_without_parent() -> None:
    """A process that somebody has stopped cannot see that its parent was killed: the system wakes it then (on Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGCONT), 0, 0, 0)
