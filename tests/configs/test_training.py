from __future__ import annotations

import pytest

from configs.load import load_settings, shipped
from configs.training import TrainSettings

PRESETS = sorted(path.stem for path in shipped("presets/paper.toml").parent.glob("*.toml"))


def test_the_commented_file_says_what_the_code_does_by_default():
    assert load_settings(TrainSettings, shipped("train.toml")) == TrainSettings()


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_valid(name):
    load_settings(TrainSettings, shipped(f"presets/{name}.toml"))


def test_the_papers_preset_is_table_3():
    paper = load_settings(TrainSettings, shipped("presets/paper.toml"))
    assert (paper.fit.batch, paper.fit.epochs, paper.fit.learning_rate, paper.fit.optimiser) == (256, 800, 5e-6, "adam")
    assert paper.net.blocks == (2, 2, 8)
    assert paper.net.heads[0] == 3
