"""Sessions made of messages, without any picture."""

from pathlib import Path

import pytest

from streamer.session.recorder import Recorder
from streamer.stream import schema
from streamer.stream.clocks import ClockPair

GOLDEN = Path(__file__).parents[1] / "golden" / "messages.jsonl"
STARTED = ClockPair(76_200_000_000, 1_763_892_900_000_000_000)


@pytest.fixture
def golden():
    """An example of every message, of one session."""
    return [schema.decode(line) for line in GOLDEN.read_text().splitlines()]


@pytest.fixture
def motion():
    """Makes samples of a signal with two regions, published in the order of their times."""

    def make(t_ms, gate=None, px=0.1, face_id=0):
        regions = {"left_brow": schema.RegionMotion(px, 0.4), "left_lip": schema.RegionMotion(px / 2, 0.3)}
        t_ns = t_ms * 1_000_000
        return schema.MotionMessage(
            source="demo", t_capture_ns=t_ns, face_id=face_id, regions=regions, gate=gate, t_publish_ns=t_ns
        )

    return make


@pytest.fixture
def record(tmp_path):
    """Writes messages as a session; returns its folder."""

    def write(messages, **more):
        recorder = Recorder(tmp_path / "session", session="s1", source="demo", settings={}, started=STARTED, **more)
        for message in sorted(messages, key=lambda message: message.t_publish_ns):
            recorder.take(schema.topic_of(message), schema.encode(message))
        recorder.close("source ended")
        return recorder.folder

    return write
