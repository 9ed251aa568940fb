"""A model of the user's own goes through the same folds as those that ship."""

from __future__ import annotations

import textwrap

import msgspec
import pytest

from ahmsa.errors import SettingsError
from configs.load import load_settings, shipped
from configs.training import TrainSettings
from train.experiment.runner import run
from train.models.registry import model_of

MINE = """
    from torch import nn

    from train.models.architecture import Architecture
    from train.models.networks import NetworkModel


    class Linear(nn.Module):
        noise_size = 0

        def __init__(self, settings):
            super().__init__()
            self.settings = settings
            self.head = nn.Linear(3 * settings.map_px**2, settings.classes)

        def forward(self, maps, noise=None):
            return self.head(maps.flatten(1))


    MODEL = NetworkModel(Architecture(Linear, lambda net: 3 * net.map_px**2, lambda maps, net: maps))
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A module of the user's with a network of one layer."""
    (tmp_path / "my_model.py").write_text(textwrap.dedent(MINE))
    monkeypatch.syspath_prepend(str(tmp_path))
    recipe = load_settings(TrainSettings, shipped("presets/ststnet.toml"), {"fit.epochs": 12, "fit.batch": 16})
    return msgspec.structs.replace(recipe, model="my_model:MODEL")


def test_a_network_of_your_own_is_judged_like_any_other(own, make_maps, tmp_path):
    results = run(make_maps(), own, tmp_path / "run")
    assert results.preset.model == "my_model:MODEL"
    assert results.protocols["final"].uf1 > 0.6
    assert not model_of(own).is_exported


@pytest.mark.parametrize("name", ["ahmsa", "ststnet", "svm"])
def test_the_models_that_ship_fulfil_the_contract(name):
    settings = msgspec.structs.replace(load_settings(TrainSettings, shipped("presets/small.toml")), model=name)
    model = model_of(settings)
    assert 0 < model.bytes_each(settings) < 2**30
    assert (model.is_exported, model.is_random) == (name == "ahmsa", name != "svm")


@pytest.mark.parametrize("name", ["htnet", "no_such_module:MODEL", "train.models.svm:NOTHING"])
def test_a_model_that_is_not_there_is_a_sentence(name):
    settings = msgspec.structs.replace(TrainSettings(), model=name)
    with pytest.raises(SettingsError, match=f"no model '{name}' .*use ahmsa, ststnet, svm"):
        model_of(settings)
