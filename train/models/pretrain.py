"""First weights from generated maps: brows, lids and lip corners that move as muscles move them, in all classes alike.

No real face takes part, so the same weights may start every fold. One network is fitted per member and seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from msgspec.structs import replace
from torch import Tensor

from ahmsa.errors import SettingsError
from ahmsa.model.net import network_input
from ahmsa.synth.maps import synthetic_maps
from ahmsa.types import LABELS, FloatArray
from configs.training import TrainSettings
from train.models.architecture import AHMSA, Architecture
from train.models.contract import Job
from train.models.fit import fit
from train.models.stack import state_of


def first_states(
    settings: TrainSettings, seeds: Sequence[int], device: str, architecture: Architecture = AHMSA
) -> list[dict[str, Tensor]] | None:
    """One pre-trained network's state per seed; None where the settings ask for no pre-training.

    Raises SettingsError where the classes are not the three that maps can be generated for, and for sequences.
    """
    return [_pretrained(settings, seed, device, architecture) for seed in seeds] if settings.pretrain.maps > 0 else None


@lru_cache(maxsize=64)
def _pretrained(settings: TrainSettings, seed: int, device: str, architecture: Architecture) -> dict[str, Tensor]:
    how = settings.pretrain
    if settings.net.classes != len(LABELS):
        raise SettingsError(f"pretrain: maps can be generated for {len(LABELS)} classes, not for {settings.net.classes}.")
    if settings.net.inputs != "map":
        raise SettingsError("pretrain: generated maps have no course in time; set pretrain.maps = 0 for sequences.")
    uvs, labels = _generated(how.maps)
    fitting = replace(
        settings.fit,
        epochs=how.epochs,
        batch=how.batch,
        learning_rate=how.learning_rate,
        class_weight=0.0,
        logit_adjustment=0.0,
    )
    job = Job("the generated maps", np.arange(len(labels)), seed)
    inputs = network_input(uvs, settings.net)
    recipe = replace(settings, fit=fitting)
    weights = fit(inputs, labels, [job], recipe, seed=seed, device=device, architecture=architecture)
    return state_of(weights, 0)


@lru_cache(maxsize=1)
def _generated(count: int) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    return synthetic_maps(count, seed=0)
