"""Samples of the spotting signal in a recorded session, and the time that each stands for."""

import pytest

from streamer.session.signal import SignalBuilder


def signal_of(messages, end_ms=0):
    builder = SignalBuilder()
    for message in messages:
        builder.add(message)
    return builder.signal(end_ms * 1_000_000)


@pytest.mark.parametrize("every_ms", [33, 100, 500, 2000])
def test_samples_stand_for_all_of_the_time_however_seldom_they_were_published(motion, every_ms):
    signal = signal_of([motion(n * every_ms) for n in range(10)], end_ms=10 * every_ms)
    assert signal.spans_s().sum() == pytest.approx(10 * every_ms / 1000)


@pytest.mark.parametrize("every_ms", [33, 500])
def test_a_pause_counts_for_nobody(motion, every_ms):
    times_ms = [n * every_ms for n in range(10)] + [20_000 + n * every_ms for n in range(10)]
    signal = signal_of([motion(t_ms) for t_ms in times_ms], end_ms=20_000 + 10 * every_ms)
    assert signal.spans_s().sum() == pytest.approx(20 * every_ms / 1000)
    assert signal.nearest(10_000 * 1_000_000) is None


def test_a_gate_that_is_shut_on_both_sides_of_a_pause_was_shut_twice(motion):
    signal = signal_of([motion(t_ms, gate="blink") for t_ms in (0, 33, 66, 5000, 5033)])
    assert list(signal.stretches()) == [("blink", 0, 2), ("blink", 3, 4)]


def test_the_line_of_a_slow_signal_has_a_hole_only_where_there_is_a_pause(motion):
    signal = signal_of([motion(t_ms) for t_ms in (0, 500, 1000, 1500, 9000, 9500)])
    assert signal.follows_pause.tolist() == [False, False, False, False, True, False]
