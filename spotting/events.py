"""What is announced: movements of several parts of the face at one time are one event.

A face that talks or smiles with its mouth is still watched at the brows, so several movements may be followed at once. Those
whose apexes lie together belong to one event: it is confirmed with the first of them that comes back, and retracted with the
last of them that does not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ahmsa.types import Gate, Kind, Phase
from spotting.movement import Movement
from spotting.settings import nanoseconds

_REMEMBERED_NS = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of an event, at the frame at which it became known."""

    phase: Phase
    onset_ns: int
    apex_ns: int
    offset_ns: int | None
    score: float
    reason: Gate | None = None
    kind: Kind = "micro"
    """macro: it lasted too long for a micro-expression, as which it is retracted."""
    event: int | None = None
    """All that is said of one event has the same number; None where nothing was said of it before."""


@dataclass(slots=True, eq=False)
class Event:
    """Movements with one apex."""

    number: int
    announced: Decision
    confirmed: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class OpenMovement:
    """A movement that is followed until it has come back, or has not."""

    movement: Movement
    event: Event
    found: Decision


class Events:
    """The movements that are followed now, and the events of the past two seconds."""

    def __init__(self, same_event_ms: float) -> None:
        self._same_event_ns = nanoseconds(same_event_ms)
        self.open: list[OpenMovement] = []
        self._events: list[Event] = []
        self._count = 0

    def at(self, apex_ns: int) -> Event | None:
        """The event to which a movement with this apex belongs."""
        return next((event for event in self._events if abs(event.announced.apex_ns - apex_ns) <= self._same_event_ns), None)

    def announce(self, movement: Movement, found: Decision, now_ns: int) -> Decision | None:
        """Follow a movement; returns what is to be said, which is nothing where its event is known already."""
        self._events = [event for event in self._events if now_ns - event.announced.apex_ns < _REMEMBERED_NS]
        event = self.at(found.apex_ns)
        if event is None:
            self._count += 1
            event = Event(self._count, replace(found, event=self._count))
            self._events.append(event)
            self.open.append(OpenMovement(movement, event, found))
            return event.announced
        if not event.confirmed:
            self.open.append(OpenMovement(movement, event, found))
        return None

    def confirm(self, one: OpenMovement, decision: Decision) -> tuple[Decision, list[OpenMovement]]:
        """A movement has come back: what is to be said, and all movements of its event, which are followed no longer."""
        members = [other for other in self.open if other.event is one.event]
        self.open = [other for other in self.open if other.event is not one.event]
        one.event.confirmed = True
        one.event.announced = replace(decision, event=one.event.number)
        return one.event.announced, members

    def drop(self, one: OpenMovement, decision: Decision) -> Decision | None:
        """A movement was none; its event is retracted with the last of its movements."""
        self.open.remove(one)
        if any(other.event is one.event for other in self.open):
            return None
        self._events.remove(one.event)
        return replace(decision, event=one.event.number)

    def clear(self) -> None:
        """Forget the events; what is open must have been dropped before."""
        self._events.clear()
