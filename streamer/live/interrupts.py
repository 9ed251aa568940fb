"""Ctrl-C and its relatives: the first one is a wish, the second one an order."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
from collections.abc import Callable, Iterator

from ahmsa.errors import RunError
from ahmsa.work.signals import answered


class InterruptError(RunError):
    """A signal ended the run; by custom the exit code is 128 + its number."""

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.exit_code = 128 + number


def output_gone(error: OSError) -> InterruptError | OSError:
    """What to raise where nobody can be shown anything any more: the terminal was closed, or the reader of a pipe has gone.
    Any other error stays as it is."""
    if error.errno == errno.EIO and hasattr(signal, "SIGHUP"):
        return InterruptError(signal.SIGHUP)
    if error.errno == errno.EPIPE and hasattr(signal, "SIGPIPE"):
        return InterruptError(signal.SIGPIPE)
    return error


@contextlib.contextmanager
def signals(force: Callable[[], None]) -> Iterator[list[int]]:
    """SIGINT, SIGTERM, SIGHUP (the terminal was closed) and SIGQUIT are collected; a second one forces the end.

    A SIGHUP that the program was told to ignore (`nohup`) stays ignored.
    """

    def handle(caught: list[int]) -> None:
        if len(caught) > 1:
            force()
            os._exit(128 + caught[-1])

    hang_up = [signal.SIGHUP] if hasattr(signal, "SIGHUP") else []
    with answered(handle, left_ignored=hang_up) as caught:
        yield caught
