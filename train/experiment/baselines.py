"""The baselines that every run is shown beside: same folds, same maps, same figures."""

from __future__ import annotations

from msgspec.structs import replace

from configs.load import load_settings, shipped
from configs.training import TrainSettings
from train.models.registry import model_of

BASELINES = ("svm", "ststnet")
FOLDER = "baselines"
"""Folder of a run in which its baselines lie, each a run of its own."""


def baseline_settings(name: str, classes: int) -> TrainSettings:
    """The preset of a baseline, for so many classes."""
    preset = load_settings(TrainSettings, shipped(f"presets/{name}.toml"))
    return replace(preset, net=replace(preset.net, classes=classes))


def baseline_seeds(settings: TrainSettings, seeds: int) -> int:
    """One where another seed gives the same answers."""
    return seeds if model_of(settings).is_random else 1
