from __future__ import annotations

import msgspec
import numpy as np
import pytest

from ahmsa.errors import SettingsError
from ahmsa.model.net import network_input
from ahmsa.settings import NetSettings
from ahmsa.synth.maps import synthetic_maps
from configs.training import PretrainSettings, TrainSettings
from train.experiment.runner import run
from train.models.pretrain import first_states
from train.models.stack import probabilities_of, skeleton

NET = NetSettings(channels=(16, 16, 16), heads=(2, 2, 2), blocks=(1, 1, 1), expansion=2.0)
GENERATED = TrainSettings(net=NET, pretrain=PretrainSettings(maps=240, epochs=12, batch=32, learning_rate=3e-3))


def test_without_generated_maps_nothing_is_prepared():
    assert first_states(TrainSettings(net=NET), [1, 2], "cpu") is None


def test_generated_maps_teach_what_carries_over_to_other_generated_maps():
    (state,) = first_states(GENERATED, [1], "cpu")
    uvs, labels = synthetic_maps(90, seed=99)
    weights = {name: value[None] for name, value in state.items()}
    answers = probabilities_of(skeleton(NET), weights, network_input(uvs, NET)[None], "cpu")[0]
    assert np.mean(answers.argmax(axis=1) == labels) > 0.6


def test_other_classes_cannot_be_generated():
    four = msgspec.structs.replace(GENERATED, net=msgspec.structs.replace(NET, classes=4))
    with pytest.raises(SettingsError, match="for 3 classes, not for 4"):
        first_states(four, [1], "cpu")


def test_a_pretrained_run_is_repeatable(make_maps, tmp_path):
    short = msgspec.structs.replace(
        GENERATED, fit=msgspec.structs.replace(GENERATED.fit, epochs=1, batch=8), pretrain=PretrainSettings(maps=60, epochs=1)
    )
    first, second = (run(make_maps(), short, tmp_path / name).protocols for name in ("a", "b"))
    assert first == second
