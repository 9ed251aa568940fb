"""Single keys from a terminal, read without waiting and without an echo. Ctrl-C and its relatives stay signals."""

from __future__ import annotations

import os
import re
import sys
from typing import Any

_SEQUENCE = re.compile(r"\x1b(\[[0-9;?]*[ -/]*[@-~]|O.|.)?")
"""What arrow and function keys send: no key of ours."""
_READ_BYTES = 256


class Keys:
    """A context: while it is open, `pressed` gives the keys that were pressed since the last call.

    Where the standard input is no terminal, or belongs to another program at this moment, there are no keys.
    """

    def __init__(self) -> None:
        self._before: list[Any] | None = None
        self.available = False

    def pressed(self) -> str:
        if not self.available:
            return ""
        return _SEQUENCE.sub("", _read())

    def __enter__(self) -> Keys:
        if _is_ours():
            self._before = _unbuffered()
            self.available = True
        return self

    def __exit__(self, *_: object) -> None:
        self.available = False
        if self._before is not None:
            _restore(self._before)
            self._before = None


if sys.platform == "win32":
    import msvcrt

    def _is_ours() -> bool:
        return sys.stdin.isatty()

    def _unbuffered() -> list[Any] | None:
        return None

    def _restore(before: list[Any]) -> None:
        """Nothing was changed."""

    def _read() -> str:
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

    def _read() -> str:
        try:
            if not select.select([sys.stdin.fileno()], [], [], 0)[0]:
                return ""
            return os.read(sys.stdin.fileno(), _READ_BYTES).decode(errors="replace")
        except OSError:
            return ""
