"""What a model is to a run: something that fits the jobs of a task and answers the maps that each of them holds out.

A model of your own is an object with the members of `Model`; networks need only an `Architecture`
(`train.models.networks.NetworkModel`). Name it in the settings as `model = "module:name"`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ahmsa.types import FloatArray
from configs.training import TrainSettings
from train.map_set import IntArray

Advance = Callable[[int], None]
"""Called with how many epochs, over all fits, were done since the last call."""

WHOLE_FOLD = -1
"""Split number of a fit to all of its fold's training subjects."""


@dataclass(frozen=True, eq=False)
class Job:
    """One network to fit."""

    name: str
    """For messages, such as the held-out subject."""
    train: IntArray
    """(m,) indices of the maps it learns from."""
    seed: int
    """Of its first weights, its order of batches and its dropout."""


@dataclass(frozen=True, eq=False)
class FoldJob:
    """One fit, and the held-out maps that it answers."""

    job: Job
    held_out: IntArray
    fold: int
    member: int
    split: int
    """Number of the inner split, or WHOLE_FOLD."""


@dataclass(frozen=True, eq=False)
class Task:
    """Fits that are done together."""

    name: str
    """Unique in the run, and the name of its result file."""
    seed: int
    jobs: tuple[FoldJob, ...]


@dataclass(frozen=True, eq=False)
class TrainingData:
    """What every task of a run works on: the maps with their classes and owners, and the recipe."""

    inputs: FloatArray
    """(n, 3, h, w) network inputs."""
    labels: IntArray
    owners: IntArray
    """(n,) number of the subject each map is of."""
    settings: TrainSettings


def network_seed(*numbers: int) -> int:
    """The seed of one network, from the run's seed, its member and, where there are some, its fold and inner split."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


def evaluation_epochs(settings: TrainSettings) -> list[int]:
    """Epochs (from 1) after which held-out maps are answered: every `evaluate_every`, and the last."""
    last = settings.fit.epochs
    return [epoch for epoch in range(1, last + 1) if epoch % settings.evaluate_every == 0 or epoch == last]


class Model(Protocol):
    """A way to learn classes from flow maps."""

    is_random: bool
    """Whether another seed gives another answer."""
    is_exported: bool
    """Whether `ahmsa-train --final` can make a checkpoint of it."""

    def answers(self, data: TrainingData, task: Task, device: str, advance: Advance) -> list[FloatArray]:
        """Fit every job of the task to its own training maps, and answer what it holds out.

        Returns, for each of `evaluation_epochs`, (rows, classes) probabilities: the held-out maps of the first job, then those
        of the second, and so on. What a job holds out must not change what it learns.
        """

    def bytes_each(self, settings: TrainSettings) -> int:
        """A generous estimate of the memory that one fit needs."""
