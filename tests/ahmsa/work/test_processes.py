import os
import tempfile

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
