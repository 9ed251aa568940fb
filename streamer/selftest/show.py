"""A self-test's summary for people: tables for a terminal, and a plot without a face in it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ahmsa.files import whole_file
from ahmsa.palette import BLUE, ORANGE
from streamer.selftest.advice import advise
from streamer.selftest.summary import HalfSummary, Recall, Summary

_FEW = 30
_COLOURS = {"upper": BLUE, "lower": ORANGE}


def shown(summary: Summary, others: Sequence[Summary] = ()) -> Group:
    """Everything of a summary; others: the recordings that it is made of, one line each."""
    parts: list[RenderableType] = [_facts(summary), _recall(summary), _halves(summary)]
    if len(others) > 1:
        parts.append(_recordings(others))
    remarks = list(summary.remarks)
    if summary.movements < _FEW:
        remarks.append(
            f"only {summary.movements} movements fitted in: a longer recording or more --rounds narrow the intervals"
        )
    said = [Text(f"note: {remark}") for remark in remarks]
    return Group(*parts, *said, *(Text(sentence, style="bold") for sentence in advise(summary)))


def found_80(part: Summary | HalfSummary) -> str:
    """The amplitude of which 80 % are found, in words."""
    tried = [line.amplitude_px for line in part.recall if line.amplitude_px is not None]
    if part.found_80_px is not None:
        least = " (the smallest tried)" if part.found_80_px <= min(tried) else ""
        return f"{part.found_80_px:.2f} px{least}"
    return f"above {max(tried):g} px" if tried else "-"


def write_plot(summary: Summary, path: Path) -> None:
    """PNG: recall by amplitude with its intervals for both halves, and the share of the time in which each was blind."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4), layout="constrained")
    recall, blind = figure.subplots(1, 2, width_ratios=(3, 2))
    for number, (half, part) in enumerate(summary.halves.items()):
        lines = [line for line in part.recall if line.amplitude_px is not None and line.of]
        x = [(line.amplitude_px or 0) * (0.985, 1.015)[number] for line in lines]
        y = [line.found / line.of for line in lines]
        below = [max(value - line.low, 0) for value, line in zip(y, lines, strict=True)]
        above = [max(line.high - value, 0) for value, line in zip(y, lines, strict=True)]
        recall.errorbar(x, y, yerr=[below, above], marker="o", capsize=3, color=_COLOURS[half], label=f"{half} face")
    recall.axhline(0.8, color="grey", linewidth=0.8, linestyle=":")
    ticks = sorted({line.amplitude_px for line in summary.recall if line.amplitude_px is not None})
    recall.set(xscale="log", ylim=(0, 1.05), xlabel="amplitude, px of the 128 px crop", ylabel="found, 95 % interval")
    recall.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    recall.minorticks_off()
    recall.set_title(f"{summary.movements} movements; {summary.alarms_per_minute:.1f} alarms/min untouched", fontsize=10)
    recall.legend()
    left = dict.fromkeys(summary.halves, 0.0)
    blind.barh(list(left), [0.0] * len(left))
    for gate in dict.fromkeys(gate for part in summary.halves.values() for gate in part.blind_by_gate):
        widths = [part.blind_by_gate.get(gate, 0.0) for part in summary.halves.values()]
        blind.barh(list(left), widths, left=list(left.values()), label=gate)
        left = {half: left[half] + width for half, width in zip(left, widths, strict=True)}
    blind.set(xlim=(0, 1), xlabel="share of the time in which nothing could be seen")
    blind.set_title("blind, by gate", fontsize=10)
    if any(left.values()):
        blind.legend(fontsize=8)
    with whole_file(path) as part_file:
        FigureCanvasAgg(figure).print_figure(part_file, dpi=110, format="png")


def _facts(summary: Summary) -> Text:
    return Text(
        f"{summary.name}: {summary.minutes * 60:.0f} s at {summary.rate_hz:.0f} fps, {summary.interocular_px:.0f} px between "
        f"the eyes, head {summary.head_px_s:.0f} crop px/s, talking {summary.talking_share:.0%} of the time\n"
        f"80 % found from: {found_80(summary)}\n"
        f"on the untouched video {summary.alarms} confirmed, {summary.alarms_per_minute:.1f} a minute (movements of your own "
        f"among them); in the place of {summary.by_chance} of the {summary.movements} injected movements"
    )


def _recall(summary: Summary) -> Table:
    table = Table(title="Injected movements found, 95 % interval", title_justify="left")
    table.add_column("amplitude, px")
    for heading in ("whole face", *(f"{half} face" for half in summary.halves)):
        table.add_column(heading)
    for line in summary.recall:
        name = "all" if line.amplitude_px is None else f"{line.amplitude_px:g}"
        halves = (
            next((p for p in part.recall if p.amplitude_px == line.amplitude_px), None) for part in summary.halves.values()
        )
        table.add_row(name, _cell(line), *(_cell(part) for part in halves))
    return table


def _halves(summary: Summary) -> Table:
    table = Table(title="What could be seen", title_justify="left")
    for heading in ("half", "80 % found from", "smallest that opens, median", "blind", "by gate"):
        table.add_column(heading)
    for half, part in summary.halves.items():
        gates = ", ".join(f"{gate} {value:.0%}" for gate, value in part.blind_by_gate.items()) or "-"
        limit = "-" if part.limit_px is None else f"{part.limit_px:.2f} px"
        table.add_row(half, found_80(part), limit, f"{part.blind_share:.0%}", gates)
    return table


def _recordings(summaries: Sequence[Summary]) -> Table:
    table = Table(title="By recording", title_justify="left")
    for heading in ("recording", "s", "head, px/s", "found", "80 % found from", "alarms/min", "blind upper", "blind lower"):
        table.add_column(heading)
    for one in summaries:
        table.add_row(
            one.name,
            f"{one.minutes * 60:.0f}",
            f"{one.head_px_s:.0f}",
            _cell(one.recall[-1]),
            found_80(one),
            f"{one.alarms_per_minute:.1f}",
            *(f"{part.blind_share:.0%}" for part in one.halves.values()),
        )
    return table


def _cell(line: Recall | None) -> str:
    return "-" if line is None or not line.of else f"{line.found}/{line.of}  {line.low:.0%}-{line.high:.0%}"
