"""A source of the caller's own, with no more members than the program needs."""

import numpy as np
import pytest

from ahmsa.errors import SourceError
from ahmsa.types import Frame
from fake_recogniser import Recogniser
from streamer.offline.library import analyse, watch


class Own:
    """Thirty frames of noise, a second of them; closed by whoever made it."""

    name, live, behind_ns, reason = "microscope", False, None, None

    def __init__(self, failure=None):
        self._failure, self._given = failure, 0

    def __iter__(self):
        for index in range(30):
            self._given += 1
            image = np.random.default_rng(index).integers(0, 256, (48, 64, 3), dtype=np.uint8)
            yield Frame(index, index * 33_333_333, image)
            yield None
        if self._failure is not None:
            raise self._failure

    def account(self):
        return self._given, {}, 0


class Blind:
    """A detector that finds nobody."""

    def detect(self, image):
        return []

    def close(self):
        pass


def test_six_members_are_enough_for_a_session(tmp_path):
    session = analyse(Own(), out=tmp_path / "kept", detector=Blind(), recogniser=Recogniser())
    assert session.record.source == "microscope"
    assert session.events == []
    assert (tmp_path / "kept" / "session.json").is_file()


def test_what_the_source_raises_is_raised(tmp_path):
    with pytest.raises(SourceError, match="the lamp went out"):
        analyse(Own(SourceError("the lamp went out")), detector=Blind(), recogniser=Recogniser())


def test_it_can_be_watched_to_its_end():
    source = Own()
    assert list(watch(source, detector=Blind(), recogniser=Recogniser())) == []
    assert source.account()[0] == 30


def test_a_file_that_is_not_there_is_said_before_any_model_is_loaded(tmp_path):
    with pytest.raises(SourceError, match="no video file"):
        analyse(tmp_path / "gone.mp4", checkpoint=tmp_path / "gone.safetensors")
