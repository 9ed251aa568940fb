"""The hub: everything that is published goes through here, in one thread of the parent process.

    capture processes --PUSH/PULL--> hub --record, then PUB--> subscribers
                                     hub <--DEALER/ROUTER--> recognisers

It keeps the book of open events, and numbers and stamps what goes out. What may be dropped, and where it is counted:

| edge | when full |
|---|---|
| capture->hub | a live source drops the newest message and counts it; a file waits |
| hub->worker | past 64 open events of a source its oldest is given up and counted; a file waits at half of that |
| hub->subscriber | ZeroMQ drops new messages of a slow subscriber, who sees the hole in `seq` |
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from time import monotonic, monotonic_ns
from typing import Any

import msgspec
import zmq

from ahmsa.errors import AhmsaError, StreamError
from ahmsa.work.threads import Supervised
from configs.schema import StreamSettings
from streamer.live.source_line import SourceEdge, SourceLine
from streamer.recognise.worker_pool import WorkerPool
from streamer.stream.clocks import SessionClock
from streamer.stream.curve import load_keys
from streamer.stream.internal import CANDIDATE, ENDED, MESSAGE, Answer, Refusal, candidate_of
from streamer.stream.markers import Answered, MarkerBook, MarkerRequest, MarkerSocket, marker_endpoint
from streamer.stream.messages import spot_message
from streamer.stream.publisher import Publisher, Record
from streamer.stream.schema import AnyMessage, RecordingState, SourceState, StatusMessage, WorkerState, decode

OPEN_EVENTS = 64
_POLL_MS = 20
_LAST_LOOP_S = 5.0
_LONGEST_SILENCE_S = 30.0
_SENTENCES_KEPT = 20


class Hub:
    """Sockets are bound in the constructor, so that a taken port is an error before any process starts.

    sources: one line per capture process; worker_endpoints: the recognisers that share the questions. record: writes down
    what is published, before it is.
    """

    def __init__(
        self,
        settings: StreamSettings,
        *,
        session: str,
        sources: Sequence[SourceEdge],
        worker_endpoints: Sequence[str],
        recording: RecordingState = "off",
        record: Record | None = None,
        clock: SessionClock | None = None,
        ask_again_s: float = 5.0,
    ) -> None:
        """ask_again_s: questions without any answer for so long are asked once more."""
        self.unanswered = 0
        """Questions that a recogniser still owes an answer to."""
        self.waiting_s = 0.0
        """How long no question has been answered although some were open."""
        self.refusals: Counter[str] = Counter()
        """Sentence -> how many movements were refused with it."""
        self.complaint: str | None = None
        """The newest refusal of a recogniser that is about no movement."""
        self.context = zmq.Context()
        self.thread = Supervised("hub", self._run)
        self._clock = clock or SessionClock()
        self._commands: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._stopping = False
        self._ask_again_s = ask_again_s
        self._progress_s = self._answered_s = monotonic()
        self._unreadable = 0
        try:
            self._publisher = Publisher(self.context, settings, session, self._clock, record)
            self._marker_socket = MarkerSocket(self.context, settings.markers or marker_endpoint(settings.publish))
            self._lines = {edge.name: SourceLine(self.context, edge, OPEN_EVENTS, recording) for edge in sources}
            # Recognisers of this program are reached through a private folder, those elsewhere by the keys.
            keys = load_keys(Path(settings.curve), "client") if settings.curve and settings.worker else None
            self._pool = WorkerPool(self.context, worker_endpoints, session, 2 * OPEN_EVENTS, keys)
        except AhmsaError:
            if hasattr(self, "_publisher"):
                self._publisher.close()
            self.context.destroy(linger=0)
            raise
        self._markers = MarkerBook(self._publisher.publish, self._clock, is_recorded=record is not None)

    @property
    def endpoint(self) -> str:
        """Where to subscribe."""
        return self._publisher.endpoint

    @property
    def worker_crop_px(self) -> int | None:
        """Side of the crops that the recogniser accepts, once it is ready."""
        return self._pool.crop_px

    @property
    def marker_endpoint(self) -> str:
        """Where programs of this machine set markers."""
        return self._marker_socket.endpoint

    def has_ended(self, source: str) -> bool:
        """Whether a source has come to its end, and everything that it sent has been taken in."""
        return self._lines[source].ended.is_set()

    def activity_of(self, source: str) -> int:
        """A number that changes whenever something comes from a capture process."""
        return self._lines[source].activity

    def worker_activity(self, number: int) -> int | None:
        """A number that changes whenever something comes from a recogniser; None until it has been ready."""
        link = self._pool.links[number]
        return link.activity if link.is_known else None

    def mark(self, request: MarkerRequest, answered: Answered | None = None) -> None:
        """Set a marker; from any thread. `answered` is called by the hub's thread once it is in the record, or refused."""
        if request.t_monotonic_ns is None:
            request = msgspec.structs.replace(request, t_monotonic_ns=monotonic_ns())
        self._commands.put(lambda: self._take_marker(request, answered))

    def start(self) -> None:
        self.thread.start()

    def check(self) -> None:
        """Raise where the hub's thread has died or hangs."""
        self.thread.check(_LONGEST_SILENCE_S)

    def stop(self, reason: str) -> None:
        """Publish the final status and end the thread."""
        if self.thread.alive:
            self._commands.put(lambda: self._finish(reason))
            self.thread.join(1.0)

    def close(self) -> None:
        """Close every socket, those of subscribers in this process too."""
        # A socket that is closed while another thread polls it ends the process.
        self._stopping = True
        self.thread.join(_LAST_LOOP_S)
        self._publisher.close()
        self._marker_socket.close()
        for line in self._lines.values():
            line.close()
        self.context.destroy(linger=0)

    def source_is(self, source: str, state: SourceState, reason: str) -> None:
        """Publish a source's state where its capture process cannot say it itself, because it died or hangs."""
        self._commands.put(lambda: self._note_source(self._lines[source], state, reason))

    def source_died(self, source: str, state: SourceState, reason: str) -> None:
        """The same, and retract every movement that nobody will confirm any more."""
        self._commands.put(lambda: self._note_death(self._lines[source], state, reason))

    def worker_is(self, number: int, state: WorkerState, restarts: int) -> None:
        """Publish what the parent knows of a worker's process."""
        self._commands.put(lambda: self._note_worker(number, state, restarts))

    def _run(self) -> None:
        poller = zmq.Poller()
        for link in self._pool.links:
            poller.register(link.socket, zmq.POLLIN)
        poller.register(self._marker_socket.socket, zmq.POLLIN)
        while not self._stopping:
            self.thread.beat()
            for line in self._lines.values():
                poller.register(line.socket, 0 if line.must_wait else zmq.POLLIN)
            arrived: dict[Any, int] = dict(poller.poll(_POLL_MS))
            for line in self._lines.values():
                if line.socket in arrived:
                    self._take(line)
            for request, answered in self._marker_socket.requests():
                self._take_marker(request, answered)
            self._receive_replies()
            self._run_commands()
            for line in self._lines.values():
                for emotion in line.book.ready():
                    self._publisher.publish(emotion)
            self.unanswered = sum(line.book.unanswered for line in self._lines.values())
            self.waiting_s = monotonic() - self._answered_s if self.unanswered else 0.0

    def _take(self, line: SourceLine) -> None:
        """One message of a capture process; one that makes no sense is counted."""
        try:
            match line.take():
                case [kind, payload] if kind == MESSAGE:
                    take = self._message_taker(line, decode(payload))
                case [kind, *question] if kind == CANDIDATE:
                    take = self._candidate_taker(line, question)
                case [kind] if kind == ENDED:
                    take = line.ended.set
                case _:
                    raise StreamError("the capture process sent what the hub does not know")
        except Exception:  # noqa: BLE001 (whatever one message does to its decoder, the next is taken)
            line.book.dropped["capture->hub unreadable"] += 1
            return
        take()

    def _message_taker(self, line: SourceLine, message: AnyMessage) -> Callable[[], None]:
        if message.source != line.name:
            raise StreamError(f"the capture process of {line.name} speaks for another")
        return lambda: self._take_message(line, message)

    def _take_message(self, line: SourceLine, message: AnyMessage) -> None:
        line.newest_ns = message.t_capture_ns
        if isinstance(message, StatusMessage):
            self._clock.learn(message.source, message.clock)
            self._publish_status(line, message)
        else:
            self._publisher.publish(message)

    def _candidate_taker(self, line: SourceLine, question: list[bytes]) -> Callable[[], None]:
        candidate, stamps = candidate_of(question)

        def take() -> None:
            self._publisher.publish(spot_message(line.name, candidate, stamps))
            if candidate.phase == "provisional":
                line.book.provisional(candidate, stamps, question)
                self._pool.ask(candidate.event_id, question)
            elif candidate.phase == "confirmed":
                if line.book.confirmed(candidate, stamps, question):
                    self._pool.ask(candidate.event_id, question)
            else:
                line.book.retracted(candidate.event_id)
                self._pool.retract(candidate.event_id)

        return take

    def _take_marker(self, request: MarkerRequest, answered: Answered | None) -> None:
        first = next(iter(self._lines.values()))
        self._markers.take(request, first.name, first.newest_ns, answered)

    def _receive_replies(self) -> None:
        """Take what the recognisers have sent."""
        before = self._pool.statuses or self._pool.status
        replies, changed = self._pool.receive()
        for reply in replies:
            if isinstance(reply, Answer):
                self._answered_s = monotonic()
                for line in self._lines.values():
                    line.book.answered(reply)
            else:
                self._note_refusal(reply)
        open_ones = any(line.book.unanswered for line in self._lines.values())
        if replies or not open_ones:
            self._progress_s = monotonic()
        if not open_ones:
            self._answered_s = monotonic()
        # A worker that has forgotten, or a question that was lost on the way, is asked again.
        for link in changed:
            self._pool.ask_again(self._questions(), link)
        if monotonic() - self._progress_s > self._ask_again_s:
            self._progress_s = monotonic()
            self._pool.ask_again(self._questions())
        if (self._pool.statuses or self._pool.status) != before:
            self._publish_statuses()

    def _questions(self) -> list[tuple[str, Sequence[bytes]]]:
        return [question for line in self._lines.values() for question in line.book.questions()]

    def _note_refusal(self, refusal: Refusal) -> None:
        """A refused movement is closed; a refusal that names none of ours is only kept for the report."""
        event_id = refusal.event_id
        is_closed = event_id is not None and any(line.book.give_up(event_id, "worker refused") for line in self._lines.values())
        if not is_closed:
            self.complaint = refusal.sentence
            self._unreadable += 1
            next(iter(self._lines.values())).book.dropped["worker->hub unreadable"] = self._unreadable
        elif refusal.sentence in self.refusals or len(self.refusals) < _SENTENCES_KEPT:
            self.refusals[refusal.sentence] += 1
        else:
            self.refusals["and other reasons"] += 1

    def _note_source(self, line: SourceLine, state: SourceState, reason: str) -> None:
        self._publish_status(line, msgspec.structs.replace(line.status, state=state, reason=reason[:200], fps=0.0))

    def _note_death(self, line: SourceLine, state: SourceState, reason: str) -> None:
        for retraction in line.book.lose("source_lost"):
            self._publisher.publish(retraction)
            self._pool.retract(retraction.event_id)
        self._note_source(line, state, reason)

    def _note_worker(self, number: int, state: WorkerState, restarts: int) -> None:
        link = self._pool.links[number]
        link.is_now(state, restarts)
        self._pool.ask_again(self._questions(), link)
        self._publish_statuses()

    def _publish_statuses(self) -> None:
        for line in self._lines.values():
            self._publish_status(line, line.status)

    def _publish_status(self, line: SourceLine, status: StatusMessage) -> None:
        """Complete a capture process's status by what only the hub knows, and publish it."""
        line.status = msgspec.structs.replace(
            status,
            worker=self._pool.status,
            workers=self._pool.statuses,
            recording=line.status.recording,
            edges={**status.edges, **line.book.dropped},
            markers=self._marker_socket.endpoint,
        )
        self._publisher.publish(line.status)

    def _run_commands(self) -> None:
        with contextlib.suppress(Empty):
            while True:
                self._commands.get_nowait()()

    def _finish(self, reason: str) -> None:
        for line in self._lines.values():
            self._publish_status(line, msgspec.structs.replace(line.status, state="ended", reason=reason))
        self._stopping = True
