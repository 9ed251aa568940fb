from __future__ import annotations

from pathlib import Path

import pytest

from ahmsa.settings import NetSettings
from configs.training import FitSettings, TrainSettings
from train.experiment.runner import run

TINY = TrainSettings(
    net=NetSettings(channels=(8, 12, 16), heads=(2, 2, 2), blocks=(1, 1, 1), expansion=2.0),
    fit=FitSettings(epochs=2, batch=16, learning_rate=4e-3),
    evaluate_every=1,
)


@pytest.fixture(scope="session")
def tiny() -> TrainSettings:
    return TINY


@pytest.fixture(scope="session")
def maps(make_maps):
    return make_maps()


@pytest.fixture(scope="session")
def finished(maps, tmp_path_factory) -> Path:
    """A run of two seeds with all protocols, and a baseline inside it."""
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    run(maps, TINY, folder, seeds=[0, 1], nested=True)
    run(maps, TINY, folder / "baselines" / "lesser", seeds=[0])
    return folder


@pytest.fixture(scope="session")
def ablated(maps, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "batches"
    for name in ("batch-16", "batch-8"):
        run(maps, TINY, folder / name, seeds=[0])
    return folder
