"""Work that can be done anywhere and at any time: a task of fits, and what they answer on the subjects they never saw.

A task is small and can be sent to another machine; its result is a few arrays.
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
from train.map_set import IntArray
from train.models.contract import Advance, Task, TrainingData, evaluation_epochs
from train.models.memory import is_out_of_memory
from train.models.registry import model_of

_LARGEST_RESULT_BYTES = 4 << 30


@dataclass(frozen=True, eq=False)
class TaskResult:
    """Answers of a task's networks: `rows` lines, one per network and held-out map."""

    epochs: IntArray
    """(e,) epochs after which the networks were evaluated."""
    fold: IntArray
    member: IntArray
    split: IntArray
    sample: IntArray
    """(rows,) index of the map in the map set."""
    probabilities: FloatArray
    """(e, rows, classes)."""
    seconds: float
    """Wall time of the task."""


Executor = Callable[[TrainingData, list[Task], Advance], Iterable[tuple[Task, TaskResult]]]
"""Does tasks and gives each with its result as soon as it is done, in any order."""


def run_task(data: TrainingData, task: Task, device: str, advance: Advance) -> TaskResult:
    """Fit a task's networks together and keep what they answer between epochs."""
    began = time.monotonic()
    jobs = task.jobs
    answers = model_of(data.settings).answers(data, task, device, advance)

    def per_row(values: list[int]) -> IntArray:
        return np.repeat(np.array(values, dtype=np.int64), [len(job.held_out) for job in jobs])

    return TaskResult(
        epochs=np.array(evaluation_epochs(data.settings), dtype=np.int64),
        fold=per_row([job.fold for job in jobs]),
        member=per_row([job.member for job in jobs]),
        split=per_row([job.split for job in jobs]),
        sample=np.concatenate([job.held_out for job in jobs]),
        probabilities=np.stack(answers),
        seconds=time.monotonic() - began,
    )


def run_inline(device: str) -> Executor:
    """Does tasks one after the other on this machine; one that does not fit the memory is done in halves."""

    def execute(data: TrainingData, tasks: list[Task], advance: Advance) -> Iterator[tuple[Task, TaskResult]]:
        for task in tasks:
            yield task, _in_pieces(data, task, device, advance)

    return execute


def write_result(path: Path, result: TaskResult) -> None:
    """Write a result at once: a file that exists is complete."""
    buffer = io.BytesIO()
    np.savez(
        buffer,
        epochs=result.epochs,
        fold=result.fold,
        member=result.member,
        split=result.split,
        sample=result.sample,
        probabilities=result.probabilities,
        seconds=np.array(result.seconds),
    )
    write_whole(path, buffer.getvalue())


def read_result(path: Path) -> TaskResult:
    """Read a result; DataError where the file was damaged after it was written."""
    with (
        foreign(path, DataError, "delete it and run again with --resume."),
        np.load(io.BytesIO(read_limited(path, _LARGEST_RESULT_BYTES)), allow_pickle=False) as file,
    ):
        return TaskResult(
            epochs=file["epochs"],
            fold=file["fold"],
            member=file["member"],
            split=file["split"],
            sample=file["sample"],
            probabilities=file["probabilities"],
            seconds=float(file["seconds"]),
        )


def _in_pieces(data: TrainingData, task: Task, device: str, advance: Advance) -> TaskResult:
    done = 0

    def count(networks: int) -> None:
        nonlocal done
        done += networks
        advance(networks)

    try:
        return run_task(data, task, device, count)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error) or len(task.jobs) == 1:
            raise
    advance(-done)
    if device.startswith("cuda"):
        torch.cuda.empty_cache()
    middle = len(task.jobs) // 2
    halves = [Task(task.name, task.seed, jobs) for jobs in (task.jobs[:middle], task.jobs[middle:])]
    first, second = (_in_pieces(data, half, device, advance) for half in halves)
    return TaskResult(
        epochs=first.epochs,
        fold=np.concatenate([first.fold, second.fold]),
        member=np.concatenate([first.member, second.member]),
        split=np.concatenate([first.split, second.split]),
        sample=np.concatenate([first.sample, second.sample]),
        probabilities=np.concatenate([first.probabilities, second.probabilities], axis=1),
        seconds=first.seconds + second.seconds,
    )
