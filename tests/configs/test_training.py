from __future__ import annotations

import msgspec
import pytest

from configs.load import load_settings, shipped
from configs.training import TrainSettings

PRESETS = sorted(path.stem for path in shipped("presets/paper.toml").parent.glob("*.toml"))


def test_the_commented_file_is_the_preset_that_is_used_by_default():
    assert load_settings(TrainSettings, shipped("train.toml")) == load_settings(TrainSettings, shipped("presets/shipped.toml"))


def test_a_file_with_one_key_of_a_table_keeps_the_others(tmp_path):
    file = tmp_path / "my.toml"
    file.write_text("[net]\ndropout = 0.2\n")
    assert load_settings(TrainSettings, file).net == msgspec.structs.replace(TrainSettings().net, dropout=0.2)


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_valid(name):
    load_settings(TrainSettings, shipped(f"presets/{name}.toml"))


def test_the_papers_preset_is_table_3():
    paper = load_settings(TrainSettings, shipped("presets/paper.toml"))
    assert (paper.fit.batch, paper.fit.epochs, paper.fit.learning_rate, paper.fit.optimiser) == (256, 800, 5e-6, "adam")
    assert paper.net.blocks == (2, 2, 8)
    assert paper.net.heads[0] == 3
