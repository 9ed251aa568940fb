"""Signals that ask a program to end, and who answers them for a while."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterable, Iterator

# Windows has no SIGHUP and no SIGQUIT.
ENDING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT") if hasattr(signal, name)]


@contextlib.contextmanager
def answered(handle: Callable[[list[int]], None], left_ignored: Iterable[int] = ENDING) -> Iterator[list[int]]:
    """Until the block is over ENDING is collected; gives the numbers of those that came, and `handle` gets them at each.

    left_ignored: those that stay ignored where the program was told to ignore them, as `nohup` tells it of SIGHUP.
    """
    caught: list[int] = []

    def take(number: int, _: object) -> None:
        caught.append(number)
        handle(caught)

    stay = {number for number in left_ignored if signal.getsignal(number) is signal.SIG_IGN}
    before = {number: signal.signal(number, take) for number in ENDING if number not in stay}
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
