"""Groups of folds on many machines: each is a Ray task, and one whose machine dies is done again on another.

Ray is an extra (`pip install 'ahmsa[cluster]'`). Every node needs this package in the same version; maps travel to a node
once, results come back as they are done and are written by the machine that asked, so `--resume` works as ever.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from ahmsa.errors import RunError, UsageError
from train.execution.groups import Advance, Execute, Material, Part, Task, here

RETRIES = 10
"""How often a task may lose its machine."""


def on_cluster(address: str, device: str) -> Execute:
    """Does tasks on a Ray cluster.

    address: `auto` for the cluster that this machine belongs to, `ray://host:10001` for one elsewhere, or `host:6379`.
    device: what tasks compute with; with `cuda` each takes one GPU of its node.
    Raises UsageError where Ray is not installed, RunError where the cluster cannot be reached or gives a task up.
    """
    ray = _ray()

    def execute(material: Material, tasks: list[Task], advance: Advance) -> Iterator[tuple[Task, Part]]:
        if not tasks:
            return
        with _connected(ray, address):
            work = ray.remote(num_cpus=1, num_gpus=1 if device.startswith("cuda") else 0, max_retries=RETRIES)(_work)
            shared = ray.put(material)
            waiting = {work.remote(shared, task, device): task for task in tasks}
            try:
                while waiting:
                    for done in ray.wait(list(waiting), num_returns=1)[0]:
                        task = waiting[done]
                        part = _result(ray, done, task)
                        del waiting[done]
                        advance(material.settings.fit.epochs * len(task.jobs))
                        yield task, part
            finally:
                for reference in waiting:
                    ray.cancel(reference, force=True)

    return execute


def _work(material: Material, task: Task, device: str) -> Part:
    """On a node: do one task."""
    # What Ray shares between processes cannot be written to, and torch wants memory that can.
    own = replace(material, inputs=material.inputs.copy(), labels=material.labels.copy())
    ((_, part),) = here(device)(own, [task], _nobody_watches)
    return part


def _nobody_watches(networks: int) -> None:
    pass


def _result(ray: Any, reference: object, task: Task) -> Part:
    try:
        part: Part = ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None  # an error of the task itself, as it would have been here
    except ray.exceptions.RayError as error:
        reason = " ".join(str(error).split())[:200]
        raise RunError(f"the cluster gave up on {task.name} ({reason}); run again with --resume.") from None
    return part


def _ray() -> Any:
    try:
        import ray
    except ImportError:
        raise UsageError("--cluster needs Ray; install it with: pip install 'ahmsa[cluster]'") from None
    return ray


@contextmanager
def _connected(ray: Any, address: str) -> Iterator[None]:
    """A connection for as long as the work lasts; one that stood before is used and left standing."""
    if ray.is_initialized():
        yield
        return
    try:
        ray.init(address=address, log_to_driver=False, logging_level="error")
    except (ConnectionError, ImportError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise RunError(
            f"no Ray cluster at {address} ({reason}); start one with `ray start --head` or name another --cluster."
        ) from None
    try:
        yield
    finally:
        ray.shutdown()
