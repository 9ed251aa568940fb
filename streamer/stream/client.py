"""A small subscriber. Needs pyzmq and msgspec, and nothing of the recogniser.

from streamer.stream.client import EmotionStream

with EmotionStream() as stream:
    for event in stream:
        print(event.label, event.probabilities, event.latency_ms["total"])

The loop ends with the session, and with a KeyboardInterrupt at Ctrl-C.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import zmq

from ahmsa.errors import AhmsaError, StreamError
from streamer.stream.curve import load_keys, lock
from streamer.stream.endpoint import full_endpoint
from streamer.stream.markers import MarkerReply, marker_endpoint, set_marker
from streamer.stream.schema import DEFAULT_ENDPOINT, AnyMessage, UnknownKindError, decode
from streamer.stream.sockets import connected, make_socket, receive

EMOTION, SPOT, MOTION, STATUS, MARKER = "emotion.", "spot.", "motion.", "status.", "marker."
_STEP_S = 0.2
_TOPICS_KEPT = 10_000
_ENDED = b'"state":"ended"'
"""Part of a session's last status as it is encoded."""


class EmotionStream:
    """Messages of a running `ahmsa-live`, as they come. Connects, and reconnects, by itself.

    topics: prefixes to subscribe to; every level ends with a dot (`emotion.camera0.1.` is face 1 of camera 0).
    timeout_s: iterating raises StreamError after so long a silence; None waits for ever.
    stay: go on iterating when the session has ended, for the next one at the same endpoint.
    markers: endpoint at which `mark` sets markers; None: where a stream at `endpoint` takes them by default.
    high_water_mark: messages kept here while you are busy; 0 keeps all.
    curve: folder of keys, where the stream is locked (`ahmsa-live --curve`); UsageError where they cannot be used.
    while_waiting: called several times a second while nothing comes; what it raises ends the waiting.
    """

    def __init__(
        self,
        endpoint: str = DEFAULT_ENDPOINT,
        topics: Iterable[str] = (EMOTION,),
        *,
        timeout_s: float | None = None,
        stay: bool = False,
        markers: str | None = None,
        high_water_mark: int = 1000,
        curve: Path | str | None = None,
        context: zmq.Context[Any] | None = None,
        while_waiting: Callable[[], None] | None = None,
    ) -> None:
        self.endpoint = endpoint = full_endpoint(endpoint)
        self.timeout_s = timeout_s
        self.stay = stay
        self.ended = False
        """The session has said that it is over."""
        self.markers = markers or marker_endpoint(endpoint)
        self.lost: Counter[str] = Counter()
        """Topic -> messages that were published and did not arrive, seen by holes in `seq`."""
        self.skipped = 0
        """Messages of a kind or version that this program does not know."""
        self._last: dict[str, tuple[str, int]] = {}
        self._while_waiting = while_waiting
        self._own_context = context is None
        self._context: zmq.Context[Any] = context or zmq.Context()
        self._socket = make_socket(self._context, zmq.SUB, high_water_mark=high_water_mark)
        for option, value in (
            (zmq.RECONNECT_IVL, 100),
            (zmq.RECONNECT_IVL_MAX, 2000),
            # A publisher whose machine vanished is noticed, and dialled again.
            (zmq.HEARTBEAT_IVL, 1000),
            (zmq.HEARTBEAT_TIMEOUT, 4000),
        ):
            self._socket.setsockopt(option, value)
        if curve is not None:
            try:
                lock(self._socket, load_keys(Path(curve), "client"))
            except AhmsaError:
                self.close()
                raise
        self._topics = tuple(topics)
        for topic in {*self._topics, STATUS}:  # the status says when the session ends, whether it is wanted or not
            self._socket.setsockopt_string(zmq.SUBSCRIBE, topic)
        try:
            connected(self._socket, endpoint)
        except AhmsaError:
            self.close()
            raise

    def __iter__(self) -> Iterator[AnyMessage]:
        """Every message until the session ends. Raises StreamError after `timeout_s` of silence."""
        while self.stay or not self.ended:
            message = self.next(self.timeout_s)
            if message is None and self.ended and not self.stay:
                return
            if message is None:
                raise StreamError(f"nothing came from {self.endpoint} for {self.timeout_s:g} s; is ahmsa-live running there?")
            yield message

    def next(self, timeout_s: float | None = None) -> AnyMessage | None:
        """The next message, or None where none came in time or the session ended before. None as timeout waits for ever.

        One of a kind or version that this program does not know is passed over, and counted in `skipped`.
        """
        until_s = None if timeout_s is None else monotonic() + timeout_s
        while (received := self.receive(None if until_s is None else max(0.0, until_s - monotonic()))) is not None:
            try:
                return self._noted(*received)
            except UnknownKindError:
                self.skipped += 1
        return None

    def newest(self, timeout_s: float | None = None) -> AnyMessage | None:
        """The newest message, passing over all that have piled up; None where none came in time."""
        newest = self.next(timeout_s)
        while newest is not None and (later := self.next(0)) is not None:
            newest = later
        return newest

    def receive(self, timeout_s: float | None = None) -> tuple[str, bytes] | None:
        """Topic and payload of the next message just as they came, without a look at `seq`.

        Raises StreamError where what comes is not of this kind of stream.
        """
        until_s = None if timeout_s is None else monotonic() + timeout_s
        while True:
            left_s = _STEP_S if until_s is None else max(0.0, min(_STEP_S, until_s - monotonic()))
            # Waiting in steps, so that Ctrl-C works on every platform.
            if self._socket.poll(int(left_s * 1000)):
                topic, payload = _topic_and_payload(receive(self._socket))
                if topic.startswith(STATUS):
                    self.ended = _ENDED in payload
                if topic.startswith(self._topics):
                    return topic, payload
                if self.ended and not self.stay:
                    return None
            elif self._while_waiting is not None:
                self._while_waiting()
            if until_s is not None and monotonic() >= until_s:
                return None

    def mark(self, text: str, value: float | None = None, *, source: str = "client", timeout_s: float = 5.0) -> MarkerReply:
        """Set a marker at this moment; returns when it is in the record. Only on the machine where ahmsa-live runs.

        Raises StreamError where nobody answers, or with the reason for which there is no marker.
        """
        return set_marker(self.markers, text, value, source=source, timeout_s=timeout_s, context=self._context)

    def close(self) -> None:
        self._socket.close()
        if self._own_context:
            self._context.term()

    def __enter__(self) -> EmotionStream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _noted(self, topic: str, payload: bytes) -> AnyMessage:
        message = decode(payload)
        if len(self._last) >= _TOPICS_KEPT:
            self._last.clear()  # no publisher has so many; from here losses are counted anew
        session, seq = self._last.get(topic, (message.session, message.seq - 1))
        if session == message.session and message.seq > seq + 1:
            self.lost[topic] += message.seq - seq - 1
        self._last[topic] = (message.session, message.seq)
        return message


def _topic_and_payload(frames: list[bytes]) -> tuple[str, bytes]:
    try:
        topic, payload = frames
        return topic.decode(), payload
    except ValueError:  # not two frames, or no UTF-8
        raise StreamError("a message has not the two frames of this stream; is another program publishing there?") from None
