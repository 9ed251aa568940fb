"""The benchmark's pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ahmsa.files import whole_file
from ahmsa.palette import GREEN, ORANGE, SKY_BLUE
from ahmsa.synth import MIXED, Scenario, SyntheticFaces
from spotting.benchmark.outcome import Outcome
from spotting.evaluate.plots import plot_record
from spotting.evaluate.record import Record
from spotting.evaluate.scoring import Interval
from spotting.spotter import Spotter

_BINS_PX = (0.5, 0.7, 1.0, 1.4, 2.0, 3.01)


def plot_outcomes(outcomes: Sequence[tuple[str, Outcome]], folder: Path) -> None:
    """recall.png: recall by amplitude; errors.png: apex errors and latencies, both for the mixed nuisances."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    mixed = [outcome for name, outcome in outcomes if name == "mixed"]
    figure = Figure(figsize=(12, 3.8), layout="constrained")
    recall, errors, late = figure.subplots(1, 3)
    for outcome in mixed:
        table = outcome.score.recall_by_amplitude(_BINS_PX)
        centres = [float(np.sqrt(low * high)) for low, high in table]
        recall.plot(centres, [hits / labels for hits, labels in table.values()], marker="o", label=outcome.name)
    recall.set(xlabel="amplitude, px of the 128 px crop", ylabel="recall", xscale="log", ylim=(0, 1.05), title="Recall")
    recall.set_xticks(_BINS_PX[:-1], [f"{x:g}" for x in _BINS_PX[:-1]])
    recall.minorticks_off()
    recall.legend(fontsize=7)
    ours = mixed[0]
    errors.hist(ours.score.apex_errors_ms(), bins=np.arange(-100, 101, 10).tolist(), color=GREEN)
    errors.set(xlabel="apex error, ms (late > 0)", title="Apex")
    bins = np.arange(0, 460, 20).tolist()
    late.hist(ours.provisional_ms, bins=bins, alpha=0.6, color=SKY_BLUE, label="announced")
    late.hist(ours.confirmed_ms, bins=bins, alpha=0.6, color=ORANGE, hatch="//", label="confirmed")
    late.set(xlabel="after the true apex, ms", title="Latency at 30 fps")
    late.legend(fontsize=7)
    with whole_file(folder / "spotting.png") as part:
        FigureCanvasAgg(figure).print_figure(part, dpi=110, format="png")


def plot_example(folder: Path, seed: int = 4999) -> None:
    """spotting_example.png: half a minute of a mixed clip with its truth, as `ahmsa-spot --plot` draws it."""
    faces = SyntheticFaces(Scenario(seed=seed, duration_s=30, micro_per_minute=16, macro_per_minute=2, nuisances=MIXED))
    record, spotter = Record(), Spotter()
    for _, t_ns, face in faces.moments():
        record.take(spotter.lost(t_ns) if face is None else spotter.update(face))
    truth = [Interval("", e.onset_ms, e.apex_ms, e.offset_ms, e.kind, e.label, e.amplitude_px) for e in faces.truth]
    plot_record(record, folder / "spotting_example.png", "mixed nuisances (grey bars: the truth)", truth)
