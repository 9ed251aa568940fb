"""Runs cases of one kind in child processes, so that a crash, an endless loop or a hunger for memory is one more finding."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import resource
import signal
import tempfile
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from fuzz.hypotheses import json_documents
from fuzz.kinds import KINDS, Kind
from fuzz.mutate import damaged

BATCH = 2000
"""Cases a child does; the time is looked at between children."""
CASE_S = 30
"""Of processor time; in ten times as long by the clock it must be done in any case, however busy the machine is."""
MEMORY_BYTES = 12 << 30
"""Of address space; libraries reserve much more than they use."""
_TEXT_KINDS = ("messages", "replies", "settings")


@dataclass
class Outcome:
    """What came out of a kind's cases."""

    clean: int = 0
    """An error of the tree, in one printable line."""
    read: int = 0
    """Read without complaint: the damage was not to be seen."""
    bad: Counter[str] = field(default_factory=Counter)
    """Any other end -> how often."""
    first: dict[str, int] = field(default_factory=dict)
    """Any other end -> number of its first case."""
    seconds: float = 0.0

    @property
    def cases(self) -> int:
        return self.clean + self.read + sum(self.bad.values())


def fuzz(name: str, cases: int, seed: int, minutes: float) -> Outcome:
    """`cases` of a kind, or as many as the minutes allow. The same seed gives the same cases."""
    outcome = Outcome()
    began_s = time.monotonic()
    context = multiprocessing.get_context("spawn")
    start = 0
    while start < cases and time.monotonic() - began_s < 60 * minutes:
        stop = min(cases, start + BATCH)
        start = _batch(context, name, seed, start, stop, outcome)
    outcome.seconds = time.monotonic() - began_s
    return outcome


def case(kind: Kind, name: str, seed: int, number: int) -> bytes:
    """The bytes of one case."""
    rng = random.Random(f"{name} {seed} {number}")
    if name in _TEXT_KINDS and number % 4 == 0:
        documents = json_documents(seed, number // 4)
        if documents is not None:
            return documents
    return damaged(rng.choice(kind.examples), rng)


def _batch(context: multiprocessing.context.SpawnContext, name: str, seed: int, start: int, stop: int, outcome: Outcome) -> int:
    """Cases from `start`; returns where to go on: after the case that killed the child, or at `stop`."""
    receive, send = context.Pipe(duplex=False)
    child = context.Process(target=_run_cases, args=(send, name, seed, start, stop))
    child.start()
    send.close()
    at, has_begun = start, False
    try:
        while True:
            at, how = receive.recv()
            has_begun = True
            if how == "begun":
                continue
            if how in ("clean", "read"):
                setattr(outcome, how, getattr(outcome, how) + 1)
            else:
                outcome.bad[how] += 1
                outcome.first.setdefault(how, at)
            at += 1
    except EOFError:
        child.join()
    if not has_begun:
        raise RuntimeError(f"the examples of {name} cannot be made: the child ended with {child.exitcode}")
    if at < stop:
        how = f"the process ended with {child.exitcode}"
        outcome.bad[how] += 1
        outcome.first.setdefault(how, at)
        return at + 1
    return stop


def _run_cases(send: Connection, name: str, seed: int, start: int, stop: int) -> None:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        kind = KINDS[name](Path(folder))
        for number in range(start, stop):
            send.send((number, "begun"))
            data = case(kind, name, seed, number)
            signal.setitimer(signal.ITIMER_PROF, CASE_S)
            signal.alarm(10 * CASE_S)
            send.send((number, _end_of(kind, data)))
            signal.alarm(0)
            signal.setitimer(signal.ITIMER_PROF, 0)


def _end_of(kind: Kind, data: bytes) -> str:
    from ahmsa.errors import AhmsaError
    from ahmsa.printable import LONGEST_LINE, is_printable

    try:
        kind.read(data)
    except AhmsaError as error:
        sentence = str(error)
        fine = is_printable(sentence) and 0 < len(sentence) <= LONGEST_LINE
        return "clean" if fine else f"no clean sentence: {json.dumps(sentence[:80])}"
    except BaseException as error:  # noqa: BLE001 (that is what is looked for)
        place = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}"
    return "read"
