"""A recorded session on the stream again, and on a page."""

import json
import threading
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import msgspec
import pytest

from configs.schema import StreamSettings
from streamer.live.republish import republish
from streamer.session.recorder import Recorder
from streamer.stream import schema

GOLDEN = Path(__file__).parents[1] / "golden" / "messages.jsonl"


class Reader:
    """A view that opens the page when it hears of it, and ends the replay when the page has told what it was asked."""

    def __init__(self):
        self.end_wanted = False
        self.events = self.reply = ""

    def opened(self, endpoint, mark=None, page=None):
        assert mark is None, "a closed record takes no markers"
        self._thread = threading.Thread(target=self._read, args=(page,), daemon=True)
        self._thread.start()

    def _read(self, page):
        try:
            with urlopen(page.replace("/?", "/events?"), timeout=30) as stream:
                for line in stream:
                    self.events += line.decode()
                    if "ahmsa.emotion/1" in self.events:
                        break
            try:
                urlopen(Request(page.replace("/?", "/marker?"), json.dumps({"text": "film 3"}).encode()), timeout=30)
            except HTTPError as error:
                self.reply = error.read().decode()
                error.close()
        finally:
            self.end_wanted = True

    def forced(self):
        pass

    def closed(self):
        self._thread.join(30)

    def take(self, message):
        pass

    def notice(self, text):
        raise AssertionError(text)

    def tick(self):
        pass


@pytest.fixture
def session(tmp_path):
    """The golden messages as a session whose last message comes half a minute after the others."""
    recorder = Recorder(tmp_path / "session", session="s1", source="demo", settings={})
    messages = [schema.decode(line) for line in GOLDEN.read_text().splitlines()]
    messages.sort(key=lambda message: message.t_publish_ns)
    status = next(message for message in messages if isinstance(message, schema.StatusMessage))
    late = msgspec.structs.replace(status, t_publish_ns=messages[-1].t_publish_ns + 30_000_000_000)
    for message in (*messages, late):
        recorder.take(schema.topic_of(message), schema.encode(message))
    recorder.close("source ended")
    return recorder.folder


def test_a_recorded_session_is_looked_at_on_the_page_which_takes_no_markers(session, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    view = Reader()
    settings = StreamSettings(publish="tcp://127.0.0.1:*")
    republish(session, settings, view, as_fast_as_possible=False, web_port=0)
    view.closed()
    assert "ahmsa.emotion/1" in view.events
    assert "a replayed session takes no markers" in view.reply
