"""Work spread over the cores of this machine, by processes that end with the one that started them.

Not a pool of the standard library: those share locks and pipes between their processes, so that one that is killed or stands
still can leave the others, and the program at its end, waiting for ever. Here every process has a pipe of its own, for numbers
alone; data and results lie in files.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any, TypeVar

from ahmsa.errors import RunError
from ahmsa.work.scratch import scratch_folder
from ahmsa.work.spawn import follow_parent, parent_has_gone, spawned, wake_helper
from ahmsa.work.threads import Silence, Supervised

SILENT_S = 600.0
"""A process that has computed nothing for so long, with work in hand, stands still."""
_GIVEN = "given"
_ALIVE = -1
"""What a process says instead of the number of an item that it has done."""
_LOOK_S = 0.5
_BEAT_S = 1.0
_BEAT_CPU_S = 0.005
"""Processor time that counts as computing; a look at the clock takes far less."""
_LEAVE_S = 2.0

Given = TypeVar("Given")
Item = TypeVar("Item")
Result = TypeVar("Result")


def default_jobs() -> int:
    """One process per core that this process may use, at most 8: each holds about half a gigabyte."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, 8)


def in_processes(
    work: Callable[[Given, Item], Result], given: Given, items: Sequence[Item], jobs: int, *, silent_s: float = SILENT_S
) -> Iterator[tuple[Item, Result]]:
    """`work(given, item)` of every item as it is done, in any order; `given` is sent to each process once.

    work: a function of a module, because processes are spawned: torch, OpenCV, dlib and MediaPipe hold threads that a
    fork would leave behind half locked. Raises what `work` raises, and RunError where a process dies, or computes nothing for
    `silent_s` although it has something to do. However it ends, no process is left, and what was under way is given up.
    """
    with scratch_folder() as folder:
        yield from _in_processes(folder, work, given, items, jobs, silent_s)


def _in_processes(
    folder: Path, work: Callable[[Given, Item], Result], given: Given, items: Sequence[Item], jobs: int, silent_s: float
) -> Iterator[tuple[Item, Result]]:
    workers: list[_Worker] = []
    try:
        (folder / _GIVEN).write_bytes(ForkingPickler.dumps((work, given, list(items))))
        waiting = list(range(len(items)))[::-1]
        for _ in range(max(1, min(jobs, len(items)))):
            workers.append(_Worker(folder))
        for worker in workers:
            worker.take(waiting)
        while busy := [worker for worker in workers if worker.item is not None]:
            wait([worker.connection for worker in busy], _LOOK_S)
            for worker in busy:
                for number in worker.done(silent_s):
                    worker.take(waiting)
                    yield items[number], _result(folder, number)
    finally:
        for worker in workers:
            worker.leave()
        deadline_s = time.monotonic() + _LEAVE_S
        for worker in workers:
            worker.end(deadline_s)
        wake_helper()


class _Worker:
    """One process, and the item that it has in hand."""

    def __init__(self, folder: Path) -> None:
        self.connection, theirs = multiprocessing.Pipe()
        self.item: int | None = None
        self._silence = Silence()
        self._signs = 0
        self._process = spawned(_serve, folder, theirs)
        theirs.close()  # so that the end of the process is the end of the pipe

    def take(self, waiting: list[int]) -> None:
        """Give it the next item, if there is one."""
        self.item = waiting.pop() if waiting else None
        if self.item is not None:
            with contextlib.suppress(OSError):  # it has died, which `done` finds
                self.connection.send(self.item)

    def done(self, silent_s: float) -> Iterator[int]:
        """The item that it has done, if it has. Raises RunError where it is dead, stands still or cannot go on."""
        try:
            while self.connection.poll():
                number = self.connection.recv()
                self._signs += 1
                if isinstance(number, str):
                    raise RunError(number)
                if number != _ALIVE:
                    yield number
        except (EOFError, OSError):
            if self.item is None:
                return
            raise RunError(
                "a worker process died, most likely for want of memory; run again with fewer --jobs (it resumes)"
            ) from None
        if self._silence.look(self._signs) > silent_s:
            raise RunError(f"a worker process has stood still for {silent_s:g} s and was ended; run again (it resumes)")

    def leave(self) -> None:
        """Let it go: one that waits for work goes by itself, one that is still at work is killed."""
        self.connection.close()
        if self.item is not None:
            self._process.kill()

    def end(self, deadline_s: float) -> None:
        self._process.join(max(0.0, deadline_s - time.monotonic()))
        if self._process.is_alive():
            self._process.kill()
            self._process.join(_LEAVE_S)


def _result(folder: Path, number: int) -> Any:
    path = folder / str(number)
    failure, told = ForkingPickler.loads(path.read_bytes())
    path.unlink()
    if failure is not None:
        raise failure from RuntimeError(f"in a worker process:\n{told}")
    return told


def _serve(folder: Path, connection: Connection) -> None:
    """What a process does: items by their numbers, until its pipe ends."""
    # First of all, so that a parent that is killed while this process loads its libraries is followed without a word.
    follow_parent(folder)
    Supervised("signs of life", lambda: _tell_of_life(connection)).start()
    tempfile.tempdir = str(folder)  # what the work makes for a while goes with it, even where this process is killed
    try:
        _serve_items(folder, connection)
    except OSError as error:
        if not parent_has_gone(_LEAVE_S):
            connection.send(f"{folder} cannot be used ({error.strerror or error}): set TMPDIR to another place and run again")


def _serve_items(folder: Path, connection: Connection) -> None:
    work, given, items = ForkingPickler.loads((folder / _GIVEN).read_bytes())
    while True:
        try:
            number = connection.recv()
        except (EOFError, OSError):
            return
        (folder / str(number)).write_bytes(_packed(work, given, items[number]))
        connection.send(number)


def _packed(work: Callable[[Any, Any], Any], given: object, item: object) -> bytes:
    """(None, what the work gives) or (what it raises, where it did)."""
    try:
        return bytes(ForkingPickler.dumps((None, work(given, item))))
    except Exception as error:  # noqa: BLE001 (raised again by the parent)
        where = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        try:
            packed = bytes(ForkingPickler.dumps((error, where)))
            ForkingPickler.loads(packed)
        except Exception:  # noqa: BLE001 (not every exception can be sent)
            packed = bytes(ForkingPickler.dumps((RuntimeError(f"{type(error).__name__}: {error}"), where)))
        return packed


def _tell_of_life(connection: Connection) -> None:
    """A word whenever the process has computed: a deadlock is silent, and so is a process that was stopped."""
    now_s = 0.0
    while True:
        time.sleep(_BEAT_S)
        before_s, now_s = now_s, time.process_time()
        if now_s - before_s > _BEAT_CPU_S:
            connection.send(_ALIVE)
