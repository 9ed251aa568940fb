"""The baselines go through the very same folds, files and figures as the network they stand beside."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from ahmsa.errors import SettingsError
from configs.load import load_settings, shipped
from configs.training import TrainSettings
from train.experiment.runner import run
from train.models.contract import Job
from train.models.fit import fit
from train.models.registry import model_of
from train.models.stack import state_of
from train.models.ststnet import ARCHITECTURE


def preset(name: str, epochs: int) -> TrainSettings:
    return load_settings(TrainSettings, shipped(f"presets/{name}.toml"), {"fit.epochs": epochs, "fit.batch": 16})


@pytest.fixture(scope="module")
def maps(make_maps):
    return make_maps()


@pytest.mark.parametrize(("name", "epochs"), [("svm", 1), ("ststnet", 10)])
def test_a_baseline_is_judged_like_any_network(maps, tmp_path, name, epochs):
    results = run(maps, preset(name, epochs), tmp_path, seeds=[0])
    assert set(results.protocols) == {"final", "paper"}
    assert results.protocols["final"].uf1 > 0.5
    assert len(results.protocols["final"].subjects) == 6
    if name == "svm":
        assert results.protocols["paper"].uf1 == results.protocols["final"].uf1


def test_a_folder_of_another_model_is_refused(maps, tmp_path):
    run(maps, preset("svm", 1), tmp_path, seeds=[0])
    with pytest.raises(SettingsError, match="model svm there, ahmsa here"):
        run(maps, TrainSettings(), tmp_path, resume=True)


def test_streams_trained_beside_others_end_as_if_alone(maps):
    settings = preset("ststnet", 4)
    settings = msgspec.structs.replace(settings, augment=msgspec.structs.replace(settings.augment, mixup=0.3))
    jobs = [Job("a", np.arange(0, 15), 1), Job("b", np.arange(8, 24), 2)]
    inputs = maps.uvs - 0.5
    together = fit(inputs, maps.labels, jobs, settings, seed=0, architecture=ARCHITECTURE)
    alone = fit(inputs, maps.labels, jobs[1:], settings, seed=0, architecture=ARCHITECTURE)
    for name, value in state_of(together, 1).items():
        np.testing.assert_allclose(value, alone[name][0], atol=1e-4)


def test_memory_is_estimated_by_what_is_trained():
    svm, streams = preset("svm", 1), preset("ststnet", 4)
    larger = msgspec.structs.replace(streams, fit=msgspec.structs.replace(streams.fit, batch=64))
    assert bytes_each(svm) < 2**28
    assert bytes_each(streams) < bytes_each(larger) < 2**30


def bytes_each(settings: TrainSettings) -> int:
    return model_of(settings).bytes_each(settings)
