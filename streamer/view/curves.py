"""Signals and probabilities drawn with block characters, for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from rich.text import Text

from ahmsa.palette import ORANGE, SKY_BLUE
from streamer.view.board import BIN_NS, Bin

_BLOCKS = " ▁▂▃▄▅▆▇█"
_EIGHTHS = 8
_THRESHOLD_PART = 5 / 8
"""Height of a curve at which it reaches its threshold."""
_TICK_S = 5
_BELOW, _ABOVE, _SHUT = SKY_BLUE, f"bold {ORANGE}", "bright_black"


def curve(bins: Sequence[Bin], now_number: int, cells: int, lines: int) -> list[Text]:
    """The newest `cells` bins up to `now_number` as `lines` lines of blocks, scaled by their thresholds: orange from the
    threshold on, grey while a gate was shut. A bin without a sample is blank."""
    known = {one.number: one for one in bins}
    shown = [known.get(number) for number in range(now_number - cells + 1, now_number + 1)]
    levels = [0 if one is None else _level(one.part, lines) for one in shown]
    runs = [(style, list(places)) for style, places in groupby(range(cells), lambda place: _style(shown[place]))]
    drawn = []
    for below in reversed(range(0, lines * _EIGHTHS, _EIGHTHS)):
        line = Text()
        for style, places in runs:
            line.append("".join(_BLOCKS[max(0, min(_EIGHTHS, levels[place] - below))] for place in places), style=style)
        drawn.append(line)
    return drawn


def marks_line(marks: Mapping[int, tuple[str, str]], now_number: int, cells: int) -> Text:
    """Bin number -> (sign, style), under the curves."""
    line = Text()
    for number in range(now_number - cells + 1, now_number + 1):
        sign, style = marks.get(number, (" ", ""))
        line.append(sign, style=style)
    return line


def time_axis(cells: int) -> Text:
    """Seconds before now, under the curves."""
    step = round(_TICK_S * 1e9 / BIN_NS)
    characters = [" "] * cells
    for behind in range(step, cells, step):
        label = f"-{behind * BIN_NS / 1e9:.0f} s"
        start = cells - len(label) - behind  # its last character stands below the moment
        if start >= 0:
            characters[start : start + len(label)] = label
    characters[-len("now") :] = "now"
    return Text("".join(characters), style="dim")


def bar(value: float, style: str, cells: int) -> Text:
    """A probability as a bar and two digits."""
    full, rest = divmod(round(value * cells * _EIGHTHS), _EIGHTHS)
    blocks = "█" * full + (" ▏▎▍▌▋▊▉"[rest] if rest else "")
    return Text.assemble((blocks.ljust(cells), style), f" {value:.2f}")


def _style(one: Bin | None) -> str:
    if one is None:
        return ""
    return _ABOVE if one.part >= 1 else _SHUT if one.gate else _BELOW


def _level(part: float, lines: int) -> int:
    """Height in eighths of a line; whatever is there shows as at least one, and a gap is left below the row above."""
    return min(lines * _EIGHTHS - 1, max(1, round(part * _THRESHOLD_PART * lines * _EIGHTHS)))
