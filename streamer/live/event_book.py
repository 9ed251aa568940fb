"""The life of events between spotter and recogniser, without any socket: what to publish, whom to ask, what to forget.

A provisional candidate is asked at once, so that the answer is ready by the time the movement is confirmed. The emotion that
is published is always that of the confirmed faces; an answer for other frames is not used. That, and nothing about
timing, decides the result: live processes and replay publish the same events.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from time import monotonic_ns

from ahmsa.types import Candidate, Gate
from streamer.stream.internal import Answer, Stamps
from streamer.stream.messages import emotion_message, latencies, spot_message
from streamer.stream.schema import EmotionMessage, SpotMessage

Frames = tuple[int, int, int | None, int | None]
"""Index of onset, apex, before and after: which faces an answer is about."""


@dataclass
class _Event:
    question: Sequence[bytes]
    """The newest candidate's frames, ready to be sent again to another recogniser."""
    asked: Frames
    newest: Candidate
    provisional: Stamps | None = None
    confirmed: Candidate | None = None
    confirmed_stamps: Stamps = field(default_factory=Stamps)
    answer: Answer | None = None

    @property
    def answered(self) -> bool:
        return self.answer is not None and _frames_of(self.answer) == self.asked


class EventBook:
    """Open events of one source. At most `limit`; past it the oldest is dropped and counted."""

    def __init__(self, source: str, limit: int = 64) -> None:
        self.dropped: Counter[str] = Counter()
        """Edge -> events that were given up."""
        self._source = source
        self._limit = limit
        self._events: OrderedDict[str, _Event] = OrderedDict()
        self._confirmed: deque[str] = deque()

    @property
    def unanswered(self) -> int:
        """Questions that a recogniser still owes an answer to."""
        return sum(not event.answered for event in self._events.values())

    def questions(self) -> list[tuple[str, Sequence[bytes]]]:
        """Every unanswered question with its event, oldest first: for a recogniser that has just (re)started."""
        return [(event_id, event.question) for event_id, event in self._events.items() if not event.answered]

    def provisional(self, candidate: Candidate, stamps: Stamps, question: Sequence[bytes]) -> None:
        """A movement is under way; the question is now open."""
        self._open(candidate, question).provisional = stamps

    def confirmed(self, candidate: Candidate, stamps: Stamps, question: Sequence[bytes]) -> bool:
        """The movement is a micro-expression. True where the question is new, so that it must be asked (again)."""
        event = self._events.get(candidate.event_id)
        is_new = event is None or event.asked != _frames(candidate)
        event = self._open(candidate, question)
        event.confirmed, event.confirmed_stamps = candidate, stamps
        self._confirmed.append(candidate.event_id)
        return is_new

    def retracted(self, event_id: str) -> None:
        """The movement was none; its answer will not be used."""
        self._events.pop(event_id, None)

    def answered(self, answer: Answer) -> None:
        """A recogniser's answer; one for an event that is gone, or for other frames, changes nothing."""
        event = self._events.get(answer.event_id)
        if event is not None and _frames_of(answer) == event.asked:
            event.answer = answer

    def lose(self, reason: Gate) -> list[SpotMessage]:
        """The capture process has gone: retract what is open. Returns the retractions; what is confirmed stays."""
        lost = {event_id: event for event_id, event in self._events.items() if event.confirmed is None}
        for event_id in lost:
            del self._events[event_id]
        return [
            spot_message(self._source, replace(event.newest, phase="retracted", reason=reason), event.provisional or Stamps())
            for event in lost.values()
        ]

    def give_up(self, event_id: str, edge: str) -> bool:
        """Drop an event that cannot be answered, and count it; False where it is not open."""
        if self._events.pop(event_id, None) is None:
            return False
        self.dropped[edge] += 1
        return True

    def ready(self) -> list[EmotionMessage]:
        """Take out the events that are confirmed and answered, in the order of their confirmation: a late answer holds back
        those behind it, so that the order does not depend on timing."""
        done: list[EmotionMessage] = []
        while self._confirmed:
            event = self._events.get(self._confirmed[0])
            if event is not None:
                if event.confirmed is None or event.answer is None or not event.answered:
                    break
                del self._events[self._confirmed[0]]
                spent = latencies(event.provisional, event.confirmed_stamps, event.answer.recognise_ms, monotonic_ns())
                done.append(emotion_message(self._source, event.confirmed, event.answer, spent))
            self._confirmed.popleft()
        return done

    def _open(self, candidate: Candidate, question: Sequence[bytes]) -> _Event:
        event = self._events.get(candidate.event_id)
        if event is None:
            while len(self._events) >= self._limit:
                self.give_up(next(iter(self._events)), "hub->worker")
            event = self._events[candidate.event_id] = _Event(question, _frames(candidate), candidate)
        event.question, event.asked, event.newest = question, _frames(candidate), candidate
        return event


def _frames(candidate: Candidate) -> Frames:
    before, after = (None if face is None else face.index for face in (candidate.before, candidate.after))
    return candidate.onset.index, candidate.apex.index, before, after


def _frames_of(answer: Answer) -> Frames:
    return answer.onset_index, answer.apex_index, answer.before_index, answer.after_index
