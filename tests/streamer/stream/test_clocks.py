from time import monotonic_ns, time_ns

import pytest

from streamer.stream.clocks import ClockPair, SessionClock, clock_pair, utc_ns_of, utc_text
from streamer.stream.schema import CaptureClock

START = ClockPair(monotonic_ns=5_000_000_000, utc_ns=0)


def test_a_pair_is_one_moment_on_both_clocks():
    before, pair, after = (monotonic_ns(), time_ns()), clock_pair(), (monotonic_ns(), time_ns())
    assert before[0] <= pair.monotonic_ns <= after[0]
    assert before[1] <= pair.utc_ns <= after[1]


@pytest.mark.parametrize("utc_ns", [0, 1_764_000_000_123_456_000, 1_764_000_000_999_999_000])
def test_utc_as_text_keeps_every_microsecond(utc_ns):
    assert utc_ns_of(utc_text(utc_ns)) == utc_ns


def test_a_cameras_capture_time_is_the_monotonic_clock():
    clock = SessionClock(START)
    assert clock.session_s("camera0", 7_500_000_000) == 2.5
    t_ns = monotonic_ns() - 3_000_000_000
    assert abs(time_ns() - 3_000_000_000 - utc_ns_of(clock.utc("camera0", t_ns))) < 5_000_000
    assert clock.capture_ns("camera0", t_ns, newest_ns=1) == t_ns


def test_a_file_at_its_own_speed_lies_on_the_wall_clock_where_its_first_frame_was_shown():
    clock = SessionClock(START)
    clock.learn("talk", CaptureClock("file", first_ns=0, behind_ns=6_000_000_000))
    assert clock.session_s("talk", 500_000_000) == 1.5
    assert clock.capture_ns("talk", 6_500_000_000, newest_ns=1) == 500_000_000
    assert clock.utc("talk", 0) == clock.utc("camera0", 6_000_000_000)[:-4] + clock.utc("talk", 0)[-4:]


def test_a_file_that_is_not_played_at_its_own_speed_has_no_place_on_the_wall_clock():
    clock = SessionClock(START)
    clock.learn("talk", CaptureClock("file", first_ns=90_000_000_000, behind_ns=None))
    assert clock.utc("talk", 91_000_000_000) is None
    assert clock.session_s("talk", 91_250_000_000) == 1.25
    assert clock.capture_ns("talk", 6_500_000_000, newest_ns=91_000_000_000) == 91_000_000_000
