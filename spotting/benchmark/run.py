"""The standing benchmark: generated faces with known movements, every nuisance alone and all mixed, at 30, 60 and 200 fps.

Tuning and reporting use different seeds: `TUNING_SEEDS` are free to look at, `REPORT_SEEDS` are for the table alone.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ahmsa.synth import LIFELIKE, MIXED, NUISANCES, PEOPLE, Scenario, SyntheticFaces
from spotting.benchmark.baselines import Baseline, offline_baselines
from spotting.benchmark.outcome import Outcome
from spotting.evaluate.scoring import Interval, kind_by_length
from spotting.settings import SpotterSettings
from spotting.spotter import Spotter

TUNING_SEEDS = range(100, 1000)
REPORT_SEEDS = range(5000, 6000)
TURNING_PX_S = (5, 15, 40)


@dataclass(frozen=True, slots=True)
class Condition:
    """One line of the table: so many generated minutes of one kind."""

    name: str
    scenario: Scenario
    clips: int = 1
    baselines: bool = False

    def scenarios(self, seeds: range) -> Iterator[Scenario]:
        """Clips of the condition, each under its own seed."""
        for number in range(self.clips):
            yield _with_seed(self.scenario, seeds[number])


def conditions(size: str = "full") -> list[Condition]:
    """The benchmark's conditions. size: full (about 110 generated minutes, hours with the baselines), short (12, without them)
    or quick (about 5)."""
    quick = size == "quick"
    clips = 1 if quick else 20
    busy = Scenario(duration_s=60.0 if size == "full" else 40.0, micro_per_minute=12.0, macro_per_minute=1.0)
    mixed, lifelike = replace(busy, nuisances=MIXED), replace(busy, nuisances=LIFELIKE)
    nothing_moves = replace(mixed, micro_per_minute=0.0, macro_per_minute=0.0)
    still = Scenario(duration_s=busy.duration_s, micro_per_minute=0.0, noise_levels=2.0)
    if size == "short":
        return [
            Condition("mixed", mixed, 6),
            Condition("mixed, no expression", nothing_moves, 3),
            Condition("still face, noise", still, 3),
            Condition("undisturbed", busy, 3),
            Condition("lifelike", lifelike, 3),
        ]
    made = [
        Condition("mixed", mixed, clips, baselines=True),
        Condition("mixed, no expression", nothing_moves, clips // 2 or 1),
        Condition("still face, noise", still, clips),
        Condition("mixed, 60 fps", replace(mixed, fps=60.0), 1 if quick else 5),
        Condition("mixed, 200 fps", replace(mixed, fps=200.0, duration_s=20.0 if quick else 60.0), 1 if quick else 3),
        Condition("undisturbed", busy, 1 if quick else 3, baselines=True),
    ]
    made.append(Condition("lifelike", lifelike, 1 if quick else 10))
    if not quick:
        made += [
            Condition(f"lifelike, person {person}", replace(lifelike, person=person), 2) for person in range(1, len(PEOPLE))
        ]
        made += [
            Condition(f"turning, {speed} px/s", replace(busy, nuisances={"turning": speed / 10}), 3) for speed in TURNING_PX_S
        ]
        made += [Condition(kind, replace(busy, nuisances={kind: 1.0})) for kind in NUISANCES]
    return made


def run(condition: Condition, seeds: range = REPORT_SEEDS, settings: SpotterSettings | None = None) -> list[Outcome]:
    """The spotter's outcome, and the baselines' after it where the condition asks for them."""
    outcomes: dict[str, Outcome] = {}
    for scenario in condition.scenarios(seeds):
        for outcome in run_clip(scenario, settings or SpotterSettings(), baselines=condition.baselines):
            outcomes.setdefault(outcome.name, Outcome(outcome.name)).add(outcome)
    return list(outcomes.values())


def run_clip(scenario: Scenario, settings: SpotterSettings, *, baselines: bool = False) -> list[Outcome]:
    """One clip through the spotter, frame by frame, as live."""
    faces, spotter = SyntheticFaces(scenario), Spotter(settings)
    others: Sequence[Baseline] = offline_baselines(scenario.fps) if baselines else ()
    outcome = Outcome("ahmsa")
    outcome.add_truth(faces.truth, str(scenario.seed), scenario.duration_s)
    for _, t_ns, face in faces.moments():
        start = time.thread_time()
        step = spotter.lost(t_ns) if face is None else spotter.update(face)
        outcome.frame_ms.append((time.thread_time() - start) * 1e3)
        if step.candidate is not None:
            outcome.take(step.candidate, t_ns, faces.truth, str(scenario.seed))
        if face is not None:
            for other in others:
                other.update(face)
    outcome.gated.update(spotter.gated)
    return [outcome, *(_baseline_outcome(other, outcome, str(scenario.seed)) for other in others)]


def _baseline_outcome(baseline: Baseline, ours: Outcome, video: str) -> Outcome:
    found = [Interval(video, onset, apex, offset, kind_by_length(offset - onset)) for onset, apex, offset in baseline.finish()]
    return Outcome(baseline.name, predicted=found, truth=ours.truth, minutes=ours.minutes)


def _with_seed(scenario: Scenario, seed: int) -> Scenario:
    return replace(scenario, seed=seed)


def table(size: str = "full", plots: Path | None = None) -> Iterator[str]:
    """The benchmark as lines of a markdown table, one after the other as they are measured; plots go to that folder."""
    from spotting.benchmark.plots import plot_example, plot_outcomes

    yield HEADER
    outcomes = []
    for condition in conditions(size):
        for outcome in run(condition):
            outcomes.append((condition.name, outcome))
            yield table_line(condition.name, outcome)
    if plots is not None:
        plot_outcomes(outcomes, plots)
        plot_example(plots)


HEADER = """| condition | detector | min | true micro | F1 micro | F1 macro | F1 all | recall >= 1 px | recall 0.5-1 px | \
false alarms/min | apex error, ms median / mean | onset error, ms mean | announced, ms p50 | confirmed, ms p50 / p99 | \
CPU ms/frame |
|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|"""


def table_line(condition: str, outcome: Outcome) -> str:
    """One outcome as a line under `HEADER`."""
    score, apex, onset = outcome.score, np.abs(outcome.score.apex_errors_ms()), np.abs(outcome.score.onset_errors_ms())
    cells = [
        condition,
        outcome.name,
        f"{outcome.minutes:.0f}",
        f"{sum(t.kind == 'micro' for t in outcome.truth)}",
        *(f"{counts.f1:.2f}" if counts.tp + counts.fn else "" for counts in (*score.counts.values(), score.all)),
        _cell(outcome.recall_between(1.0), ".2f"),
        _cell(outcome.recall_between(0.5, 1.0), ".2f"),
        f"{score.false_alarms_per_minute(outcome.minutes):.2f}",
        f"{np.median(apex):.0f} / {apex.mean():.0f}" if len(apex) else "",
        f"{onset.mean():.0f}" if len(onset) else "",
        _percentiles(outcome.provisional_ms, 50),
        _percentiles(outcome.confirmed_ms, 50, 99),
        f"{np.mean(outcome.frame_ms):.1f}" if outcome.frame_ms else "",
    ]
    return "| " + " | ".join(cells) + " |"


def _cell(value: float, form: str) -> str:
    return "" if np.isnan(value) else format(value, form)


def _percentiles(values: Sequence[float], *percents: float) -> str:
    return " / ".join(f"{np.percentile(values, percent):.0f}" for percent in percents) if values else ""
