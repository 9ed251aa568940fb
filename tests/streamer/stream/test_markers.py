"""Covers streamer.commands.mark."""

import math
import subprocess
import sys
from queue import SimpleQueue
from time import monotonic_ns

import msgspec
import pytest
import zmq

from ahmsa.errors import StreamError
from configs.schema import StreamSettings
from streamer.live.hub import Hub
from streamer.live.source_line import SourceEdge
from streamer.session.reader import read_messages
from streamer.session.recorder import Recorder
from streamer.stream import markers
from streamer.stream import schema as wire
from streamer.stream.client import EmotionStream
from streamer.stream.markers import MarkerReply, marker_endpoint, set_marker


@pytest.fixture
def hub(tmp_path):
    """Makes running hubs; with `record`, sessions."""
    hubs = []

    def make(record=None):
        settings = StreamSettings(publish="tcp://127.0.0.1:*")
        one = Hub(
            settings,
            session="s1",
            sources=[SourceEdge(name="demo", endpoint=f"ipc://{tmp_path}/capture{len(hubs)}", lossless=False)],
            worker_endpoints=[f"ipc://{tmp_path}/worker{len(hubs)}"],
            recording="events" if record else "off",
            record=record,
        )
        hubs.append(one)
        one.start()
        return one

    yield make
    for one in hubs:
        one.stop("over")
        one.close()


@pytest.fixture
def ask():
    """Sends frames to a door as another program would, and returns the answer."""
    context = zmq.Context()

    def send(endpoint, frames, kind=zmq.DEALER):
        with context.socket(kind) as socket:
            socket.setsockopt(zmq.LINGER, 0)
            socket.connect(endpoint)
            socket.send_multipart(frames)
            assert socket.poll(5000), "no answer"
            return msgspec.json.decode(socket.recv_multipart()[-1], type=MarkerReply)

    yield send
    context.destroy(linger=0)


def test_a_marker_comes_over_the_stream_at_the_time_of_the_call(hub):
    one = hub()
    with EmotionStream(one.endpoint, ["marker.", "status."], markers=one.marker_endpoint) as stream:
        one.source_is("demo", "online", "somebody listens")
        assert stream.next(5) is not None
        before_ns = monotonic_ns()
        reply = stream.mark("film 3", 3)
        after_ns = monotonic_ns()
        marker = next(message for message in stream if isinstance(message, wire.MarkerMessage))
    assert (marker.text, marker.value, marker.source, marker.seq) == ("film 3", 3, "client", 1)
    assert before_ns <= marker.t_mark_ns == marker.t_capture_ns <= after_ns
    assert (reply.topic, reply.utc, reply.session_s) == ("marker.client.", marker.utc, marker.session_s)
    assert not reply.recorded


def test_the_answer_comes_when_the_marker_is_in_the_record(hub, tmp_path):
    recorder = Recorder(tmp_path / "session", session="s1", source="demo", settings={})
    one = hub(recorder.take)
    assert set_marker(one.marker_endpoint, "film 1").recorded
    kept = [message.text for message in read_messages(recorder.folder) if isinstance(message, wire.MarkerMessage)]
    assert kept == ["film 1"]
    one.stop("over")
    recorder.close("over")


@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        ([b""], "this is no marker"),
        ([b"film 3"], "this is no marker"),
        ([b"\xff\xfe"], "this is no marker"),
        ([b'{"text": ""}'], "length >= 1"),
        ([b'{"value": 3}'], "missing required field `text`"),
        ([b'{"text": "late", "t_monotonic_ns": 4000000000000000000}'], "s from now"),
        ([b"", b"", b"[]"], "this is no marker"),
    ],
)
def test_what_is_no_request_is_answered_with_the_reason_and_the_next_one_is_taken(hub, ask, frames, reason):
    one = hub()
    refused = ask(one.marker_endpoint, frames)
    assert not refused.ok
    assert reason in refused.error
    assert ask(one.marker_endpoint, [b'{"text": "film 3"}']).ok


def test_a_request_that_is_too_large_is_dropped_with_its_sender_only(hub, ask):
    one = hub()
    with zmq.Context() as context, context.socket(zmq.REQ) as socket:
        socket.setsockopt(zmq.LINGER, 0)
        socket.connect(one.marker_endpoint)
        socket.send(b"x" * 100_000)
        assert ask(one.marker_endpoint, [b"", b'{"text": "film 3"}']).ok
        assert not socket.poll(0)


@pytest.mark.parametrize("timeout_s", [3e6, 1e300, math.inf])
def test_an_answer_may_be_waited_for_for_ever(hub, timeout_s):
    assert set_marker(hub().marker_endpoint, "film 1", timeout_s=timeout_s).ok


def test_a_marker_of_this_process_needs_no_socket(hub):
    one = hub()
    answers = SimpleQueue()
    one.mark(markers.MarkerRequest(text="space", source="a b/ü"), answers.put)
    reply = answers.get(timeout=5)
    assert (reply.ok, reply.topic) == (True, "marker.a-b.")


@pytest.mark.parametrize(
    "changes",
    [
        {"text": ""},
        {"text": "x" * 501},
        {"text": "\x1b]0;x\x07"},
        {"text": "\udcff"},
        {"value": 10**30},
        {"value": math.inf},
        {"value": math.nan},
        {"source": ""},
    ],
)
def test_a_marker_that_readers_would_not_take_is_refused_whichever_way_it_comes(hub, changes):
    one = hub()
    asked = {"text": "space", **changes}
    answers = SimpleQueue()
    one.mark(markers.MarkerRequest(**asked), answers.put)
    reply = answers.get(timeout=5)
    assert not reply.ok
    assert "this is no marker" in reply.error
    with pytest.raises(StreamError, match="this is no marker"):
        set_marker(one.marker_endpoint, **asked)


@pytest.mark.parametrize(
    ("publish", "door"),
    [
        ("tcp://127.0.0.1:5556", "tcp://127.0.0.1:5558"),
        ("tcp://0.0.0.0:6000", "tcp://127.0.0.1:6002"),
        ("tcp://127.0.0.1:65535", "tcp://127.0.0.1:65533"),
        ("tcp://127.0.0.1:*", "tcp://127.0.0.1:*"),
        ("ipc:///tmp/stream", "ipc:///tmp/stream.markers"),
    ],
)
def test_the_door_lies_beside_the_stream_on_the_loopback(publish, door):
    assert marker_endpoint(publish) == door


def test_markers_are_not_taken_from_other_machines():
    with pytest.raises(StreamError, match="from this machine only"):
        markers.MarkerSocket(None, "tcp://0.0.0.0:5558")


def test_another_program_answers_with_something_else():
    context = zmq.Context()
    socket = context.socket(zmq.ROUTER)
    port = socket.bind_to_random_port("tcp://127.0.0.1")
    asking = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from streamer.commands.mark import main; main()",
            "film 3",
            "--endpoint",
            f"tcp://127.0.0.1:{port}",
        ],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        frames = socket.recv_multipart()
        socket.send_multipart([*frames[:-1], b"hello"])
        _, errors = asking.communicate(timeout=30)
    finally:
        asking.kill()
        context.destroy(linger=0)
    assert asking.returncode == 1
    assert "is another program listening there?" in errors
    assert errors.count("\n") == 1


def test_the_command_says_when_the_marker_was_set(hub):
    one = hub()
    command = [
        sys.executable,
        "-c",
        "from streamer.commands.mark import main; main()",
        "trial",
        "17",
        "--endpoint",
        one.marker_endpoint,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("published (nothing is recorded): trial at ")
