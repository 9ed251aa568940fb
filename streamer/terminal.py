"""The live screen. An ordinary subscriber of the stream, drawn with rich a few times a second."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from time import monotonic

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ahmsa.files import write_whole
from streamer.board import CLAIM, Board, Event
from streamer.wire import AnyMessage, EmotionMessage, RegionMotion

_REFRESH_S = 0.12
_BLOCKS = " ▁▂▃▄▅▆▇█"
_BAR_CELLS = 8
_NARROW_BAR_CELLS = 3
_WIDE, _NARROW = 96, 76
"""Columns from which on bars have their full length, and below which there is a figure only."""
_SIGNAL_MARGIN = 36
"""Columns beside a sparkline: borders, the region's name, the figures."""
_LEAST_CELLS = 16
_EVENT_ROWS = 8
_HIGH = 34
"""Lines from which on every region has a line of its own; below, the liveliest few."""
_FEW_REGIONS = 3
_OTHER_LINES = 18
"""Lines beside signals and events."""
_SCREENSHOT_WIDTH, _SCREENSHOT_HEIGHT = 110, 40
_THRESHOLD_LEVEL = 5
"""Height, of eight, at which a sparkline reaches its threshold."""

_COLOURS = {"negative": "red", "positive": "green", "surprise": "yellow"}
_STATES = {"online": "bold green", "offline": "bold red", "starting": "yellow", "ended": "bold"}


class TerminalView:
    """Draws a board on a console until it is closed; the last picture stays on the screen."""

    def __init__(self, board: Board, console: Console | None = None) -> None:
        self._board = board
        self._console = console or Console()
        self._live = Live(console=self._console, auto_refresh=False, vertical_overflow="crop")
        self._drawn_s = 0.0

    def opened(self, endpoint: str) -> None:
        self._board.endpoint = endpoint
        self._live.start()
        self._draw()

    def take(self, message: AnyMessage) -> None:
        self._board.take(message)

    def notice(self, text: str) -> None:
        self._board.notices.append(text)

    def tick(self) -> None:
        """Redraw, where it is time."""
        if monotonic() - self._drawn_s >= _REFRESH_S:
            self._draw()

    def closed(self) -> None:
        if self._live.is_started:
            self._draw()
            self._live.stop()

    def _draw(self) -> None:
        self._drawn_s = monotonic()
        self._live.update(screen(self._board, *self._console.size), refresh=True)


def screen(board: Board, width: int, height: int) -> RenderableType:
    """The whole picture, for a console of so many columns and lines."""
    is_low = height < _HIGH
    shown = sum(min(len(regions), _FEW_REGIONS) if is_low else len(regions) for regions in board.signals.values())
    rows = max(2, min(_EVENT_ROWS, height - _OTHER_LINES - shown))
    return Group(
        Panel(
            Group(_head(board), _signals(board, max(_LEAST_CELLS, width - _SIGNAL_MARGIN), is_low)),
            title="[bold]ahmsa[/bold] live",
            title_align="left",
            border_style="cyan",
        ),
        Panel(
            _events(board, _bar_cells(width), rows),
            title="movements",
            title_align="left",
            border_style="cyan",
        ),
        _foot(board),
    )


def save_svg(board: Board, file: Path) -> None:
    """The picture as SVG. Raises RunError where it cannot be written."""
    console = Console(record=True, width=_SCREENSHOT_WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(screen(board, _SCREENSHOT_WIDTH, _SCREENSHOT_HEIGHT))
    write_whole(file, console.export_svg(title="ahmsa-live"))


def sparkline(samples: Sequence[RegionMotion], cells: int) -> Text:
    """The newest samples as blocks, scaled by their threshold; red above it. Each cell is the largest of two samples."""
    line = Text()
    recent = list(samples)[-2 * cells :]
    for pair in (recent[i : i + 2] for i in range(len(recent) % 2, len(recent), 2)):
        ratio = max(sample.displacement_px / max(sample.threshold_px, 1e-6) for sample in pair)
        level = min(len(_BLOCKS) - 1, max(1, round(ratio * _THRESHOLD_LEVEL)))
        line.append(_BLOCKS[level], style="bold red" if ratio >= 1 else "cyan")
    return line


def bar(value: float, style: str, cells: int) -> Text:
    """A probability as a bar and two digits."""
    eighths = round(value * cells * 8)
    full, rest = divmod(eighths, 8)
    blocks = "█" * full + (" ▏▎▍▌▋▊▉"[rest] if rest else "")
    return Text.assemble((blocks.ljust(cells), style), f" {value:.2f}")


def _head(board: Board) -> RenderableType:
    status = board.status
    if status is None:
        return Text("starting …", style="yellow")
    line = Text.assemble(
        (status.source, "bold"),
        "  ",
        (f"● {status.state}", _STATES[status.state]),
        f"  {status.fps:.1f} fps  ",
    )
    if status.recording != "off":
        line.append(f" REC {status.recording} ", style="bold white on red")
        line.append("  ")
    worker = status.worker
    line.append(f"recogniser {worker.state}", style="green" if worker.state == "ready" else "yellow")
    if worker.model:
        line.append(f" ({worker.device}, model {worker.model[:12]})")
    faces = [f"face {face.face_id} {face.problem or face.spotter}" for face in status.faces]
    second = Text(", ".join(faces) or "no face", style="" if faces else "yellow")
    if status.flags:
        second.append("  nothing can be spotted now: " + ", ".join(status.flags), style="bold yellow")
    if status.reason:
        second.append(f"  {status.reason}", style="yellow")
    return Group(line, second)


def _signals(board: Board, cells: int, is_low: bool) -> RenderableType:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(style="dim", no_wrap=True, min_width=11)
    grid.add_column(width=cells, no_wrap=True)
    grid.add_column(justify="right", no_wrap=True)
    for face_id, regions in board.signals.items():
        mark = f"{face_id}: " if len(board.signals) > 1 else ""
        for name, samples in _liveliest(regions) if is_low else regions.items():
            newest = samples[-1]
            figures = f"{newest.displacement_px:.2f} / {newest.threshold_px:.2f} px"
            grid.add_row(mark + name.replace("_", " "), sparkline(samples, cells), figures)
    if not board.signals:
        grid.add_row("", Text("no signal yet", style="dim"), "")
    muted = ", ".join(gate for gate in board.gates.values() if gate)
    grid.add_row("gate", Text(muted or "-", style="yellow" if muted else "dim"), "now / opens")
    return grid


def _liveliest(regions: Mapping[str, Sequence[RegionMotion]]) -> list[tuple[str, Sequence[RegionMotion]]]:
    def ratio(item: tuple[str, Sequence[RegionMotion]]) -> float:
        newest = item[1][-1]
        return newest.displacement_px / max(newest.threshold_px, 1e-6)

    few = {name for name, _ in sorted(regions.items(), key=ratio, reverse=True)[:_FEW_REGIONS]}
    return [item for item in regions.items() if item[0] in few]


def _bar_cells(width: int) -> int:
    if width < _NARROW:
        return 0
    return _BAR_CELLS if width >= _WIDE else _NARROW_BAR_CELLS


def _events(board: Board, cells: int, rows: int) -> RenderableType:
    """What is open or was recognised, newest first; what was taken back only as a count, for a talker makes many of those."""
    told = [event for event in board.events.values() if not event.taken_back][-rows:]
    labels = next((list(event.emotion.probabilities) for event in reversed(told) if event.emotion), list(_COLOURS))
    labels = labels if cells else []
    table = Table(box=None, padding=(0, 1), expand=False)
    for heading in ("time", "movement", *labels, "", "px", "ms"):
        # What happened may be cut short; figures may not.
        table.add_column(heading, no_wrap=heading != "movement", justify="right" if heading in ("time", "px", "ms") else "left")
    for event in reversed(told):
        table.add_row(*_event_row(board, event, labels, cells))
    for _ in range(rows - len(told)):
        table.add_row("")
    return Group(table, Text(f" taken back: {_counts(board.retractions)}", style="dim"))


def _event_row(board: Board, event: Event, labels: Iterable[str], cells: int) -> list[RenderableType]:
    when = f"{board.elapsed_s(event.t_capture_ns):.2f} s"
    emotion = event.emotion
    if emotion is not None:
        bars = [bar(emotion.probabilities.get(label, 0.0), _COLOURS.get(label, "cyan"), cells) for label in labels]
        figure = "" if cells else f"{emotion.confidence:.2f} "
        kind = "cal." if emotion.calibrated else "raw"
        return [
            when,
            _claim(emotion),
            *bars,
            Text(figure + kind, style="dim"),
            f"{emotion.amplitude_px:.2f}",
            _latency(emotion),
        ]
    return [when, _one_line("" if event.spot is None else f"{event.spot.phase} …", "dim")]


def _claim(emotion: EmotionMessage) -> Text:
    if emotion.label is None:
        return _one_line(f"abstained: {emotion.abstained}", "dim")
    return _one_line(emotion.label, f"bold {_COLOURS.get(emotion.label, 'cyan')}")


def _one_line(words: str, style: str) -> Text:
    return Text(words, style=style, no_wrap=True, overflow="ellipsis")


def _latency(emotion: EmotionMessage) -> str:
    total = emotion.latency_ms.get("total")
    return "" if total is None else f"{total:.0f}"


def _foot(board: Board) -> RenderableType:
    foot = Table.grid(padding=(0, 1))
    foot.add_column(style="dim", no_wrap=True)
    foot.add_column()
    status = board.status
    if status is not None:
        dropped = _counts(status.dropped)
        foot.add_row(
            "frames",
            f"{status.captured} captured = {status.processed} processed + {status.waiting} waiting + dropped {dropped}",
        )
        stages = ", ".join(f"{name} {times.p50_ms:.1f}/{times.p95_ms:.1f}" for name, times in status.stages.items())
        foot.add_row("ms p50/p95", stages or "-")
        foot.add_row(
            "gates", _counts(status.gated) + (f"; lost between processes: {_counts(status.edges)}" if status.edges else "")
        )
    foot.add_row("subscribe", Text(f"ahmsa-watch {board.endpoint}", style="bold"))
    for notice in board.notices:
        foot.add_row("note", Text(notice, style="yellow"))
    foot.add_row("", Text(CLAIM, style="dim"))
    return foot


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "0"
