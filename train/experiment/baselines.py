"""The yardsticks that every run is shown beside: same folds, same maps, same figures."""

from __future__ import annotations

from msgspec.structs import replace

from configs.load import load_settings, shipped
from configs.training import TrainSettings

BASELINES = ("svm", "ststnet")
FOLDER = "baselines"
"""Folder of a run in which its yardsticks lie, each a run of its own."""


def baseline_settings(name: str, classes: int) -> TrainSettings:
    """The preset of a yardstick, for so many classes."""
    preset = load_settings(TrainSettings, shipped(f"presets/{name}.toml"))
    return replace(preset, net=replace(preset.net, classes=classes))


def baseline_seeds(settings: TrainSettings, seeds: int) -> int:
    """A support vector machine has no chance in it: one seed says all."""
    return 1 if settings.model == "svm" else seeds
