"""Models by their names; and one of the user's own, which goes through the same folds."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from ahmsa.errors import SettingsError
from configs.load import load_settings, shipped
from configs.training import TrainSettings
from train.experiment.runner import run
from train.models.registry import model_of

EXAMPLES = Path(__file__).parents[3] / "examples"


def test_a_network_of_your_own_is_judged_like_any_other(make_maps, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    recipe = load_settings(TrainSettings, shipped("presets/ststnet.toml"), {"fit.epochs": 12, "fit.batch": 16})
    own = msgspec.structs.replace(recipe, model="own_model:MODEL")
    results = run(make_maps(), own, tmp_path)
    assert results.preset.model == "own_model:MODEL"
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
