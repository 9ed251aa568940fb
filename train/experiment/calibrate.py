"""Temperature scaling (Guo et al. 2017), from predictions of subjects that the predicting network had not seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize_scalar

from ahmsa.model.checkpoint import temper
from ahmsa.types import FloatArray
from train.map_set import IntArray

SPLITS = 5


def fit_temperature(labels: IntArray, probabilities: FloatArray) -> float:
    """The temperature under which (n, classes) out-of-fold probabilities make (n,) labels most likely; 0.1 to 10."""
    rows = np.arange(len(labels))

    def surprise(log_temperature: float) -> float:
        tempered = temper(probabilities, float(np.exp(log_temperature)))
        return float(-np.log(np.maximum(tempered[rows, labels], 1e-9)).mean())

    return float(np.exp(minimize_scalar(surprise, bounds=(np.log(0.1), np.log(10.0)), method="bounded").x))


def cross_tempered(labels: IntArray, probabilities: FloatArray, owners: Sequence[object]) -> FloatArray:
    """Each subject's probabilities under the temperature of OTHER subjects, so that the calibration error is honest too."""
    order = {owner: index for index, owner in enumerate(dict.fromkeys(owners))}
    part = np.array([order[owner] % SPLITS for owner in owners])
    tempered = probabilities.astype(np.float32).copy()
    for number in np.unique(part):
        own = part == number
        if not own.all():
            tempered[own] = temper(probabilities[own], fit_temperature(labels[~own], probabilities[~own]))
    return tempered
