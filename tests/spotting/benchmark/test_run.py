"""Covers spotting.benchmark.baselines, spotting.benchmark.plots."""

import matplotlib.image
import pytest

from ahmsa.synth import Scenario
from spotting.benchmark.plots import plot_outcomes
from spotting.benchmark.run import REPORT_SEEDS, TUNING_SEEDS, Condition, conditions, run, table_line


@pytest.fixture(scope="module")
def outcomes():
    scenario = Scenario(duration_s=8.0, micro_per_minute=24.0, amplitude_px=(1.5, 3.0))
    return run(Condition("undisturbed", scenario, baselines=True), TUNING_SEEDS)


def test_tuning_and_report_never_share_a_clip():
    assert not set(TUNING_SEEDS) & set(REPORT_SEEDS)


def test_the_spotter_finds_clear_movements_and_beats_the_baselines(outcomes):
    ours, *baselines = outcomes
    assert ours.name == "ahmsa"
    assert ours.score.counts["micro"].f1 == 1
    assert len(baselines) == 3
    assert all(other.score.counts["micro"].f1 <= 1 and other.predicted for other in baselines)
    assert len(ours.provisional_ms) == len(ours.confirmed_ms) == 2


def test_a_line_of_the_table_has_a_cell_under_every_heading(outcomes):
    from spotting.benchmark.run import HEADER

    assert {table_line("x", outcome).count("|") for outcome in outcomes} == {HEADER.splitlines()[0].count("|")}


def test_the_plots_are_pictures(outcomes, tmp_path):
    plot_outcomes([("mixed", outcome) for outcome in outcomes], tmp_path)
    assert matplotlib.image.imread(tmp_path / "spotting.png").std() > 0


def test_the_full_benchmark_is_long_enough_and_has_every_nuisance():
    full = conditions()
    assert sum(c.clips * c.scenario.duration_s for c in full) / 60 >= 30
    assert {"stall", "blink", "talking", "away"} <= {c.name for c in full}
