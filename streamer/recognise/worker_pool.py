"""The hub's side of the recognisers. Several are used as one: a question goes to the one that has the fewest, and to another
where that one falls silent or comes back with an empty memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from time import monotonic
from typing import Any

import msgspec
import zmq

from ahmsa.errors import StreamError
from streamer.stream.curve import Keys, lock
from streamer.stream.internal import CANDIDATE, HELLO, RETRACT, Answer, Refusal, WorkerReady, reply_of
from streamer.stream.schema import WorkerState, WorkerStatus
from streamer.stream.sockets import connected, make_socket, receive

_RANK: dict[WorkerState, int] = {"ready": 0, "starting": 1, "restarting": 2, "lost": 3}

Question = tuple[str, Sequence[bytes]]
"""Event id, and the candidate's parts."""
HEARTBEAT_S = 0.5
_AT_ONCE = 256
"""Replies that are taken in one go, so that one who talks without end does not hold up the others."""
SILENCE_S = 6.0
"""Longer than the slowest answer: a worker does not reply while it computes."""


class WorkerPool:
    """Used from one thread, but for `status` and `crop_px`."""

    def __init__(
        self,
        context: zmq.Context[Any],
        endpoints: Sequence[str],
        name: str,
        high_water_mark: int,
        keys: Keys | None = None,
    ) -> None:
        """keys: of the client, where the recognisers are locked."""
        self.links: list[WorkerLink] = []
        self._asked: dict[str, WorkerLink] = {}
        """Event id -> the recogniser that owes its answer."""
        for endpoint in endpoints:
            self.links.append(WorkerLink(context, endpoint, name, high_water_mark, keys))

    @property
    def status(self) -> WorkerStatus:
        """Of all together: the best state that any of them has."""
        best = min((link.status for link in self.links), key=lambda status: _RANK[status.state])
        return msgspec.structs.replace(best, restarts=sum(link.status.restarts for link in self.links))

    @property
    def statuses(self) -> list[WorkerStatus]:
        """One by one; empty where there is only one."""
        return [link.status for link in self.links] if len(self.links) > 1 else []

    @property
    def crop_px(self) -> int | None:
        """Side of the crops that the recognisers accept; of several, the rarest. None while none is known."""
        sides = [link.crop_px for link in self.links if link.crop_px is not None]
        return min(sides, key=sides.count, default=None)

    def ask(self, event_id: str, question: Sequence[bytes]) -> None:
        """Send a question; where nobody is ready it waits in its book until somebody is."""
        ready = [link for link in self.links if link.status.state == "ready"]
        if not ready:
            return
        link = self._asked.get(event_id)
        if link is None or link not in ready:
            loads = Counter(id(one) for one in self._asked.values())
            link = min(ready, key=lambda one: loads[id(one)])
        self._asked[event_id] = link
        link.ask(question)

    def ask_again(self, questions: Iterable[Question], of: WorkerLink | None = None) -> None:
        """Ask open questions once more: those that `of` owed (it has forgotten or is lost) and those that nobody was asked, or
        where `of` is None, all."""
        for event_id, question in questions:
            owing = self._asked.get(event_id)
            if of is None or owing is None or owing is of:
                self._asked.pop(event_id, None)
                self.ask(event_id, question)

    def retract(self, event_id: str) -> None:
        link = self._asked.pop(event_id, None)
        if link is not None:
            link.retract(event_id)

    def receive(self) -> tuple[list[Answer | Refusal], list[WorkerLink]]:
        """What has arrived, and the recognisers whose questions must be asked again: they came back with an empty memory, or
        have just been lost."""
        replies: list[Answer | Refusal] = []
        changed: list[WorkerLink] = []
        for link in self.links:
            before = link.status.state
            link.beat()
            said, has_come = link.receive()
            replies += said
            if has_come or (link.status.state != before and before == "ready"):
                changed.append(link)
        for reply in replies:
            if reply.event_id is not None:
                self._asked.pop(reply.event_id, None)
        return replies, changed

    def forget(self, event_id: str) -> None:
        """An event is no longer of interest."""
        self._asked.pop(event_id, None)


class WorkerLink:
    """The line to one recogniser. Used from one thread. `status` says what is known of the worker."""

    def __init__(
        self, context: zmq.Context[Any], endpoint: str, name: str, high_water_mark: int, keys: Keys | None = None
    ) -> None:
        self.status = WorkerStatus(state="starting")
        self.crop_px: int | None = None
        self.activity = 0
        """Counts its replies."""
        self._instance: str | None = None
        self._last_reply_s = self._hello_s = monotonic() - HEARTBEAT_S
        self.endpoint = endpoint
        self.socket = make_socket(context, zmq.DEALER, high_water_mark=high_water_mark)
        self.socket.setsockopt(zmq.RECONNECT_IVL, 50)
        # One name for the whole session, so that answers survive a reconnect; nothing is queued for a worker that is not there.
        self.socket.setsockopt_string(zmq.ROUTING_ID, name)
        self.socket.setsockopt(zmq.IMMEDIATE, 1)
        if keys is not None:
            lock(self.socket, keys)
        connected(self.socket, endpoint)

    def ask(self, question: Sequence[bytes]) -> None:
        """Send a candidate's frames; where the worker is not ready they wait in the book until it says so."""
        if self.status.state == "ready":
            self._send([CANDIDATE, *question])

    def retract(self, event_id: str) -> None:
        if self.status.state == "ready":
            self._send([RETRACT, event_id.encode()])

    def beat(self) -> None:
        """Say hello from time to time; a worker that has been silent for too long is lost until it replies."""
        now_s = monotonic()
        if now_s - self._hello_s >= HEARTBEAT_S:
            self._hello_s = now_s
            self._send([HELLO])
        if self.status.state in ("ready", "starting") and now_s - self._last_reply_s > SILENCE_S and self._instance is not None:
            self.is_now("lost")

    def receive(self) -> tuple[list[Answer | Refusal], bool]:
        """Replies that have arrived, and whether the worker has just become ready: it then knows no open question."""
        replies: list[Answer | Refusal] = []
        has_come = False
        for _ in range(_AT_ONCE):
            if not self.socket.poll(0):
                break
            reply = _reply_in(receive(self.socket))
            self._last_reply_s = monotonic()
            self.activity += 1
            if isinstance(reply, WorkerReady):
                has_come |= self._register(reply)
            else:
                replies.append(reply)
        return replies, has_come

    @property
    def is_known(self) -> bool:
        """Whether this recogniser, as it runs now, has ever said that it is ready."""
        return self._instance is not None

    def is_now(self, state: WorkerState, restarts: int | None = None) -> None:
        """Note what the parent knows of the worker's process, or silence."""
        if state == "restarting":
            self._instance = None
        self.status = msgspec.structs.replace(
            self.status, state=state, restarts=self.status.restarts if restarts is None else restarts
        )

    def _register(self, ready: WorkerReady) -> bool:
        has_come = self.status.state != "ready" or ready.instance != self._instance
        self._instance = ready.instance
        self.status = msgspec.structs.replace(self.status, state="ready", device=ready.device, model=ready.model)
        self.crop_px = ready.crop_px
        return has_come

    def _send(self, frames: list[bytes]) -> None:
        try:
            self.socket.send_multipart(frames, zmq.NOBLOCK)
        except zmq.Again:
            # Not connected, or full: an unanswered question stays in the book and is sent when the worker is ready again.
            return


def _reply_in(frames: Sequence[bytes]) -> Answer | WorkerReady | Refusal:
    """A reply; one that cannot be read is a refusal that says so: a recogniser of another version ends no run."""
    try:
        return reply_of(frames[0] if frames else b"")
    except StreamError as error:
        return Refusal(event_id=None, sentence=str(error))
