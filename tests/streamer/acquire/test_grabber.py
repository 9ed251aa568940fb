import sys
import threading
import time

import numpy as np
import pytest

from ahmsa.errors import SourceError
from configs.schema import SourceSettings
from streamer.acquire.grabber import Grabber
from streamer.acquire.sources import _Capture

SETTINGS = SourceSettings(stall_s=0.2, reconnect_max_s=0.3, queue_frames=4)


def picture(number):
    return np.random.default_rng(number).integers(0, 256, (48, 64, 3), dtype=np.uint8)


class Device:
    """Delivers the pictures that it is given, then goes (`end` None) or hangs (`end` an event)."""

    def __init__(self, numbers, end=None):
        self.numbers, self.end, self.closed = list(numbers), end, False

    def read(self):
        if not self.numbers:
            if self.end is not None:
                self.end.wait()
            return None
        return time.monotonic_ns(), picture(self.numbers.pop(0))

    def close(self):
        self.closed = True


def collect(grabber, condition, deadline_s=10.0):
    got, end_s = [], time.monotonic() + deadline_s
    for frame in grabber:
        got.append(frame)
        if condition(got):
            return got
        assert time.monotonic() < end_s
    return got


def refuse():
    raise SourceError("no camera")


def test_a_device_that_hangs_is_offline_and_its_reader_is_not():
    release = threading.Event()
    with Grabber("camera", 30.0, Device([0, 1], release), refuse, SETTINGS) as grabber:
        got = collect(grabber, lambda got: grabber.reason is not None)
        assert [frame.index for frame in got if frame is not None] == [0, 1]
        assert None in got
        assert grabber.reason == "no new picture for 0.2 s"
        release.set()


def test_a_device_that_cannot_be_opened_again_keeps_its_reason():
    device = Device([0])
    with Grabber("camera", 30.0, device, refuse, SETTINGS) as grabber:
        collect(grabber, lambda got: grabber.reason is not None and got.count(None) >= 2)
        assert device.closed
        assert grabber.reason == "it stopped delivering pictures"


def test_numbers_go_on_over_a_reconnection_and_repeats_are_counted():
    devices = [Device([2, 2, 3])]
    release = threading.Event()

    def reopen():
        return devices.pop() if devices else Device([], release)

    with Grabber("camera", 30.0, Device([0, 1, 1]), reopen, SETTINGS) as grabber:
        got = collect(grabber, lambda got: sum(frame is not None for frame in got) == 4)
        assert [frame.index for frame in got if frame is not None] == [0, 1, 3, 5]
        assert grabber.account() == (6, {"duplicate": 2}, 0)
        assert grabber.reconnects >= 1
        release.set()


def test_a_full_queue_lets_the_oldest_go():
    release = threading.Event()
    with Grabber("camera", 30.0, Device(range(10), release), refuse, SETTINGS) as grabber:
        first = collect(grabber, lambda got: got[-1] is not None)[-1]
        end_s = time.monotonic() + 10
        while grabber.account()[0] < 10:
            assert time.monotonic() < end_s
            time.sleep(0.001)
        captured, drops, waiting = grabber.account()
        assert captured == 10 == 1 + drops["queue_full"] + waiting
        assert waiting <= 4
        got = collect(grabber, lambda got: len(got) == waiting)
        assert [frame.index for frame in got] == list(range(10 - waiting, 10))
        assert first.index < got[0].index
        release.set()


@pytest.mark.parametrize("error", [AttributeError("'NoneType' object has no attribute 'shape'"), MemoryError(), ValueError()])
def test_a_device_that_raises_is_lost_and_opened_again(error):
    class Wild(Device):
        def read(self):
            raise error

    with Grabber("camera", 30.0, Wild([]), lambda: Device([7]), SETTINGS) as grabber:
        frame = next(frame for frame in grabber if frame is not None)
        assert np.array_equal(frame.image, picture(7))


def test_a_picture_that_is_none_or_beyond_any_camera_although_all_is_said_to_be_well_is_no_picture():
    class Well:
        def __init__(self, image):
            self.image = image

        def grab(self):
            return True

        def retrieve(self):
            return True, self.image

    bomb = np.broadcast_to(np.zeros(3, np.uint8), (12_000, 16_000, 3))
    for image in (None, np.empty((0, 0, 3), np.uint8), np.zeros((4, 4), np.uint8), bomb):
        assert _Capture(Well(image)).read() is None
    assert _Capture(Well(np.zeros((4, 4, 3), np.uint8))).read() is not None


def test_a_dead_thread_ends_the_iteration_with_an_error():
    class Deadly(Device):
        def read(self):
            sys.exit()

    grabber = Grabber("cam", 30.0, Deadly([]), refuse, SETTINGS)
    with grabber, pytest.raises(RuntimeError, match="the thread that reads cam has ended"):
        for _ in grabber:
            pass
