"""The live terminal: an ordinary subscriber of the stream, drawn with rich a few times a second on the alternate screen."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import signal
from pathlib import Path
from time import monotonic
from types import FrameType

from rich.console import Console, RenderableType
from rich.live import Live

from ahmsa.files import write_whole
from streamer.stream.disclaimer import DISCLAIMER
from streamer.stream.mark import Mark
from streamer.stream.schema import AnyMessage
from streamer.view.board import Board
from streamer.view.help_screen import help_screen
from streamer.view.keys import KeyPress, Keys
from streamer.view.marker_line import MarkerLine
from streamer.view.screen import screen

_REFRESH_S, _SLOWEST_S = 0.12, 0.5
_DRAWING_PART = 0.1
"""Of the time, at most, goes into drawing: a large screen is drawn less often."""
_SCREENSHOT_WIDTH, _SCREENSHOT_HEIGHT = 110, 34
_LAST_PICTURE_LINES = 34
_RESTORE = b"\x1b[?1049l\x1b[?25h"
"""Back from the alternate screen, and the cursor."""
_SUSPEND = getattr(signal, "SIGTSTP", None)  # Windows has none


class TerminalView:
    """Draws a board on a console until it is closed, and listens to keys; the last picture stays on the screen."""

    def __init__(self, board: Board, console: Console | None = None) -> None:
        self.end_wanted = False
        self._board = board
        self._console = console or Console()
        self._mark: Mark | None = None
        self._marks = 0
        self._marker: MarkerLine | None = None
        """The marker whose text is being typed."""
        self._keys = Keys()
        self._live: Live | None = None
        self._drawn_s, self._pause_s = 0.0, _REFRESH_S
        self._frozen = self._helping = self._is_gone = self._suspend_asked = self._on_terminal = False

    def opened(self, endpoint: str, mark: Mark | None = None, page: str | None = None) -> None:
        self._board.endpoint, self._board.page, self._mark = endpoint, page, mark
        self._console.print(DISCLAIMER, style="dim")
        if page is not None:
            self._console.print(f"page: {page}", soft_wrap=True)
        if _SUSPEND is not None:
            signal.signal(_SUSPEND, self._ask_suspend)
        self._on_terminal = self._console.is_terminal
        self._show()
        self._draw()

    def take(self, message: AnyMessage) -> None:
        self._board.take(message)

    def notice(self, text: str) -> None:
        self._board.notices.append(text)

    def tick(self) -> None:
        """Act on the keys, and redraw where it is time."""
        if self._suspend_asked:
            self._suspend()
        pressed = self._keys.pressed()
        for press in pressed:
            self._handle(press)
        if pressed or (not self._frozen and monotonic() - self._drawn_s >= self._pause_s):
            self._draw()

    def closed(self) -> None:
        if self._live is None:
            return
        self._hide()
        if _SUSPEND is not None:
            signal.signal(_SUSPEND, signal.SIG_DFL)
        width, height = self._console.size
        self._print(screen(self._board, width, min(height, _LAST_PICTURE_LINES)))

    def forced(self) -> None:
        if self._live is not None:
            self._keys.give_back()
            with contextlib.suppress(OSError, ValueError):  # past all buffers: one may be half written at this moment
                os.write(self._console.file.fileno(), _RESTORE)

    def _handle(self, press: KeyPress) -> None:
        key = press.key
        if self._marker is not None:
            self._type(self._marker, key)
        elif key in "qQ":
            self.end_wanted = True
        elif key in "mM" and self._mark is not None:
            self._marker = MarkerLine(press.t_monotonic_ns, f"key {self._marks + 1}")
        elif key == " ":
            self._frozen, self._helping = not self._frozen, False
        elif key in "nN":
            self._board.show_next()
        elif key in "?hH":
            self._helping = not self._helping

    def _type(self, marker: MarkerLine, key: str) -> None:
        marker.take(key)
        if marker.entered and self._mark is not None:
            self._marks += 1
            self._mark(marker.text, t_monotonic_ns=marker.t_monotonic_ns)
        if marker.entered or marker.cancelled:
            self._marker = None

    def _draw(self) -> None:
        self._drawn_s = monotonic()
        if self._live is None or self._is_gone:
            return
        if self._on_terminal and not self._console.is_terminal:
            # A terminal that was closed is none any more, and rich draws nothing, without a word.
            self._is_gone = True
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        width, height = self._console.size
        foot = self._key_line() if self._marker is None else self._marker.shown(width)
        is_helping = self._helping and self._marker is None
        picture = help_screen(self._board) if is_helping else screen(self._board, width, height, foot)
        try:
            self._live.update(picture, refresh=True)
        except OSError:  # the terminal was closed: nothing is tidied up on it, and the run ends (with or without a SIGHUP)
            self._is_gone = True
            raise
        self._pause_s = min(_SLOWEST_S, max(_REFRESH_S, (monotonic() - self._drawn_s) / _DRAWING_PART))

    def _key_line(self) -> str:
        if not self._keys.available:
            return "Ctrl-C end"
        mark = "m mark   " if self._mark is not None else ""
        return f"q end   {mark}space {'GO ON (the picture is frozen)' if self._frozen else 'freeze'}   ? help"

    def _show(self) -> None:
        self._keys.__enter__()
        self._live = Live(console=self._console, auto_refresh=False, screen=True)
        self._live.start()

    def _hide(self) -> None:
        self._keys.__exit__()
        if self._live is not None:
            try:
                self._live.stop()
            except OSError:
                self._is_gone = True

    def _print(self, picture: RenderableType) -> None:
        try:
            if not self._is_gone:
                self._console.print(picture)
        except OSError:
            self._is_gone = True

    def _ask_suspend(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 (as Python calls a handler)
        self._suspend_asked = True

    def _suspend(self) -> None:
        """Ctrl-Z: give the terminal back, sleep, and take it again."""
        self._suspend_asked = False
        if _SUSPEND is None:
            return
        self._hide()
        signal.signal(_SUSPEND, signal.SIG_DFL)
        os.kill(os.getpid(), _SUSPEND)
        signal.signal(_SUSPEND, self._ask_suspend)
        self._show()


def save_svg(board: Board, file: Path) -> None:
    """The picture as SVG, without the secret address of a page. Raises RunError where it cannot be written."""
    board.page = None
    console = Console(record=True, width=_SCREENSHOT_WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(screen(board, _SCREENSHOT_WIDTH, _SCREENSHOT_HEIGHT))
    write_whole(file, console.export_svg(title="ahmsa-live"))
