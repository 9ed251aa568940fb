from __future__ import annotations

import msgspec
import torch

from ahmsa.settings import NetSettings
from configs.training import FitSettings, TrainSettings
from train.execution import cores
from train.execution.cores import on_cores
from train.experiment.runner import run

TINY = TrainSettings(
    net=NetSettings(channels=(8, 12, 16), heads=(2, 2, 2), blocks=(1, 1, 1), expansion=2.0, dropout=0.1),
    fit=FitSettings(epochs=3, batch=8, learning_rate=4e-3, group=3),
    evaluate_every=3,
)


def test_the_figures_do_not_depend_on_the_number_of_processes(make_maps, tmp_path):
    done = []
    alone = run(make_maps(), TINY, tmp_path / "one", execute=on_cores(1))
    spread = run(make_maps(), TINY, tmp_path / "two", execute=on_cores(2), advance=done.append)
    assert alone.protocols == spread.protocols
    assert done == [TINY.fit.epochs * 3] * 2  # a group each, counted when it was done


def test_groups_that_would_not_fit_the_memory_together_are_done_one_after_the_other(make_maps, tmp_path, monkeypatch):
    monkeypatch.setattr(cores, "networks_that_fit", lambda settings, device: 5)  # one group of three, not two
    done = []
    assert run(make_maps(), TINY, tmp_path / "run", execute=on_cores(2), advance=done.append).networks == 6
    assert done == [3] * TINY.fit.epochs * 2  # counted epoch by epoch: in this process


def test_the_threads_of_the_caller_are_left_as_they_were(make_maps, tmp_path):
    before = torch.get_num_threads()
    run(make_maps(), msgspec.structs.replace(TINY, evaluate_every=1), tmp_path / "run", execute=on_cores(1))
    assert torch.get_num_threads() == before
