import pytest

from streamer.acquire.watched import WatchedMinute


def see(minute, seconds, start_s=0.0, **gates):
    for number in range(round(seconds * 10)):
        minute.see(round((start_s + number / 10) * 1e9), {"upper": None, "lower": None, **gates})


def test_each_half_has_its_share_and_its_reasons():
    minute = WatchedMinute()
    see(minute, 30)
    see(minute, 10.1, 30, lower="speech")
    halves = minute.halves()
    assert (halves["upper"].share, halves["upper"].not_watched) == (1.0, {})
    assert halves["lower"].share == pytest.approx(0.75, abs=0.01)
    assert halves["lower"].not_watched == {"speech": pytest.approx(0.25, abs=0.01)}


def test_what_is_older_than_a_minute_is_forgotten():
    minute = WatchedMinute()
    see(minute, 60, upper="head_motion", lower="head_motion")
    see(minute, 60.2, 60)
    assert minute.halves()["upper"].share == pytest.approx(1.0, abs=1e-9)
    assert minute.halves()["upper"].not_watched == {}


def test_a_pause_in_the_frames_was_not_watched():
    minute = WatchedMinute()
    see(minute, 5)
    see(minute, 5, 10)
    assert minute.halves()["lower"].not_watched == {"camera_stall": pytest.approx(5.1 / 14.9, abs=0.01)}


def test_nothing_is_claimed_before_there_is_time():
    minute = WatchedMinute()
    assert minute.halves() == {}
    see(minute, 0.1)
    assert minute.halves() == {}
