from __future__ import annotations

import numpy as np
import pytest

from ahmsa.errors import DataError
from train.experiment.folds import assert_disjoint, inner_splits, leave_one_subject_out


def test_every_subject_is_held_out_once_and_trains_all_other_folds(make_maps):
    maps = make_maps()
    folds = leave_one_subject_out(maps)
    assert [fold.subject for fold in folds] == list(maps.subjects)
    assert sorted(np.concatenate([fold.test for fold in folds])) == list(range(len(maps)))
    for fold in folds:
        assert sorted(np.concatenate([fold.train, fold.test])) == list(range(len(maps)))


def test_the_same_subject_number_in_two_databases_is_two_people(make_maps):
    subjects = [fold.subject for fold in leave_one_subject_out(make_maps(subjects=3))]
    assert [(s.database, s.name) for s in subjects] == [("casme2", "01"), ("samm", "01"), ("smic", "01")]


def test_inner_splits_keep_subjects_whole_and_leave_the_test_subject_out(make_maps):
    maps = make_maps(subjects=9)
    fold = leave_one_subject_out(maps)[0]
    splits = inner_splits(maps, fold.train, 3, seed=4)
    assert sorted(np.concatenate([validation for _, validation in splits])) == sorted(fold.train)
    for train, validation in splits:
        assert not set(train) & set(fold.test)
        assert_disjoint(maps, train, validation)
    again = inner_splits(maps, fold.train, 3, seed=4)
    assert all(np.array_equal(a[1], b[1]) for a, b in zip(splits, again, strict=True))


def test_a_subject_on_both_sides_is_an_error(make_maps):
    with pytest.raises(DataError, match="both the training and the test part"):
        assert_disjoint(make_maps(), [0, 1], [2, 20])


def test_one_subject_cannot_be_left_out(make_maps):
    with pytest.raises(DataError, match="at least two"):
        leave_one_subject_out(make_maps(subjects=1))
