"""The PUB socket of the stream: numbers, stamps and sends."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import zmq

from ahmsa.errors import AhmsaError
from configs.schema import StreamSettings
from streamer.stream.clocks import SessionClock
from streamer.stream.curve import Authenticator, load_keys, lock, require_lock
from streamer.stream.messages import Stamper
from streamer.stream.schema import AnyMessage, encode, topic_of
from streamer.stream.sockets import bound, forget_file, make_socket

INPROC = "inproc://stream"
"""Where subscribers in the publisher's own process find the stream, without the drops of a network."""


Record = Callable[[str, bytes], None]
"""Writes down topic and payload of a message."""


class Publisher:
    """Bound when it is made (StreamError where the endpoint is taken); used from one thread."""

    def __init__(
        self,
        context: zmq.Context[Any],
        settings: StreamSettings,
        session: str,
        clock: SessionClock | None = None,
        record: Record | None = None,
    ) -> None:
        self._stamper = Stamper(session, clock)
        self._record = record
        self._authenticator: Authenticator | None = None
        require_lock(settings.publish, locked=settings.curve is not None, insecure=settings.insecure)
        self._socket = make_socket(context, zmq.PUB, high_water_mark=settings.high_water_mark)
        try:
            if settings.curve is not None:
                keys = load_keys(Path(settings.curve), "server")
                self._authenticator = Authenticator(context, keys)
                lock(self._socket, keys)
            self.endpoint = bound(self._socket, settings.publish)
            bound(self._socket, INPROC)
        except AhmsaError:
            self._socket.close()
            self._stop_authenticator()
            raise

    def publish(self, draft: AnyMessage) -> AnyMessage:
        """Send a message as the next of its topic; returns it as it was sent."""
        message = self._stamper.stamp(draft)
        self.send(message)
        return message

    def send(self, message: AnyMessage) -> None:
        """Send a message as it is. It is encoded before the first frame leaves: an error cannot cut a message in two; and it is
        in the record before anyone sees it, so that whatever ends this process, nothing that was published is lost."""
        topic, payload = topic_of(message), encode(message)
        if self._record is not None:
            self._record(topic, payload)
        self._socket.send_multipart([topic.encode(), payload])

    def close(self) -> None:
        self._socket.close()
        self._stop_authenticator()
        forget_file(self.endpoint)

    def _stop_authenticator(self) -> None:
        if self._authenticator is not None:
            self._authenticator.close()
