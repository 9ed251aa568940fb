"""A Ray cluster as a place where functions run. Ray is an extra: `pip install 'ahmsa[cluster]'`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from ahmsa.errors import RunError, UsageError

Item = TypeVar("Item")

RETRIES = 10
"""How often a task may lose its machine."""


def ray_module() -> Any:
    """Raises UsageError where Ray is not installed."""
    try:
        import ray
    except ImportError:
        raise UsageError("--cluster needs Ray; install it with: pip install 'ahmsa[cluster]'") from None
    return ray


@contextmanager
def connected(ray: Any, address: str) -> Iterator[None]:
    """A connection for as long as the work lasts; one that stood before is used and left standing.

    address: `auto` for the cluster that this machine belongs to, `ray://host:10001` for one elsewhere, or `host:6379`. Raises
    RunError where it cannot be reached.
    """
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


def result_of(ray: Any, reference: object, name: str) -> Any:
    """What a task returned. Raises what it raised, and RunError where the cluster gave it up."""
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None  # an error of the task itself, as it would have been here
    except ray.exceptions.RayError as error:
        reason = " ".join(str(error).split())[:200]
        raise RunError(f"the cluster gave up on {name} ({reason}); run again with --resume.") from None


def on_nodes(
    work: Callable[..., Any], given: object, items: Sequence[Item], name_of: Callable[[Item], str], *, gpus: int = 0
) -> Iterator[tuple[Item, Any]]:
    """`work(given, item)` of every item on the connected cluster, as it is done, in any order; `given` goes to a node once."""
    ray = ray_module()

    def call(given: object, item: Item) -> Any:  # Ray takes plain functions only
        return work(given, item)

    remote = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=RETRIES)(call)
    shared = ray.put(given)
    waiting = {remote.remote(shared, item): item for item in items}
    try:
        while waiting:
            for done in ray.wait(list(waiting), num_returns=1)[0]:
                item = waiting[done]
                result = result_of(ray, done, name_of(item))
                del waiting[done]
                yield item, result
    finally:
        for reference in waiting:
            ray.cancel(reference, force=True)
