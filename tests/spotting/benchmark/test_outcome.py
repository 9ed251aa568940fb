"""What a detector found is counted as it was found, and beside what really happened."""

import dataclasses
import math

import pytest

from ahmsa.synth import event
from fake_faces import candidate, face
from spotting.benchmark.outcome import Outcome

WEAK, CLEAR = event("positive", 2.0, 0.7), event("surprise", 5.0, 2.0)


def spot(phase, true, **more):
    """A candidate that lies where a true movement does."""
    times = {name: round(getattr(true, f"{name}_ms") * 1e6) for name in ("onset", "apex", "offset")}
    faces = {name: face(n, t_capture_ns=times[name]) for n, name in enumerate(("onset", "apex"))}
    return dataclasses.replace(candidate(phase), **faces, offset_t_ns=times["offset"], **more)


@pytest.fixture
def outcome():
    """Only the clear one of two movements was found, announced 80 ms and confirmed 300 ms after its apex."""
    found = Outcome("ours")
    found.add_truth([WEAK, CLEAR], "a", 30.0)
    for phase, late_ms in (("provisional", 80), ("confirmed", 300)):
        found.take(spot(phase, CLEAR), round((CLEAR.apex_ms + late_ms) * 1e6), [WEAK, CLEAR], "a")
    return found


def test_hits_misses_and_delays_are_counted(outcome):
    micro = outcome.score.counts["micro"]
    assert (micro.tp, micro.fp, micro.fn) == (1, 0, 1)
    assert (outcome.provisional_ms, outcome.confirmed_ms) == ([80.0], [300.0])
    assert (outcome.announced, outcome.retracted, outcome.minutes) == (1, 0, 0.5)


def test_recall_is_told_by_amplitude(outcome):
    assert outcome.recall_between(1.0) == 1.0
    assert outcome.recall_between(0.5, 1.0) == 0.0
    assert math.isnan(outcome.recall_between(3.0))


def test_what_is_retracted_is_no_prediction(outcome):
    outcome.take(spot("retracted", WEAK, reason="blink"), 9_000_000_000, [WEAK, CLEAR], "a")
    assert (outcome.retracted, len(outcome.predicted)) == (1, 1)


def test_clips_add_up(outcome):
    other = Outcome("ours")
    other.add_truth([WEAK], "b", 30.0)
    other.take(spot("confirmed", WEAK), round(WEAK.apex_ms * 1e6) + 200_000_000, [WEAK], "b")
    outcome.add(other)
    micro = outcome.score.counts["micro"]
    assert (micro.tp, micro.fp, micro.fn, outcome.minutes) == (2, 0, 1, 1.0)
