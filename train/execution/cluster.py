"""Groups of folds on many machines: each is a Ray task, and one whose machine dies is done again on another.

Ray is an extra (`pip install 'ahmsa[cluster]'`). Every node needs this package in the same version; maps travel to a node
once, results come back as they are done and are written by the machine that asked, so `--resume` works as ever.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from ahmsa.work.cluster import connected, on_nodes, ray_module
from train.execution.tasks import Executor, TaskResult, run_inline
from train.models.contract import Advance, Task, TrainingData


def on_cluster(address: str, device: str) -> Executor:
    """Does tasks on a Ray cluster.

    address: `auto` for the cluster that this machine belongs to, `ray://host:10001` for one elsewhere, or `host:6379`.
    device: what tasks compute with; with `cuda` each takes one GPU of its node.
    Raises UsageError where Ray is not installed, RunError where the cluster cannot be reached or gives a task up.
    """
    ray = ray_module()
    gpus = 1 if device.startswith("cuda") else 0

    def execute(data: TrainingData, tasks: list[Task], advance: Advance) -> Iterator[tuple[Task, TaskResult]]:
        if not tasks:
            return
        with connected(ray, address):
            for task, result in on_nodes(partial(_work, device), data, tasks, lambda task: task.name, gpus=gpus):
                advance(data.settings.fit.epochs * len(task.jobs))
                yield task, result

    return execute


def _work(device: str, data: TrainingData, task: Task) -> TaskResult:
    """On a node: do one task."""
    # What Ray shares between processes cannot be written to, and torch wants memory that can.
    own = replace(data, inputs=data.inputs.copy(), labels=data.labels.copy())
    ((_, result),) = run_inline(device)(own, [task], _nobody_watches)
    return result


def _nobody_watches(networks: int) -> None:
    pass
