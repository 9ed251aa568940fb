"""Markers: what happened outside the picture, on the clock of the events.

Another program asks by one JSON frame, `{"text": "film 3", "value": 3}`, on a REQ or DEALER socket; the answer is one JSON
frame and comes when the marker is in the record (where nothing is recorded: on the stream). What is no request is answered
with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from time import monotonic_ns
from typing import Annotated, Any

import msgspec
import zmq
from msgspec import Meta, Struct

from ahmsa.errors import RunError, StreamError
from ahmsa.untrusted import JsonDecoder, UnreadableError, check
from streamer.stream.clocks import SessionClock
from streamer.stream.schema import MARKER_TEXT, AnyMessage, MarkerMessage, topic_of
from streamer.stream.sockets import bound, connected, forget_file, is_loopback, make_socket, receive

_PORT_OFFSET = 2
"""From the stream's port to the markers': 5557 is the recogniser's."""
_LAST_PORT = 65535
_REQUEST_BYTES = 8192
_AT_ONCE = 100
"""Requests that are taken in one go, so that a flood of markers cannot hold up the events."""
_OLDEST_S, _EARLIEST_S = 3600.0, 0.5
_LONGEST_WAIT_S = 1e6
"""ZeroMQ counts milliseconds in 32 bits; who waits for ever waits eleven days."""


class MarkerRequest(Struct, frozen=True, kw_only=True):
    """What a program sends."""

    text: Annotated[str, Meta(min_length=1, max_length=MARKER_TEXT)]
    value: int | float | None = None
    source: Annotated[str, Meta(min_length=1, max_length=60)] = "mark"
    """Who sets it; becomes a level of the topic."""
    t_monotonic_ns: int | None = None
    """When it happened, on this machine's monotonic clock; the moment of arrival without it."""


class MarkerReply(Struct, frozen=True, kw_only=True):
    """What it gets back."""

    ok: bool
    error: str | None = None
    """Why there is no marker, in one sentence."""
    recorded: bool = False
    """Whether it is in a recorded session, and not only on the stream."""
    topic: str = ""
    seq: int = 0
    t_capture_ns: int = 0
    utc: str | None = None
    session_s: float | None = None


Answered = Callable[[MarkerReply], None]
_EXAMPLE = '{"text": "film 3", "value": 3}'


_encoder = msgspec.json.Encoder()
_request_decoder: JsonDecoder[MarkerRequest] = JsonDecoder(MarkerRequest, limit_bytes=_REQUEST_BYTES)
_reply_decoder: JsonDecoder[MarkerReply] = JsonDecoder(MarkerReply, limit_bytes=_REQUEST_BYTES)


def marker_endpoint(publish: str) -> str:
    """Where markers are taken by default, beside a stream: on the loopback, at the stream's port + 2."""
    scheme, _, address = publish.partition("://")
    if scheme != "tcp":
        return f"{publish}.markers"
    port = address.rpartition(":")[2]
    if not port.isdigit():
        return "tcp://127.0.0.1:*"
    above = int(port) + _PORT_OFFSET
    return f"tcp://127.0.0.1:{above if above <= _LAST_PORT else int(port) - _PORT_OFFSET}"


class MarkerSocket:
    """The ROUTER socket at which other programs of this machine set markers. Raises StreamError where it cannot be bound."""

    def __init__(self, context: zmq.Context[Any], endpoint: str) -> None:
        if not is_loopback(endpoint):
            raise StreamError(f"markers are taken from this machine only, not at {endpoint}; use tcp://127.0.0.1:PORT")
        self.socket = make_socket(context, zmq.ROUTER, largest_bytes=_REQUEST_BYTES)
        try:
            self.endpoint = bound(self.socket, endpoint)
        except RunError as error:
            self.socket.close()
            raise StreamError(f"no markers can be taken: {error} (--markers)") from None

    def requests(self) -> list[tuple[MarkerRequest, Answered]]:
        """Requests that have arrived, each with the way to answer it. What is no request has been answered already."""
        found: list[tuple[MarkerRequest, Answered]] = []
        while len(found) < _AT_ONCE and self.socket.poll(0):
            parts = receive(self.socket)
            if not parts:
                continue
            *envelope, payload = parts
            try:
                found.append((_request_decoder.decode(payload), self._answer_to(envelope)))
            except UnreadableError as error:
                self._answer_to(envelope)(_refusal(error))
        return found

    def close(self) -> None:
        self.socket.close()
        forget_file(self.endpoint)

    def _answer_to(self, envelope: list[bytes]) -> Answered:
        def answer(reply: MarkerReply) -> None:
            try:
                self.socket.send_multipart([*envelope, _encoder.encode(reply)], zmq.NOBLOCK)
            except zmq.ZMQError:
                return  # whoever asked reads no answers

        return answer


class MarkerBook:
    """Publishes markers, and answers once they are in the record, which is before they are published. Used from one thread."""

    def __init__(self, publish: Callable[[AnyMessage], AnyMessage], clock: SessionClock, *, is_recorded: bool) -> None:
        self._publish, self._clock, self._is_recorded = publish, clock, is_recorded

    def take(self, request: MarkerRequest, source: str, newest_ns: int, answered: Answered | None = None) -> None:
        """Publish a marker in the capture time of `source`, whose newest frame is of `newest_ns`."""
        reply = answered or _nobody
        try:
            _encoded(request)
        except UnreadableError as error:  # whichever way it came, readers of the stream would not take it
            reply(_refusal(error))
            return
        now_ns = monotonic_ns()
        t_ns = now_ns if request.t_monotonic_ns is None else request.t_monotonic_ns
        if not -_EARLIEST_S <= (now_ns - t_ns) / 1e9 <= _OLDEST_S:
            far_s = (t_ns - now_ns) / 1e9
            reply(MarkerReply(ok=False, error=f"the marker's time is {far_s:+.1f} s from now: leave t_monotonic_ns out"))
            return
        t_capture_ns = self._clock.capture_ns(source, t_ns, newest_ns)
        draft = MarkerMessage(
            source=re.sub(r"[^A-Za-z0-9_-]+", "-", request.source).strip("-") or "mark",
            t_capture_ns=t_capture_ns,
            text=request.text,
            value=request.value,
            t_mark_ns=t_ns,
            utc=self._clock.utc_of_monotonic(t_ns),
            session_s=self._clock.session_s(source, t_capture_ns),
        )
        sent = self._publish(draft)
        done = MarkerReply(
            ok=True,
            recorded=self._is_recorded,
            topic=topic_of(sent),
            seq=sent.seq,
            t_capture_ns=t_capture_ns,
            utc=draft.utc,
            session_s=draft.session_s,
        )
        reply(done)  # what has been published is in the record


def set_marker(
    endpoint: str,
    text: str,
    value: float | None = None,
    *,
    source: str = "mark",
    t_monotonic_ns: int | None = None,
    timeout_s: float = 5.0,
    context: zmq.Context[Any] | None = None,
) -> MarkerReply:
    """Set a marker in a running session of this machine; returns when it is in the record.

    The marker's time is the moment of this call, unless told otherwise. Raises StreamError where nobody answers, or with the
    reason for which there is no marker.
    """
    t_ns = monotonic_ns() if t_monotonic_ns is None else t_monotonic_ns
    try:
        request = _encoded(MarkerRequest(text=text, value=value, source=source, t_monotonic_ns=t_ns))
    except UnreadableError as error:
        raise StreamError(f"this is no marker: {error}") from None
    own = context is None
    context = context or zmq.Context()
    socket = make_socket(context, zmq.REQ)
    try:
        connected(socket, endpoint)
        socket.send(request)
        if not socket.poll(int(min(_LONGEST_WAIT_S, timeout_s) * 1000)):
            raise StreamError(
                f"no answer to the marker from {endpoint} within {timeout_s:g} s; is ahmsa-live running on this machine?"
            )
        reply = _reply_in(socket.recv())
    finally:
        socket.close()
        if own:
            context.term()
    if not reply.ok:
        raise StreamError(reply.error or "the marker was refused")
    return reply


def _encoded(request: MarkerRequest) -> bytes:
    """A request as it travels. Raises UnreadableError where it is none that a reader of the stream would take."""
    check(request)  # JSON has no nan and no infinity: they would travel as no value at all
    try:
        payload = _encoder.encode(request)
    except UnicodeError as error:  # bytes of a command line that are no UTF-8
        raise UnreadableError(error) from None
    _request_decoder.decode(payload)
    return payload


def _refusal(error: UnreadableError) -> MarkerReply:
    return MarkerReply(ok=False, error=f"this is no marker: {error}; send one JSON object such as {_EXAMPLE}")


def _reply_in(payload: bytes) -> MarkerReply:
    try:
        return _reply_decoder.decode(payload)
    except UnreadableError as error:
        raise StreamError(f"the answer to the marker cannot be read ({error}); is another program listening there?") from None


def _nobody(_: MarkerReply) -> None:
    """Nobody waits for the answer."""
