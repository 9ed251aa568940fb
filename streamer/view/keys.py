"""Single keys from a terminal, each with the moment at which it came, and without an echo. Ctrl-C and its relatives stay
signals."""

from __future__ import annotations

import os
import re
import sys
import threading
from collections import deque
from time import monotonic_ns
from typing import Any, NamedTuple

from ahmsa.work.threads import Supervised

_SEQUENCE = re.compile(r"\x1b(\[[0-9;?]*[ -/]*[@-~]|O.|.)")
"""What arrow and function keys send: no key of ours. Escape alone is one."""
_READ_BYTES = 256
_WAIT_S = 0.1


class KeyPress(NamedTuple):
    key: str
    t_monotonic_ns: int


class Keys:
    """A context: while it is open, `pressed` gives the keys that were pressed since the last call. A thread waits for them, so
    that drawing does not make their times late.

    Where the standard input is no terminal, or belongs to another program at this moment, there are no keys.
    """

    def __init__(self) -> None:
        self._before: list[Any] | None = None
        self._presses: deque[KeyPress] = deque()
        self._closing = threading.Event()
        self._thread: Supervised | None = None
        self.available = False

    def pressed(self) -> list[KeyPress]:
        return [self._presses.popleft() for _ in range(len(self._presses))]

    def _listen(self) -> None:
        while not self._closing.is_set():
            text = _read(_WAIT_S)
            if text is None:
                return
            now_ns = monotonic_ns()
            self._presses.extend(KeyPress(key, now_ns) for key in _SEQUENCE.sub("", text))

    def __enter__(self) -> Keys:
        if _is_ours():
            self._before = _unbuffered()
            self._closing.clear()
            self._thread = Supervised("keys", self._listen)
            self._thread.start()
            self.available = True
        return self

    def __exit__(self, *_: object) -> None:
        self.available = False
        self._closing.set()
        if self._thread is not None:
            self._thread.join(10 * _WAIT_S)
            self._thread = None
        self.give_back()

    def give_back(self) -> None:
        """The terminal as it was before."""
        if self._before is not None:
            _restore(self._before)
            self._before = None


if sys.platform == "win32":
    import msvcrt
    from time import sleep

    def _is_ours() -> bool:
        return sys.stdin.isatty()

    def _unbuffered() -> list[Any] | None:
        return None

    def _restore(before: list[Any]) -> None:
        """Nothing was changed."""

    def _read(wait_s: float) -> str | None:
        """What was typed, after a look; None once there is no terminal any more."""
        sleep(wait_s / 20)
        keys = ""
        while msvcrt.kbhit():
            keys += msvcrt.getwch()
        return keys

else:
    import contextlib
    import select
    import termios

    def _is_ours() -> bool:
        """A terminal whose foreground is this program: one in the background would be stopped when it touches it."""
        try:
            return sys.stdin.isatty() and os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
        except (OSError, ValueError, AttributeError):
            return False

    def _unbuffered() -> list[Any] | None:
        descriptor = sys.stdin.fileno()
        before = termios.tcgetattr(descriptor)
        ours = [*before[:3], before[3] & ~(termios.ICANON | termios.ECHO), *before[4:]]
        termios.tcsetattr(descriptor, termios.TCSADRAIN, ours)
        return before

    def _restore(before: list[Any]) -> None:
        # What was typed meanwhile belongs to us, and not to the shell. A terminal that was closed needs nothing any more.
        with contextlib.suppress(OSError, termios.error):
            termios.tcsetattr(sys.stdin.fileno(), termios.TCSAFLUSH, before)

    def _read(wait_s: float) -> str | None:
        """What was typed, as soon as there is something; None once there is no terminal any more."""
        try:
            if not select.select([sys.stdin.fileno()], [], [], wait_s)[0]:
                return ""
            return os.read(sys.stdin.fileno(), _READ_BYTES).decode(errors="replace") or None
        except OSError:
            return None
