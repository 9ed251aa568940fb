"""Pictures of a run as PNG bytes. Drawn without a display, and without matplotlib's global state."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ahmsa.palette import BLUE, GREEN, ORANGE, PURPLE, SKY_BLUE, VERMILLION
from ahmsa.types import Matrix
from train.experiment.results import ProtocolResult
from train.experiment.runner import RunResults
from train.report.published import in_paper_order

UF1, UAR, LOSS, HONEST = BLUE, VERMILLION, "#555555", GREEN
DATABASES = (PURPLE, SKY_BLUE, GREEN, ORANGE)
DPI = 110


def confusions(result: ProtocolResult, labels: Sequence[str]) -> bytes:
    """Rows: truth, in parts of the class; counts are means over the seeds. All maps, then every database."""
    names = ["all", *in_paper_order(result.databases)]
    figure = Figure(figsize=(3.0 * len(names) + 1.0, 4.0), layout="constrained")
    for place, (axes, name) in enumerate(zip(_row(figure, len(names)), names, strict=True)):
        counts = np.mean(
            [(seed.full if name == "all" else seed.databases[name]).confusion for seed in result.seeds], axis=0, dtype=float
        )
        _confusion(axes, counts, labels, first=place == 0)
        axes.set_title(f"{name} ({counts.sum():.0f})")
    return _png(figure)


def curves(results: RunResults) -> bytes:
    """Scores and loss of the held-out subjects after every evaluated epoch; a thin line per seed, a thick one for the mean."""
    figure = Figure(figsize=(10, 3.6), layout="constrained")
    left, right = _row(figure, 2)
    epochs = sorted({point.epoch for point in results.curves})
    for axes, what, colour, style in ((left, "uf1", UF1, "-"), (left, "uar", UAR, "--"), (right, "loss", LOSS, "-")):
        by_seed = np.array([[getattr(p, what) for p in results.curves if p.seed == seed] for seed in results.seeds])
        if len(by_seed) > 1:
            axes.plot(epochs, by_seed.T, style, color=colour, linewidth=0.7, alpha=0.5)
        axes.plot(epochs, by_seed.mean(axis=0), style, color=colour, linewidth=2, label=what.upper())
        axes.set_xlabel("epoch")
        axes.grid(alpha=0.25)
    left.set_title("score on held-out subjects")
    right.set_title("negative log-likelihood on held-out subjects")
    left.legend(frameon=False)
    return _png(figure)


def calibration(result: ProtocolResult) -> bytes:
    """Reliability diagram of the calibrated answers, and how many answers stand behind each point."""
    figure = Figure(figsize=(5.2, 5.4), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[4, 1])
    confidence = [bin_.confidence for bin_ in result.calibration]
    samples = np.array([bin_.samples for bin_ in result.calibration])
    upper.plot([0, 1], [0, 1], color="#888888", linestyle="--", linewidth=1, label="perfect")
    upper.plot(confidence, [bin_.accuracy for bin_ in result.calibration], color=HONEST, linewidth=1)
    upper.scatter(
        confidence, [bin_.accuracy for bin_ in result.calibration], s=12 + 200 * samples / samples.max(), color=HONEST
    )
    upper.set(
        ylabel="accuracy", xlim=(0, 1.02), ylim=(0, 1.02), title=f"expected calibration error {result.calibration_error:.3f}"
    )
    upper.legend(frameon=False, loc="upper left")
    lower.bar(confidence, samples, width=0.06, color=HONEST)
    lower.set(xlabel="confidence", ylabel="answers")
    for axes in (upper, lower):
        axes.grid(alpha=0.25)
    return _png(figure)


def subjects(result: ProtocolResult) -> bytes:
    """Accuracy on every subject, mean over the seeds, worst first; the larger the dot, the more maps."""
    ordered = sorted(result.subjects, key=lambda subject: (np.mean(subject.accuracy), subject.database, subject.subject))
    databases = in_paper_order({subject.database for subject in ordered})
    figure = Figure(figsize=(max(6.0, 0.19 * len(ordered) + 1.5), 3.8), layout="constrained")
    axes = figure.subplots()
    for database, colour in zip(databases, DATABASES, strict=False):
        own = [(place, subject) for place, subject in enumerate(ordered) if subject.database == database]
        axes.scatter(
            [place for place, _ in own],
            [np.mean(subject.accuracy) for _, subject in own],
            s=[14 + 6 * subject.samples for _, subject in own],
            color=colour,
            edgecolor="white",
            label=database,
        )
    axes.axhline(result.accuracy, color="#888888", linestyle="--", linewidth=1)
    axes.set_xticks(range(len(ordered)), [subject.subject for subject in ordered], rotation=90, fontsize=7)
    axes.set(ylabel="accuracy", ylim=(-0.05, 1.05), title="subjects, worst first (dashed: accuracy over all maps)")
    axes.grid(axis="y", alpha=0.25)
    legend = axes.legend(frameon=False, loc="lower right")
    for handle in legend.legend_handles:
        if handle is not None:
            handle.set(sizes=[40])
    return _png(figure)


def ablation(steps: Mapping[str, ProtocolResult]) -> bytes:
    """UF1 and UAR of every step with 95 % intervals, and the databases as thin lines."""
    figure = Figure(figsize=(max(7.0, 1.5 * len(steps) + 3), 4), layout="constrained")
    places = np.arange(len(steps))
    results = list(steps.values())
    for axes, what in zip(_row(figure, 2), ("uf1", "uar"), strict=True):
        middle = np.array([getattr(result, what) for result in results])
        low, high = np.array([getattr(result.interval, what) for result in results]).T
        edges = np.maximum([middle - low, high - middle], 0)
        for database, colour in zip(in_paper_order(results[0].databases), DATABASES, strict=False):
            scores = [result.databases[database][what] for result in results]
            axes.plot(places, scores, color=colour, linewidth=1, marker=".", alpha=0.8, label=database)
        colour = UF1 if what == "uf1" else UAR
        axes.errorbar(places, middle, yerr=edges, color=colour, linewidth=2, marker="o", capsize=3, label="all")
        axes.set_xticks(places, list(steps), rotation=30, ha="right", fontsize=8)
        axes.set_title(what.upper())
        axes.grid(alpha=0.25)
    figure.axes[0].legend(frameon=False, fontsize=8)
    return _png(figure)


def leak(results: RunResults) -> bytes:
    """Protocols of one run side by side, UF1 and UAR with 95 % intervals; the optimistic one hatched."""
    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.subplots()
    names = [name for name in ("final", "nested", "paper") if name in results.protocols]
    for place, name in enumerate(names):
        result = results.protocols[name]
        for shift, what, colour in ((-0.18, "uf1", UF1), (0.18, "uar", UAR)):
            value, edge = getattr(result, what), getattr(result.interval, what)
            axes.bar(
                place + shift,
                value,
                width=0.34,
                color=colour,
                alpha=0.45 if result.optimistic else 1.0,
                hatch="//" if result.optimistic else None,
                edgecolor="white",
                label=what.upper() if place == 0 else None,
            )
            error = [[max(0.0, value - edge[0])], [max(0.0, edge[1] - value)]]
            axes.errorbar(place + shift, value, yerr=error, color="#222222", capsize=3, linewidth=1)
            number = axes.annotate(f"{value:.3f}", (place + shift, 0.04), ha="center", fontsize=9)
            number.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 1.5})
    axes.set_xticks(range(len(names)), [f"{n}\nOPTIMISTIC" if results.protocols[n].optimistic else n for n in names])
    axes.set(ylim=(0, 1.2), yticks=np.arange(0, 1.01, 0.2), title="protocols, same networks")
    axes.grid(axis="y", alpha=0.25)
    axes.legend(frameon=False, loc="upper left", ncols=2)
    return _png(figure)


def _row(figure: Figure, count: int) -> list[Axes]:
    return list(figure.subplots(1, count, squeeze=False)[0])


def _confusion(axes: Axes, counts: Matrix, labels: Sequence[str], first: bool) -> None:
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), share in np.ndenumerate(shares):
        text = f"{share:.2f}\n" + f"{counts[row, column]:.1f}".removesuffix(".0")
        axes.text(column, row, text, ha="center", va="center", fontsize=9, color="white" if share > 0.55 else "#222222")
    axes.set_xticks(range(len(labels)), list(labels), fontsize=8)
    axes.set_yticks(range(len(labels)), list(labels) if first else [""] * len(labels), fontsize=8)
    axes.set_xlabel("predicted")
    if first:
        axes.set_ylabel("true")


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()
