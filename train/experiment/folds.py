"""Leave-one-subject-out folds and the subject-wise splits inside them. A split is pairs of index arrays, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ahmsa.databases.clips import Subject
from ahmsa.errors import DataError
from train.map_set import IntArray, MapSet


@dataclass(frozen=True, eq=False)
class Fold:
    """One held-out subject: (n,) indices into the map set of what trains and what tests."""

    subject: Subject
    train: IntArray
    test: IntArray


def leave_one_subject_out(maps: MapSet) -> list[Fold]:
    """One fold per (database, subject), in sorted order. Raises DataError where fewer than two subjects are given."""
    if len(maps.subjects) < 2:
        raise DataError(f"{maps.source} has {len(maps.subjects)} subject; leaving one out needs at least two.")
    owners = [sample.subject for sample in maps.samples]
    folds = []
    for subject in maps.subjects:
        held_out = np.array([owner == subject for owner in owners])
        fold = Fold(subject, np.flatnonzero(~held_out), np.flatnonzero(held_out))
        assert_disjoint(maps, fold.train, fold.test)
        folds.append(fold)
    return folds


def inner_splits(maps: MapSet, indices: IntArray, count: int, seed: int) -> list[tuple[IntArray, IntArray]]:
    """Subject-wise (train, validation) splits of `indices`, about equal in maps, for choices inside a fold.

    Subjects are dealt, in a seeded order but the larger first, to the split that has fewest maps so far.
    """
    members: dict[Subject, list[int]] = {}
    for index in indices:
        members.setdefault(maps.samples[index].subject, []).append(int(index))
    subjects = sorted(members)
    np.random.default_rng(seed).shuffle(subjects)
    subjects.sort(key=lambda subject: len(members[subject]), reverse=True)
    parts: list[list[int]] = [[] for _ in range(min(count, len(subjects)))]
    for subject in subjects:
        min(parts, key=len).extend(members[subject])
    splits = []
    for part in parts:
        validation = np.array(sorted(part), dtype=np.int64)
        train = np.setdiff1d(indices, validation)
        assert_disjoint(maps, train, validation)
        splits.append((train, validation))
    return splits


def assert_disjoint(maps: MapSet, train: Sequence[int] | IntArray, test: Sequence[int] | IntArray) -> None:
    """Raises DataError where a subject stands on both sides: every score after that would be a lie."""
    both = {maps.samples[i].subject for i in train} & {maps.samples[i].subject for i in test}
    if both:
        raise DataError(f"{maps.source}: subject {min(both)} is in both the training and the test part of a fold.")
