"""A checkpoint on given maps: how well it does, and whether it had met those faces before."""

from __future__ import annotations

from typing import Literal

import msgspec

from ahmsa.databases.catalogue import respelt
from ahmsa.databases.clips import Subject
from ahmsa.errors import CheckpointError
from ahmsa.model.checkpoint import Checkpoint
from train.experiment.metrics import Bin, Intervals, Scores, calibration_bins, calibration_error, intervals, score
from train.map_set import MapSet


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """How well a checkpoint does on some subjects."""

    subjects: int
    scores: Scores
    interval: Intervals
    databases: dict[str, Scores]
    calibration_error: float
    """Of the probabilities as the checkpoint gives them, its own temperature applied."""
    calibration: list[Bin]


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """What `ahmsa-evaluate` finds; its JSON."""

    format: Literal["ahmsa-evaluation-1"] = "ahmsa-evaluation-1"
    model: str
    labels: list[str]
    data: str
    full: Judgement
    training_subjects: list[Subject]
    """Subjects of this data that the checkpoint was trained on: figures that count them in say nothing about new faces."""
    unseen: Judgement | None
    """The others alone, where there are some of both."""
    warning: str | None


def evaluate(checkpoint: Checkpoint, maps: MapSet, device: str = "cpu") -> Evaluation:
    """Judge a checkpoint. Raises CheckpointError where its classes are not the data's, or the maps were made otherwise."""
    _require_same_kind(checkpoint, maps)
    seen = _seen(checkpoint, maps)
    new = [index for index, sample in enumerate(maps.samples) if seen is None or sample.subject not in seen]
    return Evaluation(
        model=checkpoint.id,
        labels=list(checkpoint.labels),
        data=maps.source,
        full=_judge(checkpoint, maps, device),
        training_subjects=sorted(seen or ()),
        unseen=_judge(checkpoint, maps.take(new), device) if seen and new else None,
        warning=_warning(checkpoint, maps, seen),
    )


def _judge(checkpoint: Checkpoint, maps: MapSet, device: str) -> Judgement:
    probabilities = checkpoint.predict(maps.uvs, device, maps.sequences)
    predicted, classes = probabilities.argmax(axis=1), len(maps.label_names)
    owners = [sample.subject for sample in maps.samples]
    databases = {}
    for name in maps.databases:
        own = [index for index, owner in enumerate(owners) if owner.database == name]
        databases[name] = score(maps.labels[own], predicted[own], classes)
    return Judgement(
        subjects=len(maps.subjects),
        scores=score(maps.labels, predicted, classes),
        interval=intervals(maps.labels, [predicted], owners, classes),
        databases=databases,
        calibration_error=calibration_error(maps.labels, probabilities),
        calibration=calibration_bins(maps.labels, probabilities),
    )


def _require_same_kind(checkpoint: Checkpoint, maps: MapSet) -> None:
    if tuple(checkpoint.labels) != tuple(maps.label_names):
        raise CheckpointError(
            f"model {checkpoint.id} answers {', '.join(checkpoint.labels)}, but {maps.source} has the classes "
            f"{', '.join(maps.label_names)}; use a checkpoint of the same class set, or another --classes."
        )
    if maps.flow is not None and (maps.flow, maps.crop_px) != (checkpoint.flow, checkpoint.crop_px):
        raise CheckpointError(
            f"the maps of {maps.source} were made with other flow settings than those of model {checkpoint.id}; "
            "prepare them with the checkpoint's."
        )


def _seen(checkpoint: Checkpoint, maps: MapSet) -> set[Subject] | None:
    """Subjects of the maps that the checkpoint was trained on; None where its card does not say."""
    named = checkpoint.card.get("training_subjects")
    if not isinstance(named, list | tuple):
        return None
    met = {respelt(Subject(str(database), str(name))) for database, name in named}
    return {subject for subject in maps.subjects if respelt(subject) in met}


def _warning(checkpoint: Checkpoint, maps: MapSet, seen: set[Subject] | None) -> str | None:
    if seen is None:
        return f"The card of model {checkpoint.id} names no training subjects: whether it has met these faces is not known."
    if not seen:
        return None
    some = ", ".join(str(subject) for subject in sorted(seen)[:5]) + (", ..." if len(seen) > 5 else "")
    return (
        f"{len(seen)} of these {len(maps.subjects)} subjects are among those model {checkpoint.id} was TRAINED on ({some}). "
        "Figures that count them in are no measure of how it does on new faces."
    )
