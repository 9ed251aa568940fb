"""What `ahmsa-watch` prints of a stream, and when it ends."""

import os
import threading
from pathlib import Path

import msgspec
import pytest
import zmq

from configs.schema import StreamSettings
from streamer.stream import schema as wire
from streamer.stream.publisher import Publisher
from streamer.view.watch import watch

GOLDEN = [wire.decode(line) for line in (Path(__file__).parents[1] / "golden" / "messages.jsonl").read_text().splitlines()]
STATUS = next(message for message in GOLDEN if isinstance(message, wire.StatusMessage))
ENDED = msgspec.structs.replace(STATUS, state="ended", reason="source ended")


@pytest.fixture
def session(tmp_path):
    """Publishes the given messages as soon as somebody watches: `watch` is told `listening`, and hears the first status."""
    context = zmq.Context()
    publisher = Publisher(context, StreamSettings(publish=f"ipc://{tmp_path}/stream"), "test")
    stopped = threading.Event()

    def publish(messages):
        # Subscribing takes a moment: statuses go out until the watcher has ended.
        def run():
            while not stopped.is_set():
                for message in messages:
                    publisher.send(message)
                stopped.wait(0.05)

        thread = threading.Thread(target=run)
        thread.start()
        threads.append(thread)
        return publisher.endpoint

    threads = []
    yield publish
    stopped.set()
    for thread in threads:
        thread.join()
    context.destroy(linger=0)


def test_lines_tell_what_happens_and_a_status_only_where_it_changes_and_end_with_the_session(session, capsys):
    endpoint = session([STATUS, STATUS, *GOLDEN, STATUS, ENDED])
    watch(endpoint, None, as_json=False, timeout_s=30)
    lines = capsys.readouterr().out.splitlines()
    assert "ended (source ended)" in lines[-1]
    assert len([line for line in lines if " status " in line]) <= 2
    assert not [line for line in lines if " motion " in line]


def test_json_is_of_movements_and_markers_alone_until_other_topics_are_asked_for(session, capsys):
    endpoint = session([STATUS, *GOLDEN, ENDED])
    watch(endpoint, None, as_json=True, timeout_s=30)
    kinds = {type(wire.decode(line)) for line in capsys.readouterr().out.splitlines()}
    assert kinds <= {wire.EmotionMessage, wire.SpotMessage, wire.MarkerMessage}
    watch(endpoint, ["status."], as_json=True, timeout_s=30)
    assert wire.decode(capsys.readouterr().out.splitlines()[-1]).state == "ended"


def test_it_ends_when_its_reader_has_gone_although_nothing_comes(tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stream:
        watch(f"ipc://{tmp_path}/nobody", None, as_json=True, timeout_s=30, out=stream)


class ReaderOfFour:
    """A pipe whose reader goes when it has four lines."""

    def __init__(self, file):
        self.lines = []
        self.fileno = file.fileno

    def write(self, line):
        self.lines.append(line)

    def flush(self):
        if len(self.lines) == 4:
            raise BrokenPipeError


def test_whoever_stays_sees_the_next_session_too_and_a_reader_that_goes_ends_it_quietly(session, tmp_path):
    endpoint = session([ENDED, STATUS])
    with (tmp_path / "out").open("w") as file:
        reader = ReaderOfFour(file)
        watch(endpoint, ["status."], as_json=True, timeout_s=30, stay=True, out=reader)
        file.write("what is left when the program ends")
    assert sorted(wire.decode(line).state for line in reader.lines) == ["ended", "ended", "online", "online"]
    assert (tmp_path / "out").read_text() == "", "nothing more goes to a reader that has gone"
