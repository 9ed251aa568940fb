"""What is remembered of the signal, and how it is smoothed where frames come unevenly."""

import numpy as np
import pytest

from spotting.history import History, smooth
from spotting.regions import REGIONS
from spotting.signal import Sample


def sample(t_ms, moved_px):
    shape = (len(REGIONS), 2)
    return Sample(
        t_capture_ns=round(t_ms * 1e6),
        displacement_px=np.full(shape, moved_px, np.float32),
        head_px=np.zeros(shape, np.float32),
        lost=np.zeros(len(REGIONS), bool),
        spread_px=np.zeros(len(REGIONS), np.float32),
        misfit_px=0.0,
        eye_openness=0.3,
        lip_gap_px=0.0,
        luma=120.0,
    )


def test_it_keeps_a_second_and_a_half():
    history = History(50.0)
    for t_ms in range(0, 4000, 100):
        history.add(sample(t_ms, t_ms))
    times_ms = history.window().times_ns / 1e6
    assert (times_ms[0], times_ms[-1], len(history)) == (2400, 3900, 16)
    assert history.newest.t_capture_ns == 3_900_000_000
    history.clear()
    assert len(history) == 0


def test_a_window_is_cut_by_time():
    history = History(50.0)
    for t_ms in (0, 33, 66, 400, 433):
        history.add(sample(t_ms, 0.0))
    window = history.window()
    assert (window.times_ns[window.since(40_000_000)] / 1e6).tolist() == [66, 400, 433]


def test_smoothing_keeps_a_constant_and_the_sum_of_weights_whatever_the_gaps():
    times_ns = np.array([0, 10, 30, 35, 90, 200], np.int64) * 1_000_000
    assert smooth(times_ns, np.full((6, 3), 2.5), 40.0) == pytest.approx(np.full((6, 3), 2.5))


def test_a_frame_that_is_half_the_width_away_has_half_the_weight():
    times_ns = np.array([0, 20], np.int64) * 1_000_000
    assert smooth(times_ns, np.array([[0.0], [3.0]]), 40.0).ravel() == pytest.approx([1.0, 2.0])


def test_a_jump_beyond_the_width_is_not_blurred():
    times_ns = np.arange(6) * 100_000_000
    values = np.array([0.0, 0, 0, 1, 1, 1])[:, None]
    assert smooth(times_ns, values, 80.0) == pytest.approx(values)


@pytest.mark.parametrize("step_ms", [33.0, 0.5])
def test_what_is_kept_is_right_however_long_it_runs(step_ms):
    """Also where more samples are kept than there was room for."""
    history = History(50.0)
    for number in range(5000):
        history.add(sample(number * step_ms, number))
        if number == 1500:
            earlier = history.window()
            then = earlier.times_ns.copy()
    window = history.window()
    assert np.array_equal(np.diff(window.times_ns), np.full(len(history) - 1, round(step_ms * 1e6)))
    assert window.times_ns[-1] == round(4999 * step_ms * 1e6)
    assert window.times_ns[-1] - window.times_ns[0] == round((len(history) - 1) * step_ms * 1e6)
    assert np.array_equal(earlier.times_ns, then)  # a window that was given away stays what it was
