"""A run: one preset, one set of maps, leave one subject out, some seeds. Everything about it is in one folder.

    RUN/
      run.json            what the run is: format, preset (all settings), data (name, fingerprint, classes, subjects, samples),
                          group (networks per task). A folder is only ever continued by the same settings and data.
      parts/*.npz         one file per finished task (see `train.execution.tasks.TaskResult`); a file that exists is complete.
      results.json        every figure (`RunResults` below); written when all tasks are done, and again when more are added.
      predictions.csv     protocol, seed, database, subject, clip, label, predicted, epoch, one probability per class
      curves.csv          seed, epoch, uf1, uar, loss: all held-out subjects after every epoch that was evaluated

`RunResults.protocols` maps `final`, `paper` and, where it was asked for, `nested` to a
`train.experiment.results.ProtocolResult`; those with `optimistic: true` must be shown as OPTIMISTIC. A run that was killed at
any point and started again with the same settings ends with the same figures as one that was not.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import msgspec
import numpy as np

from ahmsa.errors import DataError, SettingsError
from ahmsa.files import read_limited, write_whole
from ahmsa.model.net import network_input
from ahmsa.types import FloatArray
from ahmsa.untrusted import FILE_BYTES, JsonDecoder, UnreadableError
from configs.training import TrainSettings
from train.execution.tasks import Executor, TaskResult, read_result, run_inline, write_result
from train.experiment.folds import Fold, inner_splits, leave_one_subject_out
from train.experiment.results import (
    CurvePoint,
    Protocol,
    ProtocolResult,
    answers_over_epochs,
    chosen_by_inner,
    chosen_on_test,
    curve,
    judge,
)
from train.map_set import IntArray, MapSet
from train.models.contract import WHOLE_FOLD, Advance, FoldJob, Job, Task, TrainingData, network_seed
from train.models.memory import networks_that_fit

_Decoded = TypeVar("_Decoded", bound=msgspec.Struct)
FORMAT: Literal["ahmsa-run-1"] = "ahmsa-run-1"
LARGEST_GROUP_ON_CPU = 16
"""More networks at once leave the cache, gain nothing on a CPU, and lose more work to a kill."""
Announce = Callable[[int], None]
"""Called with the total of epochs, over all fits, before the work begins."""


class DataCard(msgspec.Struct, frozen=True, kw_only=True):
    """Which maps a run is about."""

    name: str
    """Last part of the path they came from."""
    fingerprint: str
    samples: int
    subjects: list[tuple[str, str]]
    """(database, subject)."""
    classes: dict[str, int]
    """Label -> samples, in the order of the outputs."""


class RunCard(msgspec.Struct, frozen=True, kw_only=True):
    """What a run is; a folder belongs to one."""

    format: Literal["ahmsa-run-1"]
    preset: TrainSettings
    data: DataCard
    group: int


class RunResults(msgspec.Struct, frozen=True, kw_only=True):
    """Every figure of a run."""

    format: Literal["ahmsa-run-1"]
    preset: TrainSettings
    data: DataCard
    seeds: list[int]
    protocols: dict[Protocol, ProtocolResult]
    curves: list[CurvePoint]
    seconds: float
    """Wall time of all tasks, whether or not they ran in one go."""
    networks: int
    """Networks that were fitted."""


def run(
    maps: MapSet,
    settings: TrainSettings,
    folder: Path,
    *,
    seeds: Sequence[int] = (0,),
    nested: bool = False,
    resume: bool = False,
    device: str = "cpu",
    execute: Executor | None = None,
    announce: Announce | None = None,
    advance: Advance | None = None,
) -> RunResults:
    """Leave one subject out with every seed, and judge. `nested` adds the inner networks that protocol needs.

    execute: who does the tasks, `train.execution.tasks.run_inline` if None. Raises SettingsError where the folder holds another
    run, or this one and `resume` was not asked for.
    """
    maps.require_every_class()
    card = _card_of(folder, maps, settings, resume, device)
    folds = leave_one_subject_out(maps)
    tasks = [task for seed in seeds for task in plan(maps, folds, settings, seed, nested, card.group)]
    parts = folder / "parts"
    missing = [task for task in tasks if not (parts / f"{task.name}.npz").is_file()]
    if announce is not None:
        announce(settings.fit.epochs * sum(len(task.jobs) for task in missing))
    data = TrainingData(network_input(maps.uvs, settings.net, maps.sequences), maps.labels, _owners(maps), settings)
    for task, part in (execute or run_inline(device))(data, missing, advance or _ignore):
        write_result(parts / f"{task.name}.npz", part)
    done = {seed: [read_result(parts / f"{task.name}.npz") for task in tasks if task.seed == seed] for seed in seeds}
    return _write_results(folder, card, maps, folds, done, nested)


def plan(maps: MapSet, folds: Sequence[Fold], settings: TrainSettings, seed: int, nested: bool, group: int) -> list[Task]:
    """The tasks of one seed: every fold's networks in groups, then those of the inner splits."""
    outer = [
        FoldJob(Job(str(fold.subject), fold.train, network_seed(seed, member, number)), fold.test, number, member, WHOLE_FOLD)
        for member in range(settings.members)
        for number, fold in enumerate(folds)
    ]
    inner = [
        FoldJob(
            Job(f"{fold.subject} inner {split}", train, network_seed(seed, 0, number, split + 1)), held_out, number, 0, split
        )
        for number, fold in enumerate(folds)
        for split, (train, held_out) in enumerate(inner_splits(maps, fold.train, settings.inner_folds, seed))
    ]
    return [*_grouped("outer", seed, outer, group), *(_grouped("inner", seed, inner, group) if nested else [])]


def read_results(folder: Path) -> RunResults:
    """The figures of a finished run. Raises DataError where there are none yet, or they are of another program."""
    return _decode(folder / "results.json", RunResults)


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """Answers on subjects their networks never saw."""

    answers: FloatArray
    """(seeds, n, classes) probabilities."""
    epochs: IntArray
    """(seeds, folds) the epoch that answered."""


def _write_results(
    folder: Path, card: RunCard, maps: MapSet, folds: Sequence[Fold], done: dict[int, list[TaskResult]], nested: bool
) -> RunResults:
    seeds = list(done)
    points: list[CurvePoint] = []
    protocols: list[Protocol] = ["final", "nested", "paper"] if nested else ["final", "paper"]
    chosen: dict[Protocol, list[tuple[FloatArray, IntArray]]] = {protocol: [] for protocol in protocols}
    fold_of = np.zeros(len(maps), dtype=np.int64)
    for number, fold in enumerate(folds):
        fold_of[fold.test] = number
    classes = len(maps.label_names)
    for seed, parts in done.items():
        epochs, answers = answers_over_epochs(parts, len(maps), classes)
        points += curve(seed, epochs, answers, maps.labels)
        places: dict[Protocol, IntArray] = {
            "final": np.full(len(folds), len(epochs) - 1),
            "paper": chosen_on_test(answers, maps.labels, fold_of),
        }
        if nested:
            places["nested"] = chosen_by_inner(parts, maps.labels, len(folds), classes)
        for protocol, place in places.items():
            chosen[protocol].append((answers[place[fold_of], np.arange(len(maps))], epochs[place]))
    out_of_fold = {
        protocol: OutOfFold(np.stack([own for own, _ in given]), np.stack([own for _, own in given]))
        for protocol, given in chosen.items()
    }
    results = RunResults(
        format=FORMAT,
        preset=card.preset,
        data=card.data,
        seeds=seeds,
        protocols={name: judge(name, given.answers, given.epochs, maps, seeds) for name, given in out_of_fold.items()},
        curves=points,
        seconds=sum(part.seconds for parts in done.values() for part in parts),
        networks=sum(
            len(set(zip(part.fold, part.member, part.split, strict=True))) for parts in done.values() for part in parts
        ),
    )
    _write_predictions(folder / "predictions.csv", maps, seeds, out_of_fold, fold_of)
    _write_csv(
        folder / "curves.csv",
        ["seed", "epoch", "uf1", "uar", "loss"],
        [[p.seed, p.epoch, f"{p.uf1:.6f}", f"{p.uar:.6f}", f"{p.loss:.6f}"] for p in points],
    )
    write_whole(folder / "results.json", msgspec.json.format(msgspec.json.encode(results), indent=1))
    return results


def _card_of(folder: Path, maps: MapSet, settings: TrainSettings, resume: bool, device: str) -> RunCard:
    """The card of a new folder, or that of the same run begun earlier."""
    data = DataCard(
        name=Path(maps.source).name,
        fingerprint=maps.fingerprint,
        samples=len(maps),
        subjects=[(subject.database, subject.name) for subject in maps.subjects],
        classes=maps.class_counts,
    )
    card = open_folder(folder, settings, resume, data)
    if card is None:
        card = RunCard(format=FORMAT, preset=settings, data=data, group=_group(settings, device))
        write_whole(folder / "run.json", msgspec.json.format(msgspec.json.encode(card), indent=1))
    return card


def open_folder(folder: Path, settings: TrainSettings, resume: bool, data: DataCard | None = None) -> RunCard | None:
    """The card of a run begun earlier, None in a new folder. data: None where the maps are not there yet.

    Raises SettingsError where the folder holds something else, or this very run and `resume` was not asked for.
    """
    path = folder / "run.json"
    if not path.is_file():
        if folder.is_dir() and any(folder.iterdir()):
            raise SettingsError(f"{folder} is not empty and holds no run; choose another --out.")
        return None
    card = _decode(path, RunCard)
    different = _differences(msgspec.to_builtins(card.preset), msgspec.to_builtins(settings))
    if different:
        raise SettingsError(f"{folder} holds a run of other settings ({'; '.join(different[:3])}); choose another --out.")
    if data is not None and card.data.fingerprint != data.fingerprint:
        raise SettingsError(
            f"{folder} holds a run on other maps ({card.data.name}, {card.data.samples} maps); choose another --out."
        )
    if not resume:
        raise SettingsError(f"{folder} holds this run already; add --resume to go on with it, or choose another --out.")
    return card


def _owners(maps: MapSet) -> IntArray:
    """(n,) number of each map's subject."""
    numbers = {subject: number for number, subject in enumerate(maps.subjects)}
    return np.array([numbers[sample.subject] for sample in maps.samples], dtype=np.int64)


def _ignore(networks: int) -> None:
    """Nobody watches the progress."""


def _group(settings: TrainSettings, device: str) -> int:
    if settings.fit.group > 0:
        return settings.fit.group
    fitting = networks_that_fit(settings, device)
    return min(fitting, LARGEST_GROUP_ON_CPU) if device == "cpu" else fitting


def _grouped(kind: str, seed: int, jobs: Sequence[FoldJob], group: int) -> list[Task]:
    """Jobs in tasks of about equal size, none larger than `group`."""
    pieces = np.array_split(np.arange(len(jobs)), -(-len(jobs) // group))
    return [
        Task(f"{kind}-seed{seed}-{piece[0]:04d}-{piece[-1]:04d}", seed, tuple(jobs[int(i)] for i in piece)) for piece in pieces
    ]


def _differences(before: object, now: object, path: str = "") -> list[str]:
    """Settings that differ, as 'fit.epochs 60 there, 80 here'."""
    if isinstance(before, dict) and isinstance(now, dict):
        return [text for key in before for text in _differences(before[key], now.get(key), f"{path}.{key}".lstrip("."))]
    return [] if before == now else [f"{path} {before} there, {now} here"]


def _decode(path: Path, kind: type[_Decoded]) -> _Decoded:
    decoder: JsonDecoder[_Decoded] = JsonDecoder(kind, limit_bytes=FILE_BYTES)
    try:
        return decoder.decode(read_limited(path, FILE_BYTES))
    except OSError:
        raise DataError(f"no {path}; the run has not finished, or this is not a run folder.") from None
    except UnreadableError as error:
        raise DataError(f"{path} is not of format {FORMAT} ({error}); run again into another folder.") from None


def _write_predictions(
    path: Path, maps: MapSet, seeds: Sequence[int], out_of_fold: dict[Protocol, OutOfFold], fold_of: IntArray
) -> None:
    names = maps.label_names
    rows: list[list[object]] = []
    for protocol, given in out_of_fold.items():
        for seed, answers, epochs in zip(seeds, given.answers, given.epochs, strict=True):
            for index, (sample, answer) in enumerate(zip(maps.samples, answers, strict=True)):
                key = [protocol, seed, sample.subject.database, sample.subject.name, sample.name]
                said = [names[sample.label], names[int(answer.argmax())], int(epochs[fold_of[index]])]
                rows.append([*key, *said, *(f"{value:.6f}" for value in answer)])
    _write_csv(path, ["protocol", "seed", "database", "subject", "clip", "label", "predicted", "epoch", *names], rows)


def _write_csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    write_whole(path, text.getvalue())
