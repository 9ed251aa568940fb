"""Work that can be done anywhere and at any time: a group of networks to fit, and what they say of the subjects they never saw.

A task is small and can be sent to another machine; its result is a few arrays. Fitting and looking are kept apart: `fit` gets
only the training indices, and what is held out is looked at from outside, between epochs.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ahmsa.errors import DataError
from ahmsa.files import read_limited, write_whole
from ahmsa.types import FloatArray
from ahmsa.untrusted import foreign
from configs.training import TrainSettings
from train.map_set import IntArray
from train.models.fit import Job, fit
from train.models.pretrain import first_states
from train.models.stack import Network, Weights, is_out_of_memory, padded, probabilities_of
from train.models.svm import fit_svm, svm_probabilities

Advance = Callable[[int], None]
"""Told how many network-epochs were done since the last call."""

_LARGEST_PART_BYTES = 4 << 30

WHOLE_FOLD = -1
"""Split number of a network that trains on all of its fold's training subjects."""


@dataclass(frozen=True, eq=False)
class FoldJob:
    """One network to fit, and the maps it is looked at with."""

    job: Job
    held_out: IntArray
    fold: int
    member: int
    split: int
    """Number of the inner split, or WHOLE_FOLD."""


@dataclass(frozen=True, eq=False)
class Task:
    """Networks that train together."""

    name: str
    """Unique in the run, and the name of its result file."""
    seed: int
    jobs: tuple[FoldJob, ...]


@dataclass(frozen=True, eq=False)
class Part:
    """Answers of a task's networks: `rows` lines, one per network and held-out map."""

    epochs: IntArray
    """(e,) epochs after which the networks were looked at."""
    fold: IntArray
    member: IntArray
    split: IntArray
    sample: IntArray
    """(rows,) index of the map in the map set."""
    probabilities: FloatArray
    """(e, rows, classes)."""
    seconds: float
    """Wall time of the task."""


@dataclass(frozen=True, eq=False)
class Material:
    """What every task of a run works on."""

    inputs: FloatArray
    """(n, 3, h, w) network inputs."""
    labels: IntArray
    owners: IntArray
    """(n,) number of the subject each map is of."""
    settings: TrainSettings


Execute = Callable[[Material, list[Task], Advance], Iterable[tuple[Task, Part]]]
"""Does tasks and gives each with its result as soon as it is done, in any order."""


def network_seed(*numbers: int) -> int:
    """The seed of one network, from the run's seed, its member and, where there are some, its fold and inner split."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


def looked_at(settings: TrainSettings) -> list[int]:
    """Epochs (from 1) after which held-out maps are looked at: every so often, and the last."""
    last = settings.fit.epochs
    return [epoch for epoch in range(1, last + 1) if epoch % settings.evaluate_every == 0 or epoch == last]


def run_task(material: Material, task: Task, device: str, advance: Advance) -> Part:
    """Fit a task's networks together and keep what they answer on the way."""
    began = time.monotonic()
    jobs = task.jobs
    answers = (
        _svm_answers(material, task, advance) if material.settings.model == "svm" else _fitted(material, task, device, advance)
    )

    def per_row(values: list[int]) -> IntArray:
        return np.repeat(np.array(values, dtype=np.int64), [len(job.held_out) for job in jobs])

    return Part(
        epochs=np.array(looked_at(material.settings), dtype=np.int64),
        fold=per_row([job.fold for job in jobs]),
        member=per_row([job.member for job in jobs]),
        split=per_row([job.split for job in jobs]),
        sample=np.concatenate([job.held_out for job in jobs]),
        probabilities=np.stack(answers),
        seconds=time.monotonic() - began,
    )


def _fitted(material: Material, task: Task, device: str, advance: Advance) -> list[FloatArray]:
    """Answers on held-out maps after every epoch that is looked at."""
    settings, jobs = material.settings, task.jobs
    held_out = padded([material.inputs[job.held_out] for job in jobs])
    epochs = looked_at(settings)
    answers: list[FloatArray] = []

    def look(epoch: int, net: Network, weights: Weights) -> None:
        if epoch in epochs:
            probabilities = probabilities_of(net, weights, held_out, device)
            answers.append(np.concatenate([own[: len(job.held_out)] for own, job in zip(probabilities, jobs, strict=True)]))
        advance(len(jobs))

    fit(
        material.inputs,
        material.labels,
        [job.job for job in jobs],
        settings,
        seed=task.seed,
        device=device,
        initial=first_states(settings, [network_seed(task.seed, job.member) for job in jobs], device),
        watch=look,
    )
    return answers


def _svm_answers(material: Material, task: Task, advance: Advance) -> list[FloatArray]:
    """The same for a support vector machine, which knows no epochs: one answer, whenever it is looked at."""
    settings = material.settings
    said = []
    for job in task.jobs:
        machine = fit_svm(material.inputs, material.labels, material.owners, job.job.train)
        said.append(
            svm_probabilities(machine, material.inputs[job.held_out], settings.net.classes, settings.net.mirror_average)
        )
        advance(settings.fit.epochs)
    return [np.concatenate(said)] * len(looked_at(settings))


def here(device: str) -> Execute:
    """Does tasks one after the other on this machine; one that does not fit the memory is done in halves."""

    def execute(material: Material, tasks: list[Task], advance: Advance) -> Iterator[tuple[Task, Part]]:
        for task in tasks:
            yield task, _in_pieces(material, task, device, advance)

    return execute


def write_part(path: Path, part: Part) -> None:
    """Write a result at once: a file that exists is complete."""
    buffer = io.BytesIO()
    np.savez(
        buffer,
        epochs=part.epochs,
        fold=part.fold,
        member=part.member,
        split=part.split,
        sample=part.sample,
        probabilities=part.probabilities,
        seconds=np.array(part.seconds),
    )
    write_whole(path, buffer.getvalue())


def read_part(path: Path) -> Part:
    """Read a result; DataError where the file was damaged after it was written."""
    with (
        foreign(path, DataError, "delete it and run again with --resume."),
        np.load(io.BytesIO(read_limited(path, _LARGEST_PART_BYTES)), allow_pickle=False) as file,
    ):
        return Part(
            epochs=file["epochs"],
            fold=file["fold"],
            member=file["member"],
            split=file["split"],
            sample=file["sample"],
            probabilities=file["probabilities"],
            seconds=float(file["seconds"]),
        )


def _in_pieces(material: Material, task: Task, device: str, advance: Advance) -> Part:
    done = 0

    def count(networks: int) -> None:
        nonlocal done
        done += networks
        advance(networks)

    try:
        return run_task(material, task, device, count)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error) or len(task.jobs) == 1:
            raise
    advance(-done)
    if device.startswith("cuda"):
        torch.cuda.empty_cache()
    middle = len(task.jobs) // 2
    halves = [Task(task.name, task.seed, jobs) for jobs in (task.jobs[:middle], task.jobs[middle:])]
    first, second = (_in_pieces(material, half, device, advance) for half in halves)
    return Part(
        epochs=first.epochs,
        fold=np.concatenate([first.fold, second.fold]),
        member=np.concatenate([first.member, second.member]),
        split=np.concatenate([first.split, second.split]),
        sample=np.concatenate([first.sample, second.sample]),
        probabilities=np.concatenate([first.probabilities, second.probabilities], axis=1),
        seconds=first.seconds + second.seconds,
    )
