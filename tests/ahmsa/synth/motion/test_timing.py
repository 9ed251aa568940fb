import numpy as np
import pytest

from ahmsa.synth.motion.timing import course, macro_times_ms, micro_times_ms


def test_micro_times_follow_the_databases():
    rng = np.random.default_rng(0)
    times = np.array([micro_times_ms(rng) for _ in range(2000)])
    assert times.sum(axis=1).max() <= 500
    rise, fall = np.percentile(times, [10, 50, 90], axis=0).T
    assert rise == pytest.approx([113, 165, 235], abs=15)
    assert fall == pytest.approx([140, 205, 295], abs=22)
    macro = np.array([macro_times_ms(rng) for _ in range(200)]).sum(axis=1)
    assert 700 <= macro.min() <= macro.max() <= 4000


def test_a_course_rises_to_its_apex_and_is_over_at_the_offset():
    t = np.arange(0, 600.0)
    for hold in (0.0, 0.3):
        strength = np.array([course(x, 100, 265, 480, hold) for x in t])
        assert strength[t <= 100].max() == 0
        assert strength[t >= 480].max() == pytest.approx(0, abs=1e-9)
        assert strength.argmax() == 265
        assert strength.max() == 1
        assert np.abs(np.diff(strength)).max() < 0.02, "no jump"
