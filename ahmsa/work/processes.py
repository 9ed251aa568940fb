"""Work spread over the cores of this machine, by processes that end with the one that started them."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any, TypeVar

from ahmsa.errors import RunError
from ahmsa.work.threads import Supervised

_GIVEN = "given"

Given = TypeVar("Given")
Item = TypeVar("Item")
Result = TypeVar("Result")


def default_jobs() -> int:
    """One process per core that this process may use, at most 8: each holds about half a gigabyte."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, 8)


def in_processes(
    work: Callable[[Given, Item], Result], given: Given, items: Sequence[Item], jobs: int
) -> Iterator[tuple[Item, Result]]:
    """`work(given, item)` of every item as it is done, in any order; `given` is sent to each process once.

    work: a function of a module, because processes are spawned: torch, OpenCV, dlib and MediaPipe hold threads that a
    fork would leave behind half locked. Raises what `work` raises, and RunError where a process dies.
    """
    # By a file, and not through the pipe by which a process is started: that one holds 64 kB, and who writes more to it waits
    # for ever where the process at its other end dies before it has read them.
    folder = Path(tempfile.mkdtemp(prefix="ahmsa-"))
    pool = ProcessPoolExecutor(
        max_workers=max(1, min(jobs, len(items))),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start,
        initargs=(folder,),
    )
    try:
        (folder / _GIVEN).write_bytes(ForkingPickler.dumps((work, given)))
        items_of: dict[Future[Any], Item] = {pool.submit(_work, item): item for item in items}
        waiting = set(items_of)
        while waiting:
            finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in finished:
                yield items_of[future], future.result()
    except BrokenProcessPool:
        raise RunError(
            "a worker process died, most likely for want of memory; run again with fewer --jobs (it resumes)"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)
        shutil.rmtree(folder, ignore_errors=True)


_work_of_this_process: partial[Any] | None = None


def _start(folder: Path) -> None:
    global _work_of_this_process
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    # First of all, so that a parent that is killed while this process loads its libraries is followed without a word.
    Supervised("parent watch", lambda: _leave_with_parent(folder)).start()
    work, given = ForkingPickler.loads((folder / _GIVEN).read_bytes())
    _work_of_this_process = partial(work, given)


def _leave_with_parent(folder: Path) -> None:
    """A killed parent cannot tell its workers; they would wait for work forever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(1)


def _work(item: object) -> Any:
    assert _work_of_this_process is not None
    return _work_of_this_process(item)
