from __future__ import annotations

import pytest

from ahmsa.model.net import grid_side
from configs.load import load_settings, shipped
from configs.training import TrainSettings
from train.experiment.ablations import variants

PAPER = load_settings(TrainSettings, shipped("presets/paper.toml"))


def test_blocks_are_those_of_the_paper():
    blocks = [variant.net.blocks for variant in variants(PAPER, "blocks").values()]
    assert blocks == [(1, 1, 8), (2, 2, 8), (3, 3, 8), (4, 4, 8), (6, 6, 8), (8, 8, 8)]


def test_every_geometry_of_levels_and_factor_can_be_built():
    sides = {name: (grid_side(variant.net), variant.net.map_px) for name, variant in variants(PAPER, "levels").items()}
    assert sides["levels-3-factor-2"] == (4, 28)
    assert sides["levels-3-factor-3"] == (9, 36)
    assert sides["levels-1-factor-2"] == (1, 28)


@pytest.mark.parametrize("ablation", ["batch", "levels", "blocks"])
def test_steps_differ_and_the_preset_is_one_of_them(ablation):
    presets = list(variants(PAPER, ablation).values())
    assert len(set(map(repr, presets))) == len(presets)
    assert PAPER in presets
