"""A thread that dies or falls silent is noticed by whoever looks after it."""

from __future__ import annotations

import threading

import pytest

from ahmsa.errors import RunError, SourceError
from ahmsa.work import threads
from ahmsa.work.threads import Silence, Supervised


def finished(work):
    thread = Supervised("worker", work)
    thread.start()
    thread.join(5.0)
    assert not thread.alive
    return thread


def failing(error):
    def work():
        raise error

    return work


def check_often(thread):
    for _ in range(8):
        thread.check(2.0)


def test_a_thread_that_ends_well_raises_nothing():
    finished(lambda: None).check(1.0)


def test_an_error_of_ours_is_raised_as_it_is():
    with pytest.raises(SourceError, match="no such camera"):
        finished(failing(SourceError("no such camera"))).check(1.0)


def test_any_other_error_is_said_in_a_sentence_with_the_threads_name():
    with pytest.raises(RunError, match="the worker thread died: ZeroDivisionError: by zero"):
        finished(failing(ZeroDivisionError("by zero"))).check(1.0)


def test_a_thread_that_beats_no_more_is_reported(monkeypatch):
    stop = threading.Event()
    thread = Supervised("worker", stop.wait)
    thread.start()
    try:
        now = iter(float(second) for second in range(100))
        monkeypatch.setattr(threads, "monotonic", lambda: next(now))
        thread.check(2.0)
        with pytest.raises(RunError, match="silent for 2 s"):
            check_often(thread)
    finally:
        stop.set()
        thread.join(5.0)


def test_silence_ends_with_every_change_and_a_sleep_of_the_caller_does_not_count(monkeypatch):
    times = iter([0.0, 1.0, 2.0, 3.0, 4000.0])
    monkeypatch.setattr(threads, "monotonic", lambda: next(times))
    silence = Silence()
    assert silence.look("a") == 0
    assert silence.look("a") == 1
    assert silence.look("b") == 0
    assert silence.look("b") < 100
