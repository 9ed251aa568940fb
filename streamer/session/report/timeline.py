"""The timeline of one face as strips of a minute: both halves of the face, what moved, what was found, what was not seen."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ahmsa.palette import BLUE, GREEN, GREY, LABEL_COLOURS, ORANGE, PURPLE, SKY_BLUE, VERMILLION, YELLOW
from ahmsa.types import HALVES, Half
from streamer.session.export.tiers import claim_of
from streamer.session.report.crossings import Crossing
from streamer.session.session import Face, Session, SessionEvent
from streamer.session.signal import Signal, half_of

STRIP_S = 60.0
TITLES: Mapping[Half, str] = {"upper": "upper face: brows", "lower": "lower face: nose, cheeks, mouth"}
_GATE_COLOURS = (ORANGE, PURPLE, YELLOW, SKY_BLUE, GREY, VERMILLION)
_INCHES, _DPI = 13.0, 100


@dataclass(frozen=True)
class Strip:
    """One picture of the timeline."""

    start_s: float
    end_s: float
    png: bytes


def strips(session: Session, face: Face, crossings: Sequence[Crossing]) -> Iterator[Strip]:
    """From the face's first sample to its last; the strips of a face have one scale."""
    signal = session.signals[face]
    if not len(signal.t_ns):
        return
    seconds = np.array([session.session_s(face[0], int(t_ns)) for t_ns in signal.t_ns])
    named = dict.fromkeys(gate for half in HALVES for gate, _, _ in signal.stretches(half))
    colours = dict(zip(named, _GATE_COLOURS * 9, strict=False))
    tops = {half: _top(signal, half) for half in HALVES}
    start = float(np.floor(seconds[0]))
    while start <= seconds[-1]:
        # A short rest stays with the strip before it.
        end = float(seconds[-1]) if seconds[-1] - start < 1.25 * STRIP_S else start + STRIP_S
        yield Strip(start, end, _strip(session, face, seconds, (start, max(end, start + 1.0)), crossings, colours, tops))
        start = end if end < seconds[-1] else float("inf")


def _strip(
    session: Session,
    face: Face,
    seconds: Any,
    span: tuple[float, float],
    crossings: Sequence[Crossing],
    colours: dict[str, str],
    tops: dict[Half, float],
) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    signal = session.signals[face]
    figure = Figure(figsize=(_INCHES, 4.2), layout="constrained")
    axes = figure.subplots(len(TITLES), 1, sharex=True)
    for axis, (half, title) in zip(axes, TITLES.items(), strict=True):
        _draw_signal(axis, signal, seconds, half)
        _draw_gates(axis, signal, seconds, colours, half)
        for event in session.events:
            if (event.message.source, event.message.face_id) == face:
                _draw_event(axis, session, event, labelled=half == "upper")
        for crossing in crossings:
            if (crossing.source, crossing.face_id) == face and half_of(crossing.region) == half:
                axis.plot((crossing.start_s + crossing.end_s) / 2, 0.02, marker="^", color=VERMILLION, clip_on=False, zorder=5)
        for marker in session.markers:
            _draw_marker(axis, marker.session_s or 0.0, marker.words, labelled=half == "upper")
        axis.set(ylabel="px", ylim=(0, tops[half]), xlim=span)
        axis.set_title(title, loc="left", fontsize=9)
        axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=7, frameon=False)
    axes[-1].set_xlabel("seconds since the session's start")
    picture = io.BytesIO()
    FigureCanvasAgg(figure).print_figure(picture, dpi=_DPI, format="png")
    return picture.getvalue()


def _columns(signal: Signal, half: Half) -> list[int]:
    return [column for column, region in enumerate(signal.regions) if half_of(region) == half]


def _top(signal: Signal, half: Half) -> float:
    columns = _columns(signal, half)
    if not columns:
        return 1.0
    moved = np.nan_to_num(signal.displacement_px[:, columns])
    limit = signal.limit_px(half)
    usual = float(np.median(limit[limit > 0])) if (limit > 0).any() else 0.0
    return 1.3 * max(float(np.percentile(moved.max(axis=1), 99.9)), usual, 0.2)


def _draw_signal(axis: Any, signal: Signal, seconds: Any, half: Half) -> None:
    columns = _columns(signal, half)
    if not columns or not len(seconds):
        return
    # A pause is a hole in the line.
    breaks = np.flatnonzero(signal.follows_pause)
    at = np.insert(seconds, breaks, np.nan)
    moved = np.insert(np.fmax.reduce(signal.displacement_px[:, columns], axis=1), breaks, np.nan)
    limit = np.insert(signal.limit_px(half), breaks, np.nan)
    axis.plot(at, moved, color=BLUE, linewidth=0.9, label="farthest region")
    axis.plot(at, limit, color="black", linewidth=0.9, linestyle="--", label="detection limit")


def _draw_gates(axis: Any, signal: Signal, seconds: Any, colours: dict[str, str], half: Half) -> None:
    spans = signal.spans_s()
    named: set[str] = set()
    low, high = axis.get_xlim()
    for gate, first, last in signal.stretches(half):
        if seconds[last] < low or seconds[first] > high:
            continue
        label = f"gate: {gate}" if gate not in named else None
        axis.axvspan(seconds[first], seconds[last] + spans[last], color=colours[gate], alpha=0.2, linewidth=0, label=label)
        named.add(gate)


def _draw_event(axis: Any, session: Session, event: SessionEvent, *, labelled: bool) -> None:
    message = event.message
    onset, apex = (session.session_s(message.source, moment.t_ns) for moment in (message.onset, message.apex))
    if event.state == "confirmed":
        last_ns = message.offset_t_ns if message.offset_t_ns is not None else message.apex.t_ns
        label = event.emotion.label if event.emotion else None
        colour = LABEL_COLOURS.get(label or "", GREEN if label else GREY)
        axis.axvspan(onset, session.session_s(message.source, last_ns), color=colour, alpha=0.35, linewidth=0)
        axis.axvline(apex, color=colour, linewidth=1.2)
        _write(axis, apex, claim_of(event), "black", labelled)
    else:
        axis.axvline(apex, color=VERMILLION, linewidth=0.9, linestyle=":")
        _write(axis, apex, event.reason or event.state, VERMILLION, labelled)


def _draw_marker(axis: Any, seconds: float, text: str, *, labelled: bool) -> None:
    axis.axvline(seconds, color="black", linewidth=1.0, linestyle="-.")
    if labelled:
        axis.annotate(
            text if len(text) <= 24 else f"{text[:23]}…",
            (seconds, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(2, 2),
            textcoords="offset points",
            fontsize=7,
            clip_on=False,
            annotation_clip=True,
        )


def _write(axis: Any, seconds: float, text: str, colour: str, labelled: bool) -> None:
    if labelled:
        axis.annotate(
            text,
            (seconds, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(2, -3),
            textcoords="offset points",
            rotation=90,
            va="top",
            fontsize=7,
            color=colour,
            annotation_clip=True,
        )
