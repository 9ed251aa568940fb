"""The live screen as a picture of a board: what stands in which line, for a console of any size."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from time import monotonic

from rich.console import Group, RenderableType
from rich.text import Text

from ahmsa.palette import GREEN, ORANGE, PURPLE, SKY_BLUE, VERMILLION, YELLOW
from spotting.advice import Reading, advice
from streamer.stream.disclaimer import DISCLAIMER
from streamer.stream.schema import FaceState, HalfState, MarkerMessage, StatusMessage
from streamer.view.board import BIN_NS, Bin, Board
from streamer.view.curves import curve, marks_line, time_axis
from streamer.view.movements import event_sign, movements

_ROW_NAME_CELLS, _FIGURE_CELLS = 12, 17
_LEAST_CURVE_CELLS, _MOST_CURVE_CELLS = 16, 200
_LEAST_EVENT_ROWS = 2
_FOLD_CELLS = 10
_WIDE_COLUMNS = 96
_HIGH_LINES = 34
"""From here on there is room for what few need: times per stage."""
_TALL = ((56, 5), (42, 3), (34, 2))
"""Lines of the console -> lines of a curve; one line below the last."""
_CALIBRATION_STEP_MS = 250.0
_WELL_WATCHED = 0.8
"""Share of the last minute below which a half of the face is marked."""
_STATES = {"online": f"bold {GREEN}", "offline": f"bold {VERMILLION}", "starting": ORANGE, "ended": "bold"}
_SPOTTER_WORDS = {
    "watching": ("watching", GREEN),
    "open": ("a movement is under way", f"bold {ORANGE}"),
    "refractory": ("pause after a movement", SKY_BLUE),
}


def screen(board: Board, width: int, height: int, keys: str = "") -> RenderableType:
    """The whole picture in exactly as many lines as the console has. keys: what the last line says."""
    top = [*_head(board, width), *(part for line in _states(board) for part in _folded(line, width))]
    foot = [*_foot(board, width if height >= _HIGH_LINES else None), *_notices(board), Text(keys, style="bold")]
    signals = _signals(board, width, height, spare=height - len(top) - len(foot) - _LEAST_EVENT_ROWS - 4)
    signals += _halves(board, width, is_high=height >= _HIGH_LINES)
    rows = height - len(top) - len(signals) - len(foot) - 2
    lines = [*top, *signals, _section("movements", width)]
    for line in [*lines, *foot]:
        line.no_wrap, line.overflow = True, "ellipsis"
    return Group(*lines, movements(board, width, max(1, rows)), *foot)


def elapsed(board: Board) -> str:
    """Minutes and seconds of the session."""
    minutes, seconds = divmod(int(board.source.elapsed_s(board.source.now_ns)), 60)
    return f"{minutes}:{seconds:02d}"


def times_per_stage(status: StatusMessage) -> str:
    """How long a frame takes, half of the time and 19 times of 20."""
    stages = ", ".join(f"{name} {times.p50_ms:.1f}/{times.p95_ms:.1f}" for name, times in status.stages.items())
    return f"ms per frame, p50/p95: {stages or 'none yet'}"


def counts(counted: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counted.items()) or "none"


def _head(board: Board, width: int) -> list[Text]:
    status = board.status
    if status is None:
        return [Text.assemble(("ahmsa live", "bold"), ("  starting …", ORANGE))]
    line = Text.assemble(
        ("ahmsa live", "bold"), f"  {status.source}  ", (f"● {status.state}", _STATES[status.state]), f"  {elapsed(board)}"
    )
    line.append(f"  {status.fps:.1f} frames/s" if status.fps else "")
    if len(board.sources) > 1:
        others = [
            f"{name} {other.status.state}" for name, other in board.sources.items() if name != board.shown and other.status
        ]
        line.append(f"  (n next source: {', '.join(others)})")
    if status.recording != "off":
        line.append("  ")
        line.append(f" REC {status.recording} ", style=f"bold white on {VERMILLION}")
    worker = Text("recogniser ")
    worker.append(status.worker.state, style=GREEN if status.worker.state == "ready" else ORANGE)
    if status.worker.model:
        kind = ", probabilities calibrated" if board.emotions and board.emotions[-1].calibrated else ""
        worker.append(f" ({status.worker.device}, model {status.worker.model[:12]}{kind})")
    if line.cell_len + worker.cell_len + 2 <= width:
        return [Text.assemble(line, "  ", worker)]
    return [line, worker]


def _states(board: Board) -> list[Text]:
    """A line per face and per gate of the whole picture: what can be spotted now, and what to do where it cannot."""
    status = board.status
    if status is None:
        return [Text("the first frame has not come yet", style="dim")]
    lines = [Text(status.reason, style=ORANGE)] if status.reason else []
    if status.state == "ended":
        return lines
    lines += [_shut(gate.gate, gate.advice) for gate in status.shut if gate.face_id is None]
    for face in status.faces:
        lines.append(Text.assemble((f"face {face.face_id}  ", "bold"), _face_state(board, status, face)))
    return lines or [Text("no face yet", style="dim")]


def _folded(line: Text, width: int) -> list[Text]:
    """A line that is too long for the console continues after its colon on the next."""
    colon = line.plain.rfind(": ")
    if line.cell_len <= width or colon < 0:
        return [line]
    return [line[: colon + 1], Text.assemble(" " * _FOLD_CELLS, line[colon + 2 :])]


def _face_state(board: Board, status: StatusMessage, face: FaceState) -> Text:
    shut = next((gate for gate in status.shut if gate.face_id == face.face_id), None)
    if shut is not None:
        return _shut(shut.gate, shut.advice)
    if face.calibration_left_ms is not None:
        since_ms = (monotonic() - board.source.status_s) * 1000 if status.state == "online" else 0.0
        left_ms = max(0.0, face.calibration_left_ms - since_ms)
        steps = "█" * round(left_ms / _CALIBRATION_STEP_MS)
        return Text.assemble(("calibrating", f"bold {ORANGE}"), f": sit still, {left_ms / 1000:.1f} s left ", (steps, ORANGE))
    gate = board.source.gates.get(face.face_id)
    if gate is not None and face.spotter != "open":
        return _shut(gate, advice(Reading(gate)))
    return Text(*_SPOTTER_WORDS.get(face.spotter, (face.spotter, "")))


def _shut(gate: str, sentence: str) -> Text:
    return Text.assemble(("▲ ", f"bold {ORANGE}"), (gate, f"bold {ORANGE}"), f"  {sentence}")


def _signals(board: Board, width: int, height: int, spare: int) -> list[Text]:
    """Three rows per face against their limits, as tall as the console allows, with events and seconds below."""
    cells = min(_MOST_CURVE_CELLS, max(_LEAST_CURVE_CELLS, width - _ROW_NAME_CELLS - _FIGURE_CELLS))
    all_signals, now_number = board.source.signals, board.source.now_ns // BIN_NS
    tall = next((tall for least, tall in _TALL if height >= least), 1) if len(all_signals) <= 1 else 1
    lines = [_section("signal", width, "now / limit, px")]
    if not all_signals:
        return [*lines, Text("no signal yet", style="dim")]
    shown = list(all_signals)[: max(1, (spare - len(lines) - 2) // (3 * tall))]
    for face_id in shown:
        for row, bins in all_signals[face_id].items():
            name = row if len(all_signals) == 1 else f"{face_id} {row}"
            figures = _figures(bins[-1] if bins else None)
            drawn = curve(bins, now_number, cells, tall)
            for place, line in enumerate(drawn):
                is_last = place == tall - 1
                head = name.ljust(_ROW_NAME_CELLS) if is_last else " " * _ROW_NAME_CELLS
                lines.append(Text.assemble(head, line, figures if is_last else ""))
    hidden = len(all_signals) - len(shown)
    more = f"faces not shown: {hidden} (enlarge the window)" if hidden else ""
    lines.append(Text.assemble("events".ljust(_ROW_NAME_CELLS), marks_line(_marks(board), now_number, cells)))
    axis = Text.assemble((more, ORANGE)) if more else Text.assemble(" " * _ROW_NAME_CELLS, time_axis(cells))
    lines.append(axis)
    return lines


def _figures(newest: Bin | None) -> Text:
    """Displacement and limit of a row now, or the gate that is shut for all of it."""
    if newest is not None and newest.gate is not None:
        return Text(newest.gate.rjust(_FIGURE_CELLS), style=ORANGE)
    is_measured = newest is not None and newest.threshold_px > 0
    return Text(
        (f"{newest.displacement_px:5.2f} / {newest.threshold_px:.2f}" if newest and is_measured else "-").rjust(_FIGURE_CELLS)
    )


def _halves(board: Board, width: int, *, is_high: bool) -> list[Text]:
    """A line per half of a face: the smallest movement that would be found now, and how much of the last minute was watched."""
    faces = board.status.faces if board.status is not None and board.status.state != "ended" else []
    if len(faces) > 1 and not is_high:
        return []
    unit = "‰ of the eye distance" if width >= _WIDE_COLUMNS else "‰"  # the help says of what
    return [_half(half, state, face, unit, several=len(faces) > 1) for face in faces for half, state in face.halves.items()]


def _half(half: str, state: HalfState, face: FaceState, unit: str, *, several: bool) -> Text:
    line = Text.assemble((f"{face.face_id} {half}" if several else f"{half} face").ljust(_ROW_NAME_CELLS), "limit ")
    if state.limit_px is None:
        line.append("-  nothing can be found now", style=ORANGE)
    else:
        line.append(f"{state.limit_px:.2f} px, {state.limit_eye_permille:.1f} {unit}")
    line.append(f"  watched {state.watched:.0%}", style="" if state.watched >= _WELL_WATCHED else ORANGE)
    for gate, share in state.not_watched.items():
        line.append(f", {gate} {share:.0%}", style="dim")
    return line


def _marks(board: Board) -> dict[int, tuple[str, str]]:
    shown = (event for event in board.events.values() if event.source == board.shown)
    events = {event.t_capture_ns // BIN_NS: event_sign(event) for event in shown}
    rejected = {t_ns // BIN_NS: ("x", ORANGE) for t_ns, _ in board.source.rejected}
    return rejected | events | {marker.t_capture_ns // BIN_NS: ("M", "bold") for marker in board.markers}


def _foot(board: Board, details_width: int | None) -> list[Text]:
    """The account of frames; with what few need where there is room for details of a width."""
    status = board.status
    if status is None:
        return []
    lost = f"   lost between processes: {counts(status.edges)}" if status.edges else ""
    frames = f"{status.captured} captured = {status.processed} processed + {status.waiting} waiting"
    rejected, retracted = f"rejected by gates: {counts(status.gated)}", f"retracted: {counts(board.retractions)}"
    if details_width is None:
        lines = [Text(f"{rejected}   {retracted}", style="dim")]
    else:
        lines = [Text(rejected + _last_rejection(board), style="dim"), Text(f"announced and {retracted}", style="dim")]
    lines.append(Text(f"frames: {frames} + dropped ({counts(status.dropped)}){lost}", style="dim"))
    if board.page is not None:
        lines.append(Text(f"page: {board.page}", style=SKY_BLUE))
    if details_width is not None:
        lines.append(Text(times_per_stage(status), style="dim"))
        lines.append(Text(f"subscribe: ahmsa-watch {board.endpoint}", style="dim"))
        lines += [Text(words, style="dim") for words in textwrap.wrap(DISCLAIMER, details_width)]
    return lines


def _last_rejection(board: Board) -> str:
    if not board.source.rejected:
        return ""
    t_ns, gate = board.source.rejected[-1]
    return f" (last: {gate} at {board.source.elapsed_s(t_ns):.1f} s)"


def _notices(board: Board) -> list[Text]:
    markers = [_marker(board.markers[-1])] if board.markers else []
    return markers + [
        Text(f"! {notice}", style=YELLOW if number else f"bold {PURPLE}") for number, notice in enumerate(board.notices)
    ]


def _marker(marker: MarkerMessage) -> Text:
    when = "" if marker.session_s is None else f" at {marker.session_s:.2f} s"
    return Text(f"M marker{when}: {marker.words} ({marker.source})")


def _section(title: str, width: int, right: str = "") -> Text:
    rule = "─" * max(1, width - len(title) - len(right) - 6)
    return Text.assemble(("── ", "dim"), (title, "bold"), (f" {rule} ", "dim"), (right, "dim"))
