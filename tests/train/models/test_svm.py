from __future__ import annotations

import numpy as np
import pytest

from ahmsa.flow.maps import recentre
from train.models.svm import fit_svm, svm_probabilities


@pytest.fixture(scope="module")
def given(make_maps):
    maps = make_maps(subjects=8)
    owners = np.array([maps.subjects.index(sample.subject) for sample in maps.samples])
    return recentre(maps.uvs), maps.labels, owners


def test_it_tells_separable_movements_apart_on_new_faces(given):
    inputs, labels, owners = given
    train, test = np.flatnonzero(owners > 1), np.flatnonzero(owners <= 1)
    answers = svm_probabilities(fit_svm(inputs, labels, owners, train), inputs[test], 3)
    assert (answers.argmax(axis=1) == labels[test]).mean() > 0.9
    np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-6)


def test_the_likeliest_class_is_the_one_it_votes_for(given):
    inputs, labels, owners = given
    machine = fit_svm(inputs, labels, owners, np.arange(len(labels)))
    votes = machine.predict(inputs.reshape(len(inputs), -1))
    np.testing.assert_array_equal(svm_probabilities(machine, inputs, 3).argmax(axis=1), votes)


def test_what_is_held_out_changes_nothing(given):
    inputs, labels, owners = given
    train = np.flatnonzero(owners > 0)
    spoiled, spoiled_labels = inputs.copy(), labels.copy()
    spoiled[owners == 0] = 1e3
    spoiled_labels[owners == 0] = 0
    one, other = fit_svm(inputs, labels, owners, train), fit_svm(spoiled, spoiled_labels, owners, train)
    np.testing.assert_array_equal(svm_probabilities(one, inputs, 3), svm_probabilities(other, inputs, 3))


def test_a_class_that_training_lacks_is_never_answered(given):
    inputs, labels, owners = given
    answers = svm_probabilities(fit_svm(inputs, labels, owners, np.flatnonzero(labels != 2)), inputs, 3)
    assert (answers[:, 2] == 0).all()
    np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-6)


def test_a_class_of_one_subject_only_leaves_nothing_to_choose_by(given):
    inputs, labels, owners = given
    train = np.flatnonzero((labels != 2) | (owners == owners[labels == 2][0]))
    assert svm_probabilities(fit_svm(inputs, labels, owners, train), inputs, 3).shape == (len(labels), 3)
