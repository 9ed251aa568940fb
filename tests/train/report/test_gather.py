from __future__ import annotations

import shutil

import pytest

from ahmsa.errors import DataError
from train.experiment.runner import run
from train.report.gather import gather


def test_a_run_brings_its_baselines_along(finished):
    report = gather([finished])
    assert [(entry.name, entry.role) for entry in report.entries] == [("tiny", "run"), ("tiny: lesser", "baseline")]
    assert report.published is not None
    assert report.published.rows[-1].full == (0.8040, 0.7821)


def test_steps_of_an_ablation_stand_in_the_order_of_their_numbers(ablated):
    report = gather([ablated])
    assert [entry.name for entry in report.entries] == ["batches: batch-8", "batches: batch-16"]
    assert {entry.group for entry in report.entries} == {"batches"}


def test_the_leak_is_what_choosing_on_the_test_subject_adds(finished):
    entry = gather([finished]).entries[0]
    final, paper = entry.results.protocols["final"], entry.results.protocols["paper"]
    assert entry.leak.uf1_points == pytest.approx(100 * (paper.uf1 - final.uf1))
    assert entry.leak.looks == 2


def test_a_folder_named_twice_counts_once(finished):
    assert len(gather([finished, finished / "." / "baselines" / ".."]).entries) == 2


def test_runs_on_other_maps_are_not_reported_together(finished, make_maps, tmp_path, tiny):
    run(make_maps(seed=7), tiny, tmp_path / "other", seeds=[0])
    with pytest.raises(DataError, match=r"other ran on other maps .* report them apart"):
        gather([finished, tmp_path / "other"])


def test_two_runs_of_one_name_are_refused(finished, tmp_path):
    shutil.copytree(finished, tmp_path / "tiny")
    with pytest.raises(DataError, match="two runs are called 'tiny'"):
        gather([finished, tmp_path / "tiny"])


def test_what_is_no_finished_run_is_named(finished, tmp_path):
    with pytest.raises(DataError, match=r"no folder .*nowhere"):
        gather([tmp_path / "nowhere"])
    with pytest.raises(DataError, match=r"is no run folder: it holds no run\.json"):
        gather([tmp_path])
    shutil.copytree(finished, tmp_path / "half")
    (tmp_path / "half" / "results.json").unlink()
    with pytest.raises(DataError, match="the run has not finished"):
        gather([tmp_path / "half"])
    (tmp_path / "half" / "results.json").write_text('{"format": "something else"}')
    with pytest.raises(DataError, match="is not of format ahmsa-run-1"):
        gather([tmp_path / "half"])
