"""What the README shows is run as it stands."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import msgspec
import pytest
import zmq

from streamer.stream import schema

ROOT = Path(__file__).parents[1]
GOLDEN = ROOT / "tests" / "streamer" / "golden" / "messages.jsonl"
BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def session():
    """A stream that publishes one event to its first subscriber, and ends its session."""
    context = zmq.Context()
    socket = context.socket(zmq.XPUB)
    socket.setsockopt(zmq.LINGER, 0)
    port = socket.bind_to_random_port("tcp://127.0.0.1")
    messages = [schema.decode(line) for line in GOLDEN.read_text(encoding="utf-8").splitlines()]
    emotion = next(m for m in messages if isinstance(m, schema.EmotionMessage))
    status = next(m for m in messages if isinstance(m, schema.StatusMessage))
    ended = msgspec.structs.replace(status, session=emotion.session, source=emotion.source, state="ended")

    def serve():
        while socket.poll(10_000) and not socket.recv().startswith(b"\x01emotion."):
            pass
        for message in (emotion, ended):
            socket.send_multipart([schema.topic_of(message).encode(), schema.encode(message)])

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"tcp://127.0.0.1:{port}", emotion
    thread.join(10)
    context.destroy(linger=0)


def test_the_subscriber_prints_the_event_and_ends_with_the_session(session, capsys):
    endpoint, emotion = session
    block = next(block for block in BLOCKS if "ahmsa.stream(" in block)
    exec(compile(block.replace("tcp://127.0.0.1:5556", endpoint), "README.md", "exec"), {})
    assert capsys.readouterr().out.startswith(emotion.label or "no claim")


def test_every_block_is_python_and_names_what_is_there():
    import ahmsa

    for block in BLOCKS:
        compile(block, "README.md", "exec")
        assert set(re.findall(r"ahmsa\.(\w+)\(", block)) <= set(ahmsa.__all__)
