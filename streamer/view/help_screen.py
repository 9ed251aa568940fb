"""What the keys do and what the words on the live screen mean."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ahmsa.palette import LABEL_COLOURS, LABEL_SIGNS
from streamer.stream.disclaimer import DISCLAIMER
from streamer.view.board import Board
from streamer.view.screen import times_per_stage

_KEYS = {
    "q": "end the session in order (so does Ctrl-C)",
    "m": "set a marker now; then type its text, or press Enter",
    "space": "freeze the picture, and go on; the stream never stops",
    "n": "look at the next source",
    "?": "this page, and back",
}
_WORDS = {
    "signal": "how far brows, nose and mouth are from neutral, and the limit, px",
    "orange, grey": "above the limit; while a gate was shut",
    "events": "+ - ! recognised, ? no label, · open, × retracted, x rejected, M marker",
    "limit, ‰": "smallest movement that is found now; ‰ of the eye distance",
    "watched": "share of the last minute, and what stood in the way of the rest",
    "rejected": "kept by a gate from being announced",
    "retracted": "announced, and then found to be something else",
    "amplitude px": "largest displacement on the face, px of the 128 px crop",
    "late ms": "from the apex in front of the camera to the published answer",
}


def help_screen(board: Board) -> RenderableType:
    """One page that fits 80 x 24."""
    table = Table(box=None, padding=(0, 1), show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for words in (_KEYS, _WORDS):
        for name, meaning in words.items():
            table.add_row(name, meaning)
    signs = [(f"{LABEL_SIGNS[label]} {label}  ", colour) for label, colour in LABEL_COLOURS.items()]
    table.add_row("labels", Text.assemble(*signs))
    table.add_row("subscribe", f"ahmsa-watch {board.endpoint}")
    if board.status is not None:
        table.add_row("times", times_per_stage(board.status))
    return Group(Text("ahmsa live: help", style="bold"), table, Text(DISCLAIMER, style="dim"))
