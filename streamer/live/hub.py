"""The hub: everything that is published goes through here, in one thread of the parent process.

    capture process --PUSH/PULL--> hub --PUB--> subscribers
                                   hub <--DEALER/ROUTER--> worker

It keeps the book of open events, and numbers and stamps what goes out. What may be dropped, and where it is counted:

| edge | when full |
|---|---|
| capture->hub | a live source drops the newest message and counts it; a file waits |
| hub->worker | past 64 open events the oldest is given up and counted; a file waits at half of that |
| hub->subscriber | ZeroMQ drops new messages of a slow subscriber, who sees the hole in `seq` |
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from queue import Empty, SimpleQueue
from time import monotonic, monotonic_ns
from typing import Any

import msgspec
import zmq

from ahmsa.errors import StreamError
from configs.schema import StreamSettings
from streamer.live.event_book import EventBook
from streamer.recognise.worker_link import WorkerLink
from streamer.stream.clocks import ClockPair, SessionClock
from streamer.stream.internal import CANDIDATE, CAPTURE_HWM, ENDED, MESSAGE, Answer, Refusal, candidate_of
from streamer.stream.markers import Answered, MarkerBook, MarkerRequest, MarkerSocket, marker_endpoint
from streamer.stream.messages import spot_message
from streamer.stream.publisher import Publisher
from streamer.stream.schema import AnyMessage, RecordingState, SourceState, StatusMessage, WorkerState, decode
from streamer.stream.sockets import bound

OPEN_EVENTS = 64
_POLL_MS = 20
_LAST_LOOP_S = 5.0
_ASK_AGAIN_S = 5.0
"""Questions without any answer for so long are asked once more."""


class Hub:
    """Sockets are bound in the constructor, so that a taken port is an error before any process starts.

    `lossless`: the source can wait (a file), so that nothing is dropped on the way to the recogniser.
    """

    def __init__(
        self,
        settings: StreamSettings,
        *,
        session: str,
        source: str,
        capture_endpoint: str,
        worker_endpoint: str,
        lossless: bool,
        recording: RecordingState = "off",
    ) -> None:
        self.ended = threading.Event()
        """The source has come to its end, and everything that it sent has been taken in."""
        self.failure: BaseException | None = None
        self.unanswered = 0
        """Questions that the recogniser still owes an answer to."""
        self.refusals: Counter[str] = Counter()
        """Sentence -> how often the recogniser refused with it."""
        self.context = zmq.Context()
        self._lossless = lossless
        self._book = EventBook(source, OPEN_EVENTS)
        self._clock = SessionClock()
        self._newest_ns = 0
        """Newest capture time that the capture process has told of."""
        self._status = StatusMessage(
            source=source, t_capture_ns=0, state="starting", fps=0.0, captured=0, processed=0, recording=recording
        )
        self._commands: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._stopping = False
        self._progress_s = monotonic()
        self._thread = threading.Thread(target=self._run, name="hub", daemon=True)
        try:
            self._publisher = Publisher(self.context, settings, session, self._clock)
            self._marker_socket = MarkerSocket(self.context, settings.markers or marker_endpoint(settings.publish))
            self._capture = self.context.socket(zmq.PULL)
            self._capture.setsockopt(zmq.RCVHWM, CAPTURE_HWM)
            bound(self._capture, capture_endpoint)
            self._link = WorkerLink(self.context, worker_endpoint, session, 2 * OPEN_EVENTS)
        except StreamError:
            self.context.destroy(linger=0)
            raise
        self._markers = MarkerBook(self._publisher.publish, self._clock, is_recorded=recording != "off")
        self._status = msgspec.structs.replace(self._status, markers=self._marker_socket.endpoint)

    @property
    def endpoint(self) -> str:
        """Where to subscribe."""
        return self._publisher.endpoint

    @property
    def worker_crop_px(self) -> int | None:
        """Side of the crops that the recogniser accepts, once it is ready."""
        return self._link.crop_px

    @property
    def started(self) -> ClockPair:
        """The moment from which the session's seconds count."""
        return self._clock.start

    @property
    def marker_endpoint(self) -> str:
        """Where programs of this machine set markers."""
        return self._marker_socket.endpoint

    def mark(self, request: MarkerRequest, answered: Answered | None = None) -> None:
        """Set a marker; from any thread. `answered` is called by the hub's thread once it is in the record, or refused."""
        if request.t_monotonic_ns is None:
            request = msgspec.structs.replace(request, t_monotonic_ns=monotonic_ns())
        self._commands.put(lambda: self._take_marker(request, answered))

    def marker_recorded(self, topic: str, seq: int) -> None:
        """Told by the recorder, from its own thread, when a marker is written."""
        self._commands.put(lambda: self._markers.recorded(topic, seq))

    def start(self) -> None:
        self._thread.start()

    def stop(self, reason: str) -> None:
        """Publish the final status and end the thread."""
        if self._thread.is_alive():
            self._commands.put(lambda: self._finish(reason))
            self._thread.join(1.0)

    def close(self) -> None:
        """Close every socket, those of subscribers in this process too."""
        # A socket that is closed while another thread polls it ends the process.
        self._stopping = True
        if self._thread.is_alive():
            self._thread.join(_LAST_LOOP_S)
        self.context.destroy(linger=0)

    def source_is(self, state: SourceState, reason: str) -> None:
        """Publish the source's state where the capture process cannot say it itself, because it died."""
        self._commands.put(
            lambda: self._publish_status(msgspec.structs.replace(self._status, state=state, reason=reason, fps=0.0))
        )

    def worker_is(self, state: WorkerState, restarts: int) -> None:
        """Publish what the parent knows of the worker's process."""
        self._commands.put(lambda: self._note_worker(state, restarts))

    def _run(self) -> None:
        poller = zmq.Poller()
        poller.register(self._link.socket, zmq.POLLIN)
        poller.register(self._marker_socket.socket, zmq.POLLIN)
        try:
            while not self._stopping:
                poller.register(self._capture, 0 if self._must_wait() else zmq.POLLIN)
                arrived: dict[Any, int] = dict(poller.poll(_POLL_MS))
                if self._capture in arrived:
                    self._take(self._capture.recv_multipart())
                for request, answered in self._marker_socket.requests():
                    self._take_marker(request, answered)
                self._hear()
                self._obey()
                for emotion in self._book.ready():
                    self._publisher.publish(emotion)
                self.unanswered = self._book.unanswered
        except BaseException as error:  # noqa: BLE001 (the parent ends the run with it)
            self.failure = error

    def _must_wait(self) -> bool:
        return self._lossless and self._book.unanswered >= OPEN_EVENTS // 2

    def _take(self, frames: list[bytes]) -> None:
        """One message of the capture process. Where the edge is a loopback port, others can send too: nonsense is counted."""
        try:
            match frames:
                case [kind, payload] if kind == MESSAGE:
                    self._take_message(decode(payload))
                case [kind, *question] if kind == CANDIDATE:
                    self._take_candidate(question)
                case [kind] if kind == ENDED:
                    self.ended.set()
                case _:
                    raise StreamError(f"the capture process sent {frames[0][:40]!r}, which the hub does not know")
        except StreamError:
            self._book.dropped["capture->hub unreadable"] += 1

    def _take_message(self, message: AnyMessage) -> None:
        if isinstance(message, StatusMessage):
            self._clock.learn(message.source, message.clock)
            self._newest_ns = message.t_capture_ns
            self._publish_status(message)
        else:
            self._newest_ns = message.t_capture_ns
            self._publisher.publish(message)

    def _take_marker(self, request: MarkerRequest, answered: Answered | None) -> None:
        self._markers.take(request, self._status.source, self._newest_ns, answered)

    def _take_candidate(self, question: list[bytes]) -> None:
        candidate, stamps = candidate_of(question)
        self._publisher.publish(spot_message(self._status.source, candidate, stamps))
        if candidate.phase == "provisional":
            self._book.provisional(candidate, stamps, question)
            self._link.ask(question)
        elif candidate.phase == "confirmed":
            if self._book.confirmed(candidate, stamps, question):
                self._link.ask(question)
        else:
            self._book.retracted(candidate.event_id)
            self._link.retract(candidate.event_id)

    def _hear(self) -> None:
        """What the worker has to say."""
        before = self._link.status
        self._link.beat()
        replies, has_come = self._link.receive()
        for reply in replies:
            if isinstance(reply, Answer):
                self._book.answered(reply)
            else:
                self._note_refusal(reply)
        if replies or not self._book.unanswered:
            self._progress_s = monotonic()
        # A worker that has forgotten, or a network that has swallowed a question, is asked again.
        if has_come or monotonic() - self._progress_s > _ASK_AGAIN_S:
            self._progress_s = monotonic()
            for question in self._book.questions():
                self._link.ask(question)
        if self._link.status != before:
            self._publish_status(self._status)

    def _note_refusal(self, refusal: Refusal) -> None:
        self.refusals[refusal.sentence] += 1
        if refusal.event_id is not None:
            self._book.give_up(refusal.event_id, "worker refused")

    def _note_worker(self, state: WorkerState, restarts: int) -> None:
        self._link.is_now(state, restarts)
        self._publish_status(self._status)

    def _publish_status(self, status: StatusMessage) -> None:
        """Complete the capture process's status by what only the hub knows, and publish it."""
        self._status = msgspec.structs.replace(
            status,
            worker=self._link.status,
            recording=self._status.recording,
            edges={**status.edges, **self._book.dropped},
            markers=self._status.markers,
        )
        self._publisher.publish(self._status)

    def _obey(self) -> None:
        while True:
            try:
                command = self._commands.get_nowait()
            except Empty:
                return
            command()

    def _finish(self, reason: str) -> None:
        self._publish_status(msgspec.structs.replace(self._status, state="ended", reason=reason))
        self._stopping = True
