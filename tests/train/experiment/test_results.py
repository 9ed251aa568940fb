"""From answers after every epoch to the protocols' choices, on answers small enough to judge by hand."""

from __future__ import annotations

import numpy as np

from train.execution.tasks import TaskResult
from train.experiment.results import answers_over_epochs, chosen_by_inner, chosen_on_test, curve
from train.models.contract import WHOLE_FOLD

LABELS = np.array([0, 1, 0, 1])


def sure(*predicted):
    """(n, 2) probabilities that leave no doubt."""
    return np.eye(2, dtype=np.float32)[list(predicted)]


def result(sample, probabilities, *, member=0, split=WHOLE_FOLD, fold=0):
    rows = len(sample)
    return TaskResult(
        epochs=np.array([5, 10]),
        fold=np.full(rows, fold),
        member=np.full(rows, member),
        split=np.full(rows, split),
        sample=np.array(sample),
        probabilities=np.stack(probabilities),
        seconds=0.0,
    )


def test_members_are_averaged_and_inner_networks_do_not_answer():
    parts = [
        result([0, 1], [sure(0, 0), sure(0, 1)], member=0),
        result([0, 1], [sure(1, 0), sure(0, 1)], member=1),
        result([2, 3], [sure(0, 1), sure(0, 1)]),
        result([0], [sure(1), sure(1)], split=0),
    ]
    epochs, answers = answers_over_epochs(parts, 4, 2)
    assert epochs.tolist() == [5, 10]
    assert answers[0].tolist() == [[0.5, 0.5], [1, 0], [1, 0], [0, 1]]
    assert answers[1].argmax(axis=1).tolist() == LABELS.tolist()


def test_the_epoch_is_chosen_by_inner_networks_and_the_later_of_equals():
    good, bad = sure(*LABELS), sure(*(1 - LABELS))
    first_is_best = result([0, 1, 2, 3], [good, bad], split=0, fold=0)
    equal = result([0, 1, 2, 3], [good, good], split=1, fold=1)
    outer = result([0, 1, 2, 3], [bad, good])  # must not be looked at: it answers the held-out subject
    assert chosen_by_inner([outer, first_is_best, equal], LABELS, 2, 2).tolist() == [0, 1]


def test_the_optimistic_choice_takes_the_best_epoch_of_every_test_subject():
    answers = np.stack([sure(0, 1, 1, 0), sure(1, 0, 0, 1)])
    assert chosen_on_test(answers, LABELS, np.array([0, 0, 1, 1])).tolist() == [0, 1]


def test_a_curve_has_scores_and_loss_per_epoch():
    first, second = curve(3, np.array([5, 10]), np.stack([sure(*LABELS), np.full((4, 2), 0.5, np.float32)]), LABELS)
    assert (first.seed, first.epoch, first.uf1, first.uar, first.loss) == (3, 5, 1.0, 1.0, 0.0)
    assert second.loss == np.float32(np.log(2))
