"""The table of movements on the live screen: what is open or was recognised, newest first."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from ahmsa.palette import LABEL_COLOURS, LABEL_SIGNS, NO_LABEL_SIGN, SKY_BLUE
from streamer.stream.schema import EmotionMessage
from streamer.view.board import Board, Event
from streamer.view.curves import bar

_BARS = ((130, 16), (96, 8), (76, 3))
"""Columns of the console -> cells of a bar; below the last there is a figure only."""
_RETRACTED_SIGN, _OPEN_SIGN = "×", "·"


def movements(board: Board, width: int, rows: int) -> RenderableType:
    """A table of `rows` lines below its heading. What was retracted is counted elsewhere: a talker makes many."""
    listed = [event for event in board.events.values() if not event.is_retracted][-rows:]
    labels = next((list(event.emotion.probabilities) for event in reversed(listed) if event.emotion), list(LABEL_COLOURS))
    cells = _bar_cells(width)
    shown = labels if cells else ["probability"]
    table = Table(box=None, padding=(0, 1), expand=False, header_style="dim")
    table.add_column("time", justify="right", no_wrap=True)
    table.add_column("label")
    for heading in shown:
        table.add_column(heading, no_wrap=True)
    table.add_column("amplitude px" if cells else "px", justify="right", no_wrap=True)
    table.add_column("late ms" if cells else "ms", justify="right", no_wrap=True)
    for event in reversed(listed):
        table.add_row(*_row(board, event, labels, cells))
    for _ in range(rows - len(listed)):
        table.add_row("")
    return table


def event_sign(event: Event) -> tuple[str, str]:
    """The sign of a movement under the curves, and its style."""
    if event.is_retracted:
        return _RETRACTED_SIGN, "dim"
    if event.emotion is None:
        return _OPEN_SIGN, "bold"
    label = event.emotion.label or ""
    return LABEL_SIGNS.get(label, NO_LABEL_SIGN), f"bold {LABEL_COLOURS.get(label, '')}".strip()


def _row(board: Board, event: Event, labels: Sequence[str], cells: int) -> list[RenderableType]:
    who = f"{event.source} " if len(board.sources) > 1 else ""
    when = f"{who}{board.elapsed_s(event.source, event.t_capture_ns):.2f} s"
    emotion = event.emotion
    if emotion is None:
        return [when, _one_line("" if event.spot is None else f"{_OPEN_SIGN} {event.spot.phase} …", "dim")]
    bars: list[RenderableType] = [
        bar(emotion.probabilities.get(label, 0.0), LABEL_COLOURS.get(label, SKY_BLUE), cells) for label in labels
    ]
    total = emotion.latency_ms.get("total")
    return [
        when,
        _claim(emotion),
        *(bars if cells else [f"{emotion.confidence:.2f}"]),
        f"{emotion.amplitude_px:.2f}",
        "" if total is None else f"{total:.0f}",
    ]


def _claim(emotion: EmotionMessage) -> Text:
    if emotion.label is None:
        return _one_line(f"{NO_LABEL_SIGN} abstained: {emotion.abstained}", "dim")
    sign = LABEL_SIGNS.get(emotion.label, NO_LABEL_SIGN)
    return _one_line(f"{sign} {emotion.label}", f"bold {LABEL_COLOURS.get(emotion.label, SKY_BLUE)}")


def _one_line(words: str, style: str) -> Text:
    return Text(words, style=style, no_wrap=True, overflow="ellipsis")


def _bar_cells(width: int) -> int:
    return next((cells for least, cells in _BARS if width >= least), 0)
