"""The hub's line to one capture process: its socket, what it has said of itself, and the book of its open events."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from threading import Event
from typing import Any

import zmq

from streamer.live.event_book import EventBook
from streamer.stream.internal import CAPTURE_HWM
from streamer.stream.schema import RecordingState, StatusMessage
from streamer.stream.sockets import bound, forget_file, make_socket, receive


@dataclass(frozen=True, kw_only=True)
class SourceEdge:
    """Where one capture process sends, and how it is recognised."""

    name: str
    """Of the source, as in topics."""
    endpoint: str
    lossless: bool
    """The source can wait (a file), so that nothing is dropped on the way to the recogniser."""
    token: bytes = b""
    """First part of each of its messages: where the edge is a port of the loopback, other users of the machine can send there,
    and are not believed."""


class SourceLine:
    """Used from the hub's thread; `ended` and `activity` may be looked at from others."""

    def __init__(self, context: zmq.Context[Any], edge: SourceEdge, limit: int, recording: RecordingState) -> None:
        self.name = edge.name
        self.ended = Event()
        """The source has come to its end, and everything that it sent has been taken in."""
        self.activity = 0
        """Counts its messages, and moments at which it was not listened to on purpose."""
        self.book = EventBook(edge.name, limit)
        self.newest_ns = 0
        """Newest capture time in its messages."""
        self.status = StatusMessage(
            source=edge.name, t_capture_ns=0, state="starting", fps=0.0, captured=0, processed=0, recording=recording
        )
        self._edge, self._limit = edge, limit
        self.socket = make_socket(context, zmq.PULL, high_water_mark=CAPTURE_HWM)
        bound(self.socket, edge.endpoint)

    @property
    def must_wait(self) -> bool:
        """A file is not listened to while half of the events that the hub can hold wait for answers."""
        waits = self._edge.lossless and self.book.unanswered >= self._limit // 2
        self.activity += waits
        return waits

    def take(self) -> list[bytes]:
        """The message that has arrived, without its token; empty where it is none of the capture process."""
        parts = receive(self.socket)
        if not parts or not hmac.compare_digest(parts[0], self._edge.token):
            return []
        self.activity += 1
        return parts[1:]

    def close(self) -> None:
        self.socket.close()
        forget_file(self._edge.endpoint)
