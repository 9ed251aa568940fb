import numpy as np
import pytest

from fake_faces import face
from spotting.gates import FrameGate
from spotting.settings import SpotterSettings


def at(t_ms, level=0):
    return face(t_capture_ns=round(t_ms * 1e6), pixels=np.full((128, 128), level, np.uint8))


def test_the_same_picture_again_is_a_duplicate_and_a_changed_one_is_not():
    gate = FrameGate(SpotterSettings())
    assert [gate.update(at(0, 1)), gate.update(at(33, 1)), gate.update(at(66, 2))] == [None, "duplicate_frame", None]


def test_time_that_stands_still_is_a_duplicate():
    gate = FrameGate(SpotterSettings())
    gate.update(at(33, 1))
    assert gate.update(at(33, 2)) == "duplicate_frame"


def test_a_pause_is_a_stall_and_the_rate_is_measured_anew():
    gate = FrameGate(SpotterSettings())
    for i in range(10):
        gate.update(at(i * 20, i))
    assert gate.rate_hz == pytest.approx(50)
    assert gate.update(at(600, 99)) == "camera_stall"
    assert gate.rate_hz == float("inf")


def test_duplicates_do_not_count_as_frames():
    gate = FrameGate(SpotterSettings())
    for i in range(61):
        gate.update(at(i * 16.667, i // 4))
    assert gate.rate_hz == pytest.approx(15, abs=0.1)
