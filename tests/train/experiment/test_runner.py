"""Covers train.execution.tasks."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time

import msgspec
import numpy as np
import pytest

from ahmsa.errors import DataError, SettingsError
from ahmsa.settings import NetSettings
from configs.training import FitSettings, TrainSettings
from train.execution.tasks import run_inline
from train.experiment.folds import leave_one_subject_out
from train.experiment.runner import plan, read_results, run
from train.models.contract import WHOLE_FOLD

TINY = TrainSettings(
    net=NetSettings(channels=(8, 12, 16), heads=(2, 2, 2), blocks=(1, 1, 1), expansion=2.0, dropout=0.1),
    fit=FitSettings(epochs=6, batch=8, learning_rate=4e-3, group=3),
    evaluate_every=2,
)


def figures(results):
    """Everything but the time it took."""
    return msgspec.structs.replace(results, seconds=0.0)


@pytest.fixture(scope="module")
def maps(make_maps):
    return make_maps()


@pytest.fixture(scope="module")
def finished(maps, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    return folder, run(maps, TINY, folder, seeds=[0, 1], nested=True)


def test_every_map_is_answered_once_per_seed_by_networks_that_never_saw_its_subject(maps):
    folds = leave_one_subject_out(maps)
    jobs = [job for task in plan(maps, folds, TINY, 0, nested=True, group=3) for job in task.jobs]
    outer = [job for job in jobs if job.split == WHOLE_FOLD]
    assert sorted(np.concatenate([job.held_out for job in outer])) == list(range(len(maps)))
    for job in jobs:
        test_subject = folds[job.fold].subject
        trained = {maps.samples[index].subject for index in job.job.train}
        assert test_subject not in trained
        assert not trained & {maps.samples[index].subject for index in job.held_out}
    assert len({job.job.seed for job in jobs}) == len(jobs)


def test_all_protocols_stand_side_by_side_and_only_one_is_optimistic(finished):
    _, results = finished
    assert set(results.protocols) == {"final", "nested", "paper"}
    assert [name for name, result in results.protocols.items() if result.optimistic] == ["paper"]
    assert results.protocols["paper"].accuracy >= results.protocols["final"].accuracy
    final = results.protocols["final"]
    assert {subject.epoch[0] for subject in final.subjects} == {6}
    assert final.uf1 == pytest.approx(np.mean([seed.full.uf1 for seed in final.seeds]))
    assert final.interval.uf1[0] <= final.uf1 <= final.interval.uf1[1]
    assert results.networks == 2 * (6 + 6 * 4)


def test_the_folder_holds_what_its_description_promises(finished, maps):
    folder, results = finished
    assert figures(read_results(folder)) == figures(results)
    with (folder / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 * 2 * len(maps)
    final = [row for row in rows if row["protocol"] == "final" and row["seed"] == "0"]
    right = np.mean([row["label"] == row["predicted"] for row in final])
    assert right == pytest.approx(results.protocols["final"].seeds[0].full.accuracy)
    with (folder / "curves.csv").open() as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["2", "4", "6"] * 2
    assert not list(folder.rglob("*.part"))


def test_a_run_with_the_same_seed_gives_the_same_figures(finished, maps, tmp_path):
    assert run(maps, TINY, tmp_path, seeds=[0]).protocols["final"].seeds[0] == finished[1].protocols["final"].seeds[0]


def test_another_grouping_gives_the_same_answers(finished, maps, tmp_path):
    settings = msgspec.structs.replace(TINY, fit=msgspec.structs.replace(TINY.fit, group=4))
    run(maps, settings, tmp_path, seeds=[0])

    def answers(folder):
        with (folder / "predictions.csv").open() as file:
            rows = [row for row in csv.DictReader(file) if (row["protocol"], row["seed"]) == ("final", "0")]
        return np.array([[float(row[name]) for name in ("negative", "positive", "surprise")] for row in rows])

    np.testing.assert_allclose(answers(finished[0]), answers(tmp_path), atol=1e-3)


def test_seeds_can_be_added_later(finished, maps, tmp_path):
    run(maps, TINY, tmp_path, seeds=[0])
    more = run(maps, TINY, tmp_path, seeds=[0, 1], nested=True, resume=True)
    assert more.protocols["final"] == finished[1].protocols["final"]


def test_a_group_that_does_not_fit_the_memory_is_split(finished, maps, tmp_path, monkeypatch):
    import train.execution.tasks

    honest = train.execution.tasks.run_task

    def cramped(data, task, device, advance):
        if len(task.jobs) > 1:
            advance(2)
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes.")
        return honest(data, task, device, advance)

    monkeypatch.setattr(train.execution.tasks, "run_task", cramped)
    done = []
    results = run(maps, TINY, tmp_path, seeds=[0], execute=run_inline("cpu"), advance=done.append)
    assert results.protocols["final"].seeds[0].full == finished[1].protocols["final"].seeds[0].full
    assert sum(done) == 6 * TINY.fit.epochs


SCRIPT = """
import sys
from pathlib import Path
import msgspec, torch
from configs.training import TrainSettings
from train.published_maps import read_maps
from train.experiment.runner import run
torch.set_num_threads(1)
settings = msgspec.json.decode(sys.argv[3], type=TrainSettings)
run(read_maps(Path(sys.argv[1])), settings, Path(sys.argv[2]), seeds=[0], resume=True)
"""


def test_a_run_killed_half_way_ends_with_the_same_figures(maps, write_maps, tmp_path):
    """kill -9 in the midst of the second task; what was finished stays, the rest is done again."""
    source, folder = write_maps(tmp_path / "maps", maps), tmp_path / "run"
    slow = msgspec.structs.replace(TINY, fit=msgspec.structs.replace(TINY.fit, group=1, epochs=12))
    command = [sys.executable, "-c", SCRIPT, str(source), str(folder), msgspec.json.encode(slow).decode()]
    process = subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "1"})
    try:
        deadline = time.monotonic() + 60
        while not list((folder / "parts").glob("*.npz")) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        process.wait(timeout=30)
    assert 1 <= len(list((folder / "parts").glob("*.npz"))) < 6
    assert not (folder / "results.json").exists()
    subprocess.run(command, env=os.environ | {"OMP_NUM_THREADS": "1"}, check=True, timeout=90)
    untouched = run(maps, slow, tmp_path / "untouched", seeds=[0])
    assert figures(read_results(folder)).protocols == untouched.protocols


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda s: msgspec.structs.replace(s, members=2), "members 1 there, 2 here"),
        (lambda s: msgspec.structs.replace(s, fit=msgspec.structs.replace(s.fit, epochs=9)), "fit.epochs 6 there, 9 here"),
    ],
)
def test_a_folder_of_other_settings_is_refused(finished, maps, change, sentence):
    with pytest.raises(SettingsError, match=sentence):
        run(maps, change(TINY), finished[0], resume=True)


def test_a_folder_of_other_maps_is_refused(finished, make_maps):
    with pytest.raises(SettingsError, match="other maps"):
        run(make_maps(seed=5), TINY, finished[0], resume=True)


def test_a_finished_run_is_not_run_over_by_accident(finished, maps, tmp_path):
    with pytest.raises(SettingsError, match="add --resume"):
        run(maps, TINY, finished[0])
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(SettingsError, match="not empty and holds no run"):
        run(maps, TINY, tmp_path)


def test_a_damaged_part_is_named(maps, tmp_path):
    run(maps, TINY, tmp_path, seeds=[0])
    part = sorted((tmp_path / "parts").iterdir())[0]
    part.write_bytes(part.read_bytes()[:200])
    with pytest.raises(DataError, match="delete it and run again with --resume"):
        run(maps, TINY, tmp_path, seeds=[0], resume=True)


def test_an_unfinished_run_has_no_results_to_read(tmp_path):
    with pytest.raises(DataError, match="the run has not finished"):
        read_results(tmp_path)
