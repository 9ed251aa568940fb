"""The same picture again is no news, and no frame rate."""

import numpy as np
import pytest

from ahmsa.images.distinct import FrameRate, is_same_picture


def test_only_the_very_same_picture_is_the_same():
    image = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    other = image.copy()
    assert is_same_picture(image, other)
    other[47, 63, 2] ^= 1
    assert not is_same_picture(image, other)
    assert not is_same_picture(image, image[:24])
    assert not is_same_picture(image, None)


def test_the_rate_is_that_of_the_past_second():
    rate = FrameRate()
    for n in range(30):
        rate.add(n * 10_000_000)
    assert rate.hz == pytest.approx(100)
    for n in range(1, 40):
        rate.add(290_000_000 + n * 50_000_000)
    assert rate.hz == pytest.approx(20)
    assert (rate.frames, rate.span_ns) == (21, 1_000_000_000)


def test_no_rate_is_known_before_two_frames_nor_after_time_went_back():
    rate = FrameRate()
    assert (rate.hz, rate.span_ns, rate.newest_ns) == (0.0, 0, 0)
    rate.add(70)
    assert rate.hz == 0.0
    rate.add(70 + 20_000_000)
    assert rate.hz == pytest.approx(50)
    rate.add(40)
    assert (rate.hz, rate.frames, rate.newest_ns) == (0.0, 1, 40)
    rate.reset()
    assert rate.frames == 0


def test_a_rate_below_one_a_second_is_measured_over_two_frames():
    rate = FrameRate()
    for n in range(4):
        rate.add(n * 2_000_000_000)
    assert rate.hz == pytest.approx(0.5)
