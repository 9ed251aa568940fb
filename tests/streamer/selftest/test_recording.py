from dataclasses import replace

import msgspec
import numpy as np
import pytest

from ahmsa.errors import SourceError
from ahmsa.synth import Disturbance, clip_of
from ahmsa.types import Frame
from configs.schema import LiveSettings
from streamer.selftest.measure import watch_untouched
from streamer.selftest.recording import record_source

SETTINGS = LiveSettings()


class FakeCamera:
    """Frames 40 ms apart, then silence."""

    name, reason = "camera0", "it stopped delivering pictures"

    def __init__(self, frames):
        self._frames = frames

    def __iter__(self):
        picture = np.random.default_rng(1).integers(0, 255, (120, 160, 3), dtype=np.uint8)
        for number in range(self._frames):
            yield Frame(number, 5_000_000_000 + number * 40_000_000, picture)
        while True:
            yield None


def test_a_camera_is_kept_in_memory_for_as_long_as_was_asked():
    told = []
    kept = record_source(FakeCamera(1000), 2.0, told.append)
    times = [frame.t_capture_ns for frame in kept.frames()]
    assert (times[0], times[-1]) == (5_000_000_000, 7_000_000_000)
    assert told[-1] == 2.0
    assert kept.name == "camera0"


def test_a_camera_that_falls_silent_is_given_up_with_its_reason():
    with pytest.raises(SourceError, match=r"camera0 fell silent \(it stopped delivering pictures\)"):
        record_source(FakeCamera(10), 2.0, lambda _: None, patience_s=0.05)


class TwoPeople:
    """One person stays, the other leaves after 3 s."""

    name = "two"

    def frames(self):
        stays = clip_of(duration_s=4.5)
        leaves = clip_of(nuisances=[Disturbance("away", 3000, 9000)], duration_s=4.5, person=2)
        for left, right in zip(stays, leaves, strict=True):
            yield replace(left, image=np.hstack([left.image, right.image]))


def test_of_two_people_of_whom_one_leaves_the_one_who_stays_is_measured():
    both = msgspec.structs.replace(SETTINGS, face=msgspec.structs.replace(SETTINGS.face, max_faces=2))
    untouched = watch_untouched(TwoPeople(), both)
    [said] = untouched.remarks
    assert said.startswith("2 faces were seen, for ")
    assert all(face is not None for face in untouched.faces)
    assert max(face.points_px[:, 0].max() for face in untouched.faces) < 640
