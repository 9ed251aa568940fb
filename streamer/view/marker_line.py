"""A marker's text, typed key by key in the last line of the screen."""

from __future__ import annotations

from streamer.stream.schema import MARKER_TEXT

_ENTER, _ESCAPE, _BACKSPACE, _CLEAR = "\r\n", "\x1b", "\x7f\b", "\x15"


class MarkerLine:
    """The marker has the time at which the line was opened, however long its text takes.

    default: its text where none is typed.
    """

    def __init__(self, t_monotonic_ns: int, default: str) -> None:
        self.t_monotonic_ns = t_monotonic_ns
        self.cancelled = self.entered = False
        self._default = default
        self._typed = ""

    @property
    def text(self) -> str:
        return self._typed.strip() or self._default

    def take(self, key: str) -> None:
        if key in _ENTER:
            self.entered = True
        elif key == _ESCAPE:
            self.cancelled = True
        elif key in _BACKSPACE:
            self._typed = self._typed[:-1]
        elif key == _CLEAR:
            self._typed = ""
        elif key.isprintable():
            self._typed = (self._typed + key)[:MARKER_TEXT]

    def shown(self, cells: int) -> str:
        """The line for a screen of so many columns: of a long text its end."""
        head, tail = "marker: ", f"█   Enter sets it ({self._default} without a text)   Esc cancels"
        room = max(8, cells - len(head) - len(tail))
        typed = self._typed if len(self._typed) <= room else f"…{self._typed[1 - room :]}"
        return f"{head}{typed}{tail}"
