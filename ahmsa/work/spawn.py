"""How a process is started that leaves the end to the one that started it.

A terminal, a shell or a service manager sends a signal that asks for the end to the whole group. The parent decides what comes
of it; its processes do not hear it from their first moment on, which is before a line of theirs has run.
"""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator
from multiprocessing import resource_tracker
from multiprocessing.context import SpawnProcess
from typing import Any

from ahmsa.work.signals import ENDING

_PR_SET_PDEATHSIG = 1


def spawned(target: Callable[..., None], *arguments: Any, name: str | None = None) -> SpawnProcess:
    """Start a process that runs `target`, a function of a module, and does not hear ENDING."""
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_run, args=(target, *arguments), name=name, daemon=True)
    try:
        with _held_back():
            process.start()
    except BaseException:  # a signal that came meanwhile
        if process.pid is not None:
            process.kill()
        raise
    return process


def wake_helper() -> None:
    """Let the helper of `multiprocessing` go on where somebody has stopped it: it is a process too, and ends with this one."""
    pid = getattr(resource_tracker._resource_tracker, "_pid", None)
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


def _run(target: Callable[..., None], *arguments: Any) -> None:
    """What runs in the new process."""
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
