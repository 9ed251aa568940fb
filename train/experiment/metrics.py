"""Scores as MEGC 2019 defines them: pooled over all folds first, then one number (paper 4.3).

UF1 is the mean over classes of 2 TP / (2 TP + FP + FN), UAR the mean over classes of TP / n; a class that has no sample in
the truth is left out of both.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, recall_score

from ahmsa.types import FloatArray, Matrix
from train.map_set import IntArray

BOOTSTRAPS = 2000
CALIBRATION_BINS = 10
Interval = tuple[float, float]


class Scores(msgspec.Struct, frozen=True, kw_only=True):
    """How well predictions fit the truth."""

    uf1: float
    uar: float
    accuracy: float
    confusion: list[list[int]]
    """Rows: truth, columns: prediction."""
    samples: int


class Intervals(msgspec.Struct, frozen=True, kw_only=True):
    """95 % intervals from resampling subjects, not maps: the maps of one face are not independent."""

    uf1: Interval
    uar: Interval
    accuracy: Interval


class Bin(msgspec.Struct, frozen=True, kw_only=True):
    """Answers of similar confidence, for the calibration plot."""

    confidence: float
    accuracy: float
    samples: int


def score(labels: IntArray, predictions: IntArray, classes: int) -> Scores:
    """Scores of (n,) predictions against (n,) labels."""
    present = [int(label) for label in np.unique(labels)]
    return Scores(
        uf1=float(f1_score(labels, predictions, labels=present, average="macro", zero_division=0)),
        uar=float(recall_score(labels, predictions, labels=present, average="macro", zero_division=0)),
        accuracy=float(accuracy_score(labels, predictions)),
        confusion=confusion_matrix(labels, predictions, labels=range(classes)).tolist(),
        samples=len(labels),
    )


def intervals(
    labels: IntArray, predictions: Sequence[IntArray], owners: Sequence[object], classes: int, seed: int = 0
) -> Intervals:
    """Subject-level bootstrap of the mean score over several seeds' predictions, each (n,) and in the order of `owners`."""
    order = {owner: index for index, owner in enumerate(dict.fromkeys(owners))}
    rows = np.array([order[owner] for owner in owners])
    draws = np.random.default_rng(seed).multinomial(len(order), np.full(len(order), 1 / len(order)), size=BOOTSTRAPS)
    sums = np.zeros((3, BOOTSTRAPS))
    for predicted in predictions:
        by_subject = np.zeros((len(order), classes, classes))
        np.add.at(by_subject, (rows, labels, predicted), 1)
        sums += _uf1_uar_accuracy(np.tensordot(draws, by_subject, axes=1).astype(np.float64))
    uf1, uar, accuracy = (_middle(values / len(predictions)) for values in sums)
    return Intervals(uf1=uf1, uar=uar, accuracy=accuracy)


def calibration_error(labels: IntArray, probabilities: FloatArray) -> float:
    """Expected calibration error: mean gap between confidence and accuracy over bins, weighted by their samples."""
    bins = calibration_bins(labels, probabilities)
    return sum(abs(bin_.confidence - bin_.accuracy) * bin_.samples for bin_ in bins) / max(1, len(labels))


def calibration_bins(labels: IntArray, probabilities: FloatArray) -> list[Bin]:
    """Bins of equal width over the confidence of (n, classes) probabilities; empty ones left out."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    place = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    return [
        Bin(
            confidence=float(confidence[place == b].mean()),
            accuracy=float(right[place == b].mean()),
            samples=int((place == b).sum()),
        )
        for b in np.unique(place)
    ]


def _uf1_uar_accuracy(confusions: Matrix) -> Matrix:
    """(3, d) scores of (d, classes, classes) confusion matrices."""
    hits = np.diagonal(confusions, axis1=1, axis2=2)
    truth, answers = confusions.sum(axis=2), confusions.sum(axis=1)
    present = truth > 0
    count = np.maximum(present.sum(axis=1), 1)
    f1 = np.where(present, 2 * hits / np.maximum(truth + answers, 1), 0)
    recall = np.where(present, hits / np.maximum(truth, 1), 0)
    accuracy = hits.sum(axis=1) / np.maximum(truth.sum(axis=1), 1)
    return np.stack([f1.sum(axis=1) / count, recall.sum(axis=1) / count, accuracy])


def _middle(values: npt.NDArray[np.float64]) -> Interval:
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)
