"""Groups of folds on all cores of this machine: one process and one thread per core, a group each.

Small networks gain little from a second thread, but everything from a second process.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ahmsa.work.processes import in_processes
from train.execution.tasks import Executor, TaskResult, run_inline
from train.models.contract import Advance, Task, TrainingData
from train.models.memory import networks_that_fit


def on_cores(jobs: int) -> Executor:
    """Does tasks in at most `jobs` processes on the CPU; in fewer where so many groups would not fit the memory.

    The result does not depend on `jobs`: every task is done by one thread.
    """

    def execute(data: TrainingData, tasks: list[Task], advance: Advance) -> Iterator[tuple[Task, TaskResult]]:
        if not tasks:
            return
        largest = max(len(task.jobs) for task in tasks)
        together = min(jobs, len(tasks), networks_that_fit(data.settings, "cpu") // largest)
        if together <= 1:
            with one_thread():
                yield from run_inline("cpu")(data, tasks, advance)
            return
        for task, result in in_processes(_do, data, tasks, together):
            advance(data.settings.fit.epochs * len(task.jobs))
            yield task, result

    return execute


def _do(data: TrainingData, task: Task) -> TaskResult:
    with one_thread():
        ((_, result),) = run_inline("cpu")(data, [task], _nobody_watches)
    return result


def _nobody_watches(networks: int) -> None:
    """Progress is counted by whole tasks here."""


@contextmanager
def one_thread() -> Iterator[None]:
    """torch with one thread: for networks this small, threads mostly wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
