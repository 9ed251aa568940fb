from __future__ import annotations

import msgspec
import numpy as np
import pytest

from ahmsa.model.checkpoint import Checkpoint
from ahmsa.settings import NetSettings
from configs.training import FitSettings, TrainSettings
from train.experiment.export import export
from train.experiment.runner import run

TINY = TrainSettings(
    net=NetSettings(channels=(8, 12, 16), heads=(2, 2, 2), blocks=(1, 1, 1), expansion=2.0, mirror_average=True),
    fit=FitSettings(epochs=15, batch=8, learning_rate=4e-3),
    members=2,
)


@pytest.fixture(scope="module")
def maps(make_maps):
    return make_maps()


@pytest.fixture(scope="module")
def results(maps, tmp_path_factory):
    return run(maps, TINY, tmp_path_factory.mktemp("run"), seeds=[0, 1])


def test_the_exported_checkpoint_answers_and_carries_the_honest_figures(maps, results, tmp_path):
    export(maps, results).save(tmp_path / "model.safetensors")
    checkpoint = Checkpoint.load(tmp_path / "model.safetensors")
    assert len(checkpoint.members) == 4
    assert np.mean(checkpoint.predict(maps.uvs).argmax(axis=1) == maps.labels) > 0.9
    assert checkpoint.temperature == pytest.approx(results.protocols["final"].temperature)
    assert checkpoint.card["figures"]["uf1_mean_of_seeds"] == results.protocols["final"].uf1
    assert {tuple(subject) for subject in checkpoint.card["training_subjects"]} == set(maps.subjects)
    assert msgspec.convert(checkpoint.card["preset"], TrainSettings) == TINY


def test_exporting_twice_gives_the_same_model(maps, results):
    assert export(maps, results).id == export(maps, results).id
