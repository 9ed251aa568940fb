"""Several recognisers as one: a question goes to the one that has the fewest, and to another where that one falls silent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import zmq

from streamer.recognise.worker_link import WorkerLink
from streamer.stream.curve import Keys
from streamer.stream.internal import Answer, Refusal
from streamer.stream.schema import WorkerState, WorkerStatus

_RANK: dict[WorkerState, int] = {"ready": 0, "starting": 1, "restarting": 2, "lost": 3}

Question = tuple[str, Sequence[bytes]]
"""Event id, and the candidate's parts."""


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
        """Side of the crops that a recogniser accepts which has come by; the odd one of several."""
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
