import os
import signal
import tempfile
import threading
import time
from pathlib import Path

import psutil
import pytest

from ahmsa.errors import DataError, RunError
from ahmsa.work.processes import in_processes


def scaled(factor: int, number: int) -> int:
    if number == 13:
        raise DataError("13 is not a number we like")
    return factor * number


def gone(given: None, number: int) -> int:
    os._exit(3)


def test_every_item_comes_back_with_its_result():
    assert sorted(in_processes(scaled, 10, [1, 2, 3], jobs=2)) == [(1, 10), (2, 20), (3, 30)]


def test_an_error_of_the_work_is_raised_as_it_was():
    with pytest.raises(DataError, match="13 is not"):
        list(in_processes(scaled, 1, [13], jobs=1))


def test_a_process_that_dies_is_a_sentence_and_not_a_hang():
    with pytest.raises(RunError, match="worker process died"):
        list(in_processes(gone, None, [1], jobs=1))


class DeadOnArrival:
    """More data than a pipe holds, and the end of whoever reads it: as where memory runs out while a process starts."""

    def __init__(self):
        self.data = bytes(3_000_000)

    def __getstate__(self):
        return self.data

    def __setstate__(self, state):
        os._exit(9)


def test_a_process_that_dies_while_it_starts_is_a_sentence_and_not_a_hang(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(RunError, match="worker process died"):
        list(in_processes(gone, DeadOnArrival(), [1, 2], jobs=2))
    assert list(tmp_path.iterdir()) == []


def stands_still(how: str, number: int) -> int:
    if how == "stopped":
        os.kill(os.getpid(), signal.SIGSTOP)
    lock = threading.Lock()
    with lock:
        lock.acquire()
    return number


@pytest.mark.parametrize("how", ["stopped", "deadlocked"])
def test_a_process_that_stands_still_is_named_and_ended(how, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(RunError, match="stood still for 3 s"):
        list(in_processes(stands_still, how, [1, 2], jobs=2, silent_s=3))
    assert not any("spawn_main" in " ".join(child.cmdline()) for child in psutil.Process().children())
    assert list(tmp_path.iterdir()) == []


def in_the_way(given: None, number: int) -> None:
    Path(tempfile.gettempdir(), str(number)).mkdir()


def test_a_process_that_cannot_keep_its_results_says_so(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(RunError, match=r"cannot be used \(Is a directory\)"):
        list(in_processes(in_the_way, None, [0], jobs=1))
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr().err == ""


def sleepy(given: None, number: int) -> int:
    if number == 2:
        time.sleep(1000)
    return number


def test_who_stops_listening_leaves_no_process_even_where_one_is_at_work(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    results = in_processes(sleepy, None, [2, 1], jobs=2)
    assert next(results) == (1, 1)
    results.close()
    assert not any("spawn_main" in " ".join(child.cmdline()) for child in psutil.Process().children())
    assert list(tmp_path.iterdir()) == []


class UnsendableError(Exception):
    def __init__(self, one, two):
        super().__init__(one)


def fails_oddly(given: None, number: int) -> int:
    raise UnsendableError("first", "second")


def test_an_exception_that_cannot_be_sent_comes_back_by_its_name():
    with pytest.raises(RuntimeError, match="UnsendableError: first"):
        list(in_processes(fails_oddly, None, [1], jobs=1))
