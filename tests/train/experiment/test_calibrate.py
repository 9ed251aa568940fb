from __future__ import annotations

import numpy as np
import pytest

from ahmsa.model.checkpoint import temper
from train.experiment.calibrate import cross_tempered, fit_temperature
from train.experiment.metrics import calibration_error


@pytest.fixture
def boastful():
    """Honest probabilities, labels drawn from them, and the same probabilities sharpened threefold."""
    random = np.random.default_rng(0)
    honest = random.dirichlet([1.0, 1.0, 1.0], 2000).astype(np.float32)
    labels = np.array([random.choice(3, p=row / row.sum()) for row in honest.astype(np.float64)])
    return labels, temper(honest, 1 / 3)


def test_the_temperature_undoes_overconfidence(boastful):
    labels, sharpened = boastful
    temperature = fit_temperature(labels, sharpened)
    assert temperature == pytest.approx(3, rel=0.1)
    assert calibration_error(labels, temper(sharpened, temperature)) < 0.03 < calibration_error(labels, sharpened)


def test_a_subjects_own_answers_do_not_set_its_temperature(boastful):
    labels, sharpened = boastful
    owners = [f"s{index // 40}" for index in range(len(labels))]
    tempered = cross_tempered(labels, sharpened, owners)
    changed_labels = labels.copy()
    changed_labels[:40] = (changed_labels[:40] + 1) % 3
    again = cross_tempered(changed_labels, sharpened, owners)
    np.testing.assert_array_equal(tempered[:40], again[:40])
    assert not np.array_equal(tempered[40:], again[40:])
