"""A picture of why: the signal of each region with its threshold, the gates that were shut, and what was decided."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ahmsa.files import whole_file
from ahmsa.palette import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY_BLUE, VERMILLION, YELLOW
from spotting.evaluate.record import Record
from spotting.evaluate.scoring import Interval
from spotting.regions import REGIONS

_PANELS = {"brows": "brow", "nose wings": "nose", "mouth corners": "lip"}
_KIND_COLOURS = {"micro": GREEN, "macro": ORANGE}
_KIND_SIGNS = {"micro": "●", "macro": "■"}
_HELD_BACK, _HELD_BACK_SIGN = VERMILLION, "×"
_REGION_COLOURS = (BLUE, SKY_BLUE, PURPLE, "#555555")
_GATE_COLOURS = {"head_motion": YELLOW, "speech": PURPLE, "low_frame_rate": GREY}
_INCHES_PER_S, _LEAST_INCHES, _MOST_INCHES = 0.45, 9.0, 60.0


def plot_record(record: Record, path: Path, title: str, truth: Iterable[Interval] = ()) -> None:
    """Write a PNG. ● green: micro, ■ orange: macro, × dotted: rejected by the gate named there; grey bars on top: truth."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    seconds = np.array(record.times_ms) / 1000
    length_s = float(seconds[-1] - seconds[0]) if len(seconds) else 1.0
    width = float(np.clip(length_s * _INCHES_PER_S, _LEAST_INCHES, _MOST_INCHES))
    figure = Figure(figsize=(width, 7.5), layout="constrained")
    axes = figure.subplots(len(_PANELS), 1, sharex=True)
    for axis, (name, part) in zip(axes, _PANELS.items(), strict=True):
        _draw_signal(axis, record, seconds, [region for region in REGIONS if part in region])
        _draw_gates(axis, record, seconds)
        _draw_movements(axis, record, labelled=axis is axes[0])
        _draw_truth(axis, truth)
        axis.set_ylabel(f"{name}, px")
        axis.set_ylim(bottom=0)
        axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=7)
    axes[0].set_title(title)
    axes[-1].set_xlabel("s")
    with whole_file(path) as part_file:
        FigureCanvasAgg(figure).print_figure(part_file, dpi=110, format="png")


def _draw_signal(axis: Any, record: Record, seconds: Any, regions: Sequence[str]) -> None:
    for region, colour in zip(regions, itertools.cycle(_REGION_COLOURS)):
        values = [motion.displacement_px.get(region, np.nan) for motion in record.motions]
        axis.plot(seconds, values, linewidth=0.9, color=colour, label=region.replace("_", " "))
    thresholds = [
        max((motion.threshold_px.get(region, np.nan) for region in regions), default=np.nan) for motion in record.motions
    ]
    axis.plot(seconds, thresholds, color="black", linewidth=0.8, linestyle="--", label="threshold")
    axis.margins(x=0.01)


def _draw_gates(axis: Any, record: Record, seconds: Any) -> None:
    named: set[str] = set()
    for gate, start, end in _stretches([motion.gate for motion in record.motions]):
        colour = _GATE_COLOURS.get(gate, SKY_BLUE)
        label = f"gate: {gate}" if gate not in named else None
        axis.axvspan(seconds[start], seconds[min(end, len(seconds) - 1)], color=colour, alpha=0.25, linewidth=0, label=label)
        named.add(gate)


def _draw_movements(axis: Any, record: Record, *, labelled: bool) -> None:
    for movement in record.movements:
        start, apex, end = movement.onset_ms / 1000, movement.apex_ms / 1000, movement.offset_ms / 1000
        if movement.gate:
            axis.axvline(apex, color=_HELD_BACK, linewidth=1.0, linestyle=":")
        else:
            axis.axvspan(start, end, color=_KIND_COLOURS[movement.kind], alpha=0.28, linewidth=0)
            axis.axvline(apex, color=_KIND_COLOURS[movement.kind], linewidth=1.0)
        if labelled:
            axis.annotate(
                f"{_HELD_BACK_SIGN} {movement.gate}" if movement.gate else f"{_KIND_SIGNS[movement.kind]} {movement.kind}",
                (apex, 1.0),
                xycoords=("data", "axes fraction"),
                xytext=(1, -3),
                textcoords="offset points",
                rotation=90,
                va="top",
                fontsize=7,
                color=_HELD_BACK if movement.gate else "black",
            )


def _draw_truth(axis: Any, truth: Iterable[Interval]) -> None:
    for event in truth:
        axis.axvspan(event.onset_ms / 1000, event.offset_ms / 1000, ymin=0.96, color="black", alpha=0.55, linewidth=0)


def _stretches(gates: Sequence[str | None]) -> Iterator[tuple[str, int, int]]:
    start = 0
    for i in range(1, len(gates) + 1):
        if i == len(gates) or gates[i] != gates[start]:
            gate = gates[start]
            if gate is not None:
                yield gate, start, i
            start = i
