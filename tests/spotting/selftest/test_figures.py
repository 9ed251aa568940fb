"""Covers spotting.selftest.trials."""

import math

import pytest

from ahmsa.synth.known.injection import Injection
from ahmsa.synth.known.movements import named_movements
from spotting.selftest.figures import Share, amplitude_found, curve, recall_by_amplitude, share
from spotting.selftest.trials import Conditions, Confirmed, trials_of

CALM = Conditions(2.0, talking=False)


def injected(at_s, amplitude_px=1.0):
    onset = round(at_s * 1e9)
    return Injection(named_movements(0)[0], amplitude_px, onset, onset + 150_000_000, onset + 350_000_000)


def tried(injections, seen, untouched=()):
    return trials_of("clip", injections, [CALM] * len(injections), seen, list(untouched))


def test_a_share_has_the_interval_of_wilson():
    assert Share(0, 10).interval == pytest.approx((0, 0.278), abs=0.001)
    assert Share(8, 10).interval == pytest.approx((0.490, 0.943), abs=0.001)
    assert Share(0, 0).interval == (0, 1)
    assert math.isnan(Share(0, 0).value)
    assert (str(Share(3, 4)), str(Share(0, 0))) == ("3/4", "-")


def test_found_is_a_confirmed_apex_no_more_than_100_ms_outside_the_movement():
    movements = [injected(1), injected(3), injected(5)]
    trials = tried(movements, [Confirmed(901, 2.0), Confirmed(3449, 3.0), Confirmed(4890, 9.0)])
    assert [trial.score for trial in trials] == [2.0, 3.0, 0.0]


def test_one_spot_finds_one_movement():
    close = [injected(1), injected(1.4)]
    assert [trial.found for trial in tried(close, [Confirmed(1380, 2.0)])] == [True, False]
    assert [trial.found for trial in tried(close, [Confirmed(1380, 2.0), Confirmed(1390, 2.0)])] == [True, True]


def test_what_the_untouched_video_has_in_the_same_place_is_told():
    [trial] = tried([injected(1)], [Confirmed(1150, 2.0)], [Confirmed(1200, 1.5)])
    assert trial.found
    assert trial.by_chance


def test_the_amplitude_of_which_four_in_five_are_found_lies_between_those_that_were_tried():
    recall = {0.5: Share(1, 10), 1.0: Share(6, 10), 2.0: Share(10, 10)}
    found = amplitude_found(recall)
    assert 1.0 < found < 2.0
    assert amplitude_found({0.5: Share(9, 10)}) == 0.5
    assert amplitude_found({0.5: Share(1, 10), 3.0: Share(7, 10)}) is None
    assert amplitude_found({}) is None


def test_a_lucky_small_amplitude_does_not_outweigh_larger_ones_that_are_missed():
    assert amplitude_found({0.5: Share(1, 1), 1.0: Share(2, 10), 2.0: Share(9, 10)}) > 1.0


def test_recall_by_amplitude_and_the_curve_count_the_same_trials():
    movements = [injected(1, 0.5), injected(3, 0.5), injected(5, 2.0)]
    trials = tried(movements, [Confirmed(1100, 1.2), Confirmed(5100, 4.0)])
    assert {a: str(s) for a, s in recall_by_amplitude(trials).items()} == {0.5: "1/2", 2.0: "1/1"}
    assert str(share(trials)) == "2/3"
    points = curve(trials, [Confirmed(0, 1.1), Confirmed(0, 2.5)], 0.5, [1.0, 2.0, 5.0])
    assert [(f, str(found), alarms) for f, found, alarms in points] == [(1.0, "2/3", 4.0), (2.0, "1/3", 2.0), (5.0, "0/3", 0.0)]
