from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score, recall_score

from train.experiment.metrics import calibration_bins, calibration_error, intervals, score

TRUTH = np.array([0] * 6 + [1] * 3 + [2] * 3)


def test_scores_are_those_of_the_definition():
    answers = np.array([0, 0, 0, 0, 1, 2, 1, 1, 0, 2, 0, 0])
    found = score(TRUTH, answers, 3)
    f1 = [2 * 4 / (8 + 3 + 2), 2 * 2 / (4 + 1 + 1), 2 * 1 / (2 + 1 + 2)]
    assert found.uf1 == pytest.approx(np.mean(f1))
    assert found.uar == pytest.approx(np.mean([4 / 6, 2 / 3, 1 / 3]))
    assert found.confusion == [[4, 1, 1], [1, 2, 0], [2, 0, 1]]


def test_answering_always_the_same_is_chance():
    assert score(TRUTH, np.zeros_like(TRUTH), 3).uar == pytest.approx(1 / 3)


def test_a_class_that_is_not_there_does_not_count():
    assert score(np.array([0, 0, 1]), np.array([0, 0, 1]), 3).uf1 == 1.0


def test_the_interval_holds_the_score_and_widens_with_fewer_subjects():
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 300)
    answers = np.where(random.random(300) < 0.75, labels, random.integers(0, 3, 300))
    many = intervals(labels, [answers], [f"s{i // 5}" for i in range(300)], 3)
    few = intervals(labels, [answers], [f"s{i // 50}" for i in range(300)], 3)
    for name, value in (
        ("uf1", f1_score(labels, answers, average="macro")),
        ("uar", recall_score(labels, answers, average="macro")),
    ):
        low, high = getattr(many, name)
        assert low < value < high
    assert many.uf1[1] - many.uf1[0] < 0.15
    assert few == intervals(labels, [answers], [f"s{i // 50}" for i in range(300)], 3)


def test_confidence_that_is_earned_has_no_calibration_error():
    labels = np.array([0] * 8 + [1] * 2)
    fair = np.tile(np.array([[0.8, 0.2, 0.0]], np.float32), (10, 1))
    boastful = np.tile(np.array([[1.0, 0.0, 0.0]], np.float32), (10, 1))
    assert calibration_error(labels, fair) == pytest.approx(0, abs=1e-6)
    assert calibration_error(labels, boastful) == pytest.approx(0.2)
    assert sum(bin_.samples for bin_ in calibration_bins(labels, fair)) == 10
