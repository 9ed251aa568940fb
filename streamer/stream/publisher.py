"""The PUB socket of the stream: numbers, stamps and sends."""

from __future__ import annotations

from typing import Any

import zmq

from ahmsa.errors import StreamError
from configs.schema import StreamSettings
from streamer.stream.clocks import SessionClock
from streamer.stream.messages import Stamper
from streamer.stream.schema import AnyMessage, encode, topic_of
from streamer.stream.sockets import bound

INPROC = "inproc://stream"
"""Where subscribers in the publisher's own process find the stream, without the drops of a network."""


class Publisher:
    """Bound when it is made (StreamError where the endpoint is taken); used from one thread."""

    def __init__(
        self, context: zmq.Context[Any], settings: StreamSettings, session: str, clock: SessionClock | None = None
    ) -> None:
        self._stamper = Stamper(session, clock)
        self._socket = context.socket(zmq.PUB)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.SNDHWM, settings.high_water_mark)
        try:
            self.endpoint = bound(self._socket, settings.publish)
            bound(self._socket, INPROC)
        except StreamError:
            self._socket.close()
            raise

    def publish(self, draft: AnyMessage) -> AnyMessage:
        """Send a message as the next of its topic; returns it as it was sent."""
        message = self._stamper.stamp(draft)
        self.send(message)
        return message

    def send(self, message: AnyMessage) -> None:
        """Send a message as it is. It is encoded before the first frame leaves: an error cannot cut a message in two."""
        frames = [topic_of(message).encode(), encode(message)]
        self._socket.send_multipart(frames)
