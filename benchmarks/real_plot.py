"""The curve of recall against alarms on real people."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ahmsa.files import whole_file


def plot_curve(points: Sequence[tuple[float, float, float]], path: Path) -> None:
    """PNG of (factor of the thresholds, recall, alarms a minute)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axis = figure.subplots()
    axis.plot([alarms for _, _, alarms in points], [recall for _, recall, _ in points], marker="o", color="#2a9d4a")
    for factor, recall, alarms in points:
        axis.annotate(f"x{factor:g}", (alarms, recall), xytext=(4, -10), textcoords="offset points", fontsize=8)
    axis.set(xlabel="alarms a minute on the untouched clips", ylabel="injected movements found", ylim=(0, 1), xlim=(0, None))
    axis.set_title("As the thresholds move (x1: as shipped)", fontsize=10)
    axis.grid(alpha=0.3)
    with whole_file(path) as part:
        FigureCanvasAgg(figure).print_figure(part, dpi=110, format="png")
