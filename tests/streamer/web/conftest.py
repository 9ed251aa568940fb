"""A page's server without a camera: the test publishes, and takes the markers."""

from pathlib import Path

import pytest
import zmq

from configs.schema import StreamSettings
from streamer.stream import schema as wire
from streamer.stream.markers import MarkerReply
from streamer.stream.publisher import Publisher
from streamer.web.server import PageServer

GOLDEN = Path(__file__).parents[1] / "golden" / "messages.jsonl"


class Program:
    """What a page sees of `ahmsa-live --web`."""

    def __init__(self, folder, port=0, session="first"):
        self.marks = []
        self._context = zmq.Context()
        self.preview_endpoint = f"ipc://{folder}/preview-{session}"
        self.publisher = Publisher(self._context, StreamSettings(publish=f"ipc://{folder}/stream-{session}"), session)
        self.server = PageServer(self._context, port, self.preview_endpoint, self._mark)
        self.address = self.server.address
        self.port = int(self.address.split(":")[2].split("/")[0])

    def publish(self, *messages):
        for message in messages:
            self.publisher.publish(message)

    def close(self):
        self.server.close()
        self._context.destroy(linger=0)

    def _mark(self, text, value=None, *, source, t_monotonic_ns=None, answered=None):
        self.marks.append((text, value, source))
        error = "there is no room" if text == "too much" else None
        answered(MarkerReply(ok=error is None, error=error, recorded=True, session_s=12.5))


@pytest.fixture
def golden():
    """Kind -> example messages."""
    messages = [wire.decode(line) for line in GOLDEN.read_text().splitlines()]
    return {
        kind: [m for m in messages if type(m).__name__ == f"{kind.capitalize()}Message"]
        for kind in ("emotion", "spot", "motion", "status", "marker")
    }


@pytest.fixture
def start_program(tmp_path, monkeypatch):
    """Starts programs that share one user's private folder, and ends them."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    programs = []

    def start(**values):
        programs.append(Program(tmp_path, **values))
        return programs[-1]

    yield start
    for program in programs:
        program.close()


@pytest.fixture
def program(start_program):
    return start_program()
