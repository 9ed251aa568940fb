"""From the answers of many networks to the figures of a run, per protocol.

- `final`: the answer after the last epoch. Nothing was chosen. The default.
- `nested`: the epoch is chosen per fold by networks that trained and were judged on the fold's training subjects alone.
- `paper`: the best epoch ON THE TEST SUBJECT, as published scripts of this lineage choose it. Optimistic: it uses the answers
  it is judged by. It is computed beside the others only to show what that is worth.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec
import numpy as np

from ahmsa.types import FloatArray
from train.execution.tasks import TaskResult
from train.experiment.calibrate import cross_tempered, fit_temperature
from train.experiment.metrics import Bin, Intervals, Scores, calibration_bins, calibration_error, intervals, score
from train.map_set import IntArray, MapSet
from train.models.contract import WHOLE_FOLD

Protocol = Literal["final", "nested", "paper"]
OPTIMISTIC: frozenset[Protocol] = frozenset({"paper"})


class SeedResult(msgspec.Struct, frozen=True, kw_only=True):
    seed: int
    full: Scores
    databases: dict[str, Scores]
    """The same answers, restricted to each database's subjects."""


class SubjectResult(msgspec.Struct, frozen=True, kw_only=True):
    database: str
    subject: str
    samples: int
    accuracy: list[float]
    """One number per seed."""
    epoch: list[int]
    """The epoch whose answer counted, one per seed."""


class ProtocolResult(msgspec.Struct, frozen=True, kw_only=True):
    optimistic: bool
    """True: these figures used the test subjects' labels and must not be compared with honest ones."""
    seeds: list[SeedResult]
    uf1: float
    """Mean over the seeds; likewise below."""
    uar: float
    accuracy: float
    spread: dict[str, float]
    """Standard deviation over the seeds of uf1 and uar; 0 for one seed."""
    interval: Intervals
    """Of the mean over the seeds."""
    databases: dict[str, dict[str, float]]
    """Database -> uf1, uar, accuracy, means over the seeds."""
    database_intervals: dict[str, Intervals]
    """Of those means."""
    together: Scores
    """All seeds' networks answering as one, by the mean of their probabilities: how the exported checkpoint answers."""
    together_interval: Intervals
    temperature: float
    """Fitted to the answers of all seeds together."""
    calibration_error: float
    """Of all seeds together, each subject under the temperature of other subjects."""
    uncalibrated_error: float
    calibration: list[Bin]
    subjects: list[SubjectResult]


class CurvePoint(msgspec.Struct, frozen=True, kw_only=True):
    """Scores of all held-out subjects after an epoch; to look at, not to choose from."""

    seed: int
    epoch: int
    uf1: float
    uar: float
    loss: float
    """Mean negative log-likelihood."""


Answers = dict[Protocol, FloatArray]
"""Protocol -> (seeds, n, classes) probabilities, one line per map of the map set."""


def answers_over_epochs(parts: Sequence[TaskResult], count: int, classes: int) -> tuple[IntArray, FloatArray]:
    """Epochs (e,) and (e, n, classes) probabilities of one seed's networks on their held-out maps, averaged over members."""
    epochs = parts[0].epochs
    total = np.zeros((len(epochs), count, classes))
    members = np.zeros(count)
    for part in parts:
        whole = part.split == WHOLE_FOLD
        for own, answers in zip(total, part.probabilities, strict=True):
            np.add.at(own, part.sample[whole], answers[whole])
        np.add.at(members, part.sample[whole], 1)
    return epochs, (total / members[:, None]).astype(np.float32)


def chosen_by_inner(parts: Sequence[TaskResult], labels: IntArray, folds: int, classes: int) -> IntArray:
    """(folds,) place of the epoch whose inner networks judge the fold's training subjects best (UF1; the later of equals)."""
    split = np.concatenate([part.split for part in parts])
    inner = split != WHOLE_FOLD
    fold = np.concatenate([part.fold for part in parts])[inner]
    sample = np.concatenate([part.sample for part in parts])[inner]
    answers = np.concatenate([part.probabilities for part in parts], axis=1)[:, inner].argmax(axis=-1)
    places = []
    for number in range(folds):
        own = fold == number
        uf1 = [score(labels[sample[own]], predicted[own], classes).uf1 for predicted in answers]
        places.append(len(uf1) - 1 - int(np.argmax(uf1[::-1])))
    return np.array(places)


def chosen_on_test(answers: FloatArray, labels: IntArray, fold_of: IntArray) -> IntArray:
    """(folds,) place of the first epoch with the best accuracy on the test subject itself. Optimistic by construction."""
    right = answers.argmax(axis=-1) == labels
    return np.array([int(right[:, fold_of == fold].sum(axis=1).argmax()) for fold in range(int(fold_of.max()) + 1)])


def judge(protocol: Protocol, answers: FloatArray, epochs: IntArray, maps: MapSet, seeds: Sequence[int]) -> ProtocolResult:
    """Figures of (seeds, n, classes) answers; epochs: (seeds, folds) whose answer counted, folds in the order of subjects."""
    labels, classes = maps.labels, len(maps.label_names)
    owners = [sample.subject for sample in maps.samples]
    predictions = [own.argmax(axis=1) for own in answers]
    results = [
        SeedResult(seed=seed, full=score(labels, predicted, classes), databases=_per_database(maps, predicted))
        for seed, predicted in zip(seeds, predictions, strict=True)
    ]
    together = answers.mean(axis=0)
    tempered = cross_tempered(labels, together, owners)
    return ProtocolResult(
        optimistic=protocol in OPTIMISTIC,
        seeds=results,
        uf1=_mean(result.full.uf1 for result in results),
        uar=_mean(result.full.uar for result in results),
        accuracy=_mean(result.full.accuracy for result in results),
        spread={name: float(np.std([getattr(result.full, name) for result in results])) for name in ("uf1", "uar")},
        interval=intervals(labels, predictions, owners, classes),
        databases={
            database: {
                name: _mean(getattr(result.databases[database], name) for result in results)
                for name in ("uf1", "uar", "accuracy")
            }
            for database in maps.databases
        },
        database_intervals=_database_intervals(maps, predictions),
        together=score(labels, together.argmax(axis=1), classes),
        together_interval=intervals(labels, [together.argmax(axis=1)], owners, classes),
        temperature=fit_temperature(labels, together),
        calibration_error=calibration_error(labels, tempered),
        uncalibrated_error=calibration_error(labels, together),
        calibration=calibration_bins(labels, tempered),
        subjects=_per_subject(maps, predictions, epochs),
    )


def curve(seed: int, epochs: IntArray, answers: FloatArray, labels: IntArray) -> list[CurvePoint]:
    """Scores after every evaluated epoch; answers: (e, n, classes)."""
    points = []
    for epoch, own in zip(epochs, answers, strict=True):
        found = score(labels, own.argmax(axis=1), own.shape[1])
        loss = float(-np.log(np.maximum(own[np.arange(len(labels)), labels], 1e-9)).mean())
        points.append(CurvePoint(seed=seed, epoch=int(epoch), uf1=found.uf1, uar=found.uar, loss=loss))
    return points


def _per_database(maps: MapSet, predicted: IntArray) -> dict[str, Scores]:
    databases = np.array([sample.subject.database for sample in maps.samples])
    return {
        name: score(maps.labels[databases == name], predicted[databases == name], len(maps.label_names))
        for name in maps.databases
    }


def _database_intervals(maps: MapSet, predictions: Sequence[IntArray]) -> dict[str, Intervals]:
    owners = [sample.subject for sample in maps.samples]
    found = {}
    for name in maps.databases:
        own = [index for index, owner in enumerate(owners) if owner.database == name]
        predicted = [values[own] for values in predictions]
        found[name] = intervals(maps.labels[own], predicted, [owners[index] for index in own], len(maps.label_names))
    return found


def _per_subject(maps: MapSet, predictions: Sequence[IntArray], epochs: IntArray) -> list[SubjectResult]:
    owners = [sample.subject for sample in maps.samples]
    right = np.stack([predicted == maps.labels for predicted in predictions])
    results = []
    for fold, subject in enumerate(maps.subjects):
        own = np.array([owner == subject for owner in owners])
        results.append(
            SubjectResult(
                database=subject.database,
                subject=subject.name,
                samples=int(own.sum()),
                accuracy=[float(values[own].mean()) for values in right],
                epoch=[int(epoch) for epoch in epochs[:, fold]],
            )
        )
    return results


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))


def table_rows(results: Mapping[Protocol, ProtocolResult]) -> list[tuple[str, ProtocolResult]]:
    """Protocols with the name under which they may be shown: the optimistic one never without its warning."""
    return [(f"{name} (OPTIMISTIC)" if result.optimistic else name, result) for name, result in results.items()]
