import subprocess
import sys
from pathlib import Path

import jsonschema
import msgspec
import pytest

from ahmsa.errors import StreamError
from streamer.stream import schema as wire

GOLDEN = Path(__file__).parents[1] / "golden" / "messages.jsonl"
SCHEMA = Path(__file__).parents[3] / "docs" / "stream.schema.json"


def golden_lines():
    return GOLDEN.read_text().splitlines()


def emotion(**changes):
    values = {
        "source": "demo",
        "t_capture_ns": 2,
        "event_id": "f0-1",
        "face_id": 0,
        "label": "positive",
        "probabilities": {"negative": 0.1, "positive": 0.8, "surprise": 0.1},
        "confidence": 0.8,
        "calibrated": True,
        "onset": wire.Moment(1, 1),
        "apex": wire.Moment(2, 2),
        "amplitude_px": 1.2,
        "score": 2.0,
        "model": "abc",
    }
    return wire.EmotionMessage(**{**values, **changes})


def test_the_schema_in_docs_is_current():
    assert SCHEMA.read_text() == wire.json_schema_text(), "run: ahmsa-watch --schema > docs/stream.schema.json"


@pytest.mark.parametrize("line", golden_lines())
def test_golden_messages_keep_their_bytes_and_fit_the_schema(line):
    message = wire.decode(line)
    assert wire.encode(message).decode() == line
    jsonschema.validate(msgspec.json.decode(line), wire.json_schema())


def test_golden_examples_cover_every_kind_of_message():
    kinds = {msgspec.json.decode(line)["schema"] for line in golden_lines()}
    assert kinds == {f"ahmsa.{kind}/1" for kind in ("emotion", "spot", "motion", "status", "marker")}


def test_topics_end_with_a_dot_so_that_face_1_is_not_a_prefix_of_face_10():
    one, ten = wire.topic_of(emotion(face_id=1)), wire.topic_of(emotion(face_id=10))
    assert one == "emotion.demo.1."
    assert not ten.startswith(one)


def test_fields_of_a_later_version_are_ignored():
    payload = msgspec.json.decode(wire.encode(emotion())) | {"mood": "new"}
    assert wire.decode(msgspec.json.encode(payload)) == emotion()


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"seq": -1}, "seq"),
        ({"confidence": 1.5}, "confidence"),
        ({"schema": "ahmsa.emotion/9"}, "schema"),
        ({"onset": 3}, "onset"),
    ],
)
def test_a_message_that_does_not_fit_is_refused_with_the_path(change, path):
    payload = msgspec.json.decode(wire.encode(emotion())) | change
    with pytest.raises(StreamError, match=path):
        wire.decode(msgspec.json.encode(payload))


def test_bytes_that_are_no_json_are_refused():
    with pytest.raises(StreamError):
        wire.decode(b"\xff\x00")


def test_the_wire_needs_no_numpy():
    code = "import sys; sys.modules['numpy'] = None; import streamer.stream.schema"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)
