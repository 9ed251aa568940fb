"""What goes to open pages: every message of the stream as it was published, and preview pictures while a page is open."""

from __future__ import annotations

import asyncio
import base64
import threading
from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
import zmq

from ahmsa.untrusted import JsonDecoder
from ahmsa.work.threads import Supervised
from streamer.stream.preview import FRAME, PREVIEW_HWM
from streamer.stream.publisher import INPROC
from streamer.stream.sockets import bound, make_socket, receive

_POLL_MS = 100
_KEPT = 200
"""Newest movements and markers that a page gets when it opens."""
_WAITING = 400
"""Messages that may wait for a page; the oldest go first. Of the live picture only the newest waits."""
MOST_PAGES = 8
_HEARTBEAT_S = 5.0


_header_decoder: JsonDecoder[dict[str, Any]] = JsonDecoder(dict[str, Any])


class Feed:
    """A thread that reads both sockets, and the pages that listen. Raises StreamError where the endpoint cannot be bound."""

    def __init__(self, context: zmq.Context[Any], preview_endpoint: str) -> None:
        self._stream = make_socket(context, zmq.SUB, high_water_mark=0)
        self._stream.setsockopt(zmq.SUBSCRIBE, b"")
        self._preview = make_socket(context, zmq.SUB, high_water_mark=PREVIEW_HWM)
        bound(self._preview, preview_endpoint)
        self._stream.connect(INPROC)
        self._statuses: dict[bytes, bytes] = {}
        self._past: deque[bytes] = deque(maxlen=_KEPT)
        self._pages: set[_Page] = set()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self.thread = Supervised("page feed", self._run)
        self.thread.start()

    @property
    def pages(self) -> int:
        return len(self._pages)

    async def listen(self) -> AsyncIterator[bytes]:
        """Server-sent events of one page: what has been, then what comes, until the feed is closed."""
        page = _Page(asyncio.get_running_loop())
        with self._lock:
            for past in [*self._statuses.values(), *self._past]:
                page.put(past)
            self._pages.add(page)
        try:
            while not self._closing.is_set():
                yield await page.next()
        finally:
            with self._lock:
                self._pages.discard(page)

    def close(self) -> None:
        """End every page's stream, and the thread. Call it while the context is still there."""
        self._closing.set()
        self.thread.join(2.0)

    def _run(self) -> None:
        poller = zmq.Poller()
        poller.register(self._stream, zmq.POLLIN)
        poller.register(self._preview, zmq.POLLIN)
        previewing = False
        try:
            while not self._closing.is_set():
                self.thread.beat()
                arrived = dict(poller.poll(_POLL_MS))
                if self._stream in arrived:
                    self._take_message(*receive(self._stream))
                if self._preview in arrived:
                    self._take_preview(receive(self._preview))
                if bool(self._pages) != previewing:
                    previewing = bool(self._pages)
                    self._preview.setsockopt(zmq.SUBSCRIBE if previewing else zmq.UNSUBSCRIBE, b"")
        except zmq.ContextTerminated:
            pass  # the session is over
        finally:
            self._stream.close()
            self._preview.close()
            with self._lock:
                for page in self._pages:
                    page.put(b"")

    def _take_message(self, topic: bytes, payload: bytes) -> None:
        event = _event(b"message", payload)
        with self._lock:
            if topic.startswith(b"status."):
                self._statuses[topic] = event
            elif not topic.startswith(b"motion."):
                self._past.append(event)
        self._give(event)

    def _take_preview(self, frames: Sequence[bytes]) -> None:
        event, is_frame = _preview_event(frames), frames[0] == FRAME
        with self._lock:
            for page in self._pages:
                if is_frame:
                    page.show(event)
                else:
                    page.put(event)

    def _give(self, event: bytes) -> None:
        with self._lock:
            for page in self._pages:
                page.put(event)


class _Page:
    """A queue from the feed's thread to a page in the server's loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: deque[bytes] = deque(maxlen=_WAITING)
        self._frame: bytes | None = None
        self._something = asyncio.Event()

    def put(self, event: bytes) -> None:
        """From any thread."""
        self._waiting.append(event)
        self._wake()

    def show(self, frame: bytes) -> None:
        """From any thread: a picture, in place of one that still waits."""
        self._frame = frame
        self._wake()

    def _wake(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._something.set)

    async def next(self) -> bytes:
        """The next event; a comment where there is none for a while, so that a page that has gone is noticed."""
        while True:
            self._something.clear()
            if self._waiting:
                return self._waiting.popleft()
            if self._frame is not None:
                frame, self._frame = self._frame, None
                return frame
            try:
                await asyncio.wait_for(self._something.wait(), _HEARTBEAT_S)
            except (asyncio.TimeoutError, TimeoutError):
                return b": still there\n\n"


def _preview_event(frames: Sequence[bytes]) -> bytes:
    """A preview message as JSON: its header and its pictures in base64."""
    kind, header, *images = frames
    pictures = [base64.b64encode(image).decode() for image in images]
    names = ["jpeg"] if kind == FRAME else ["onset_jpeg", "apex_jpeg"]
    body = {**_header_decoder.decode(header), **dict(zip(names, pictures, strict=True))}
    return _event(b"preview", msgspec.json.encode(body))


def _event(name: bytes, payload: bytes) -> bytes:
    return b"event: " + name + b"\ndata: " + payload + b"\n\n"
