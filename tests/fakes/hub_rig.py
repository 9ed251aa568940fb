"""A hub with the test in the place of the capture process and of a subscriber."""

import secrets
from time import monotonic

import zmq

from configs.schema import StreamSettings
from streamer.live.hub import Hub
from streamer.live.source_line import SourceEdge
from streamer.stream.client import EmotionStream
from streamer.stream.internal import CANDIDATE, Stamps, parts_of
from streamer.stream.publisher import INPROC

SETTINGS = StreamSettings(publish="tcp://127.0.0.1:*")
TOKEN = b"only the capture process knows it"


class Rig:
    """A hub with the test in the place of the capture process and of a subscriber."""

    def __init__(self, folder, worker_endpoint, *, lossless=False, **values):
        capture = f"ipc://{folder}/{secrets.token_hex(3)}"
        edge = SourceEdge(name="demo", endpoint=capture, lossless=lossless, token=TOKEN)
        self.hub = Hub(SETTINGS, session="s1", sources=[edge], worker_endpoints=[worker_endpoint], **values)
        self.stream = EmotionStream(INPROC, topics=[""], high_water_mark=0, context=self.hub.context)
        self.push = self.hub.context.socket(zmq.PUSH)
        self.push.setsockopt(zmq.SNDHWM, 4)
        self.push.setsockopt(zmq.LINGER, 0)
        self.push.connect(capture)
        self.hub.start()

    def send(self, candidate, stamps=None):
        self.push_message(CANDIDATE, *parts_of(candidate, stamps or Stamps()))

    def push_message(self, *frames):
        self.push.send_multipart([TOKEN, *frames])

    def until(self, wanted, timeout_s=8.0):
        """Messages up to the first that is wanted."""
        seen, until_s = [], monotonic() + timeout_s
        while monotonic() < until_s:
            message = self.stream.next(0.1)
            if message is not None:
                seen.append(message)
                if wanted(message):
                    return seen
        raise AssertionError(f"it never came; seen: {seen}")

    def close(self):
        self.hub.stop("over")
        self.stream.close()
        self.push.close()
        self.hub.close()
