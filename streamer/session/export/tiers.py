"""A session as tiers of annotations, as ELAN and Praat know them. Seconds since the session's start; for a file its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from streamer.session.session import Session, SessionEvent

_SHORTEST_S = 0.001


@dataclass(frozen=True)
class Span:
    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True)
class Tier:
    """Annotations in the order of time, none over another. Of a point the end is its start."""

    name: str
    spans: list[Span]
    points: bool = False


def tiers_of(session: Session) -> list[Tier]:
    """For every face its movements, apexes, rejected movements and the times in which a gate was shut; then the markers."""
    tiers: list[Tier] = []
    for source, face_id in _faces(session):
        name = f"{source} face {face_id}" if len({face[0] for face in _faces(session)}) > 1 else f"face {face_id}"
        events = [event for event in session.events if (event.message.source, event.message.face_id) == (source, face_id)]
        confirmed = [event for event in events if event.state == "confirmed"]
        tiers += _lanes(f"{name} movement", [_span(session, event, claim_of(event)) for event in confirmed])
        apexes = [_point(session.session_s(source, event.message.apex.t_ns), claim_of(event)) for event in confirmed]
        tiers.append(Tier(f"{name} apex", sorted(apexes, key=_when), points=True))
        rejected = [event for event in events if event.state == "rejected"]
        tiers += _lanes(f"{name} rejected", [_span(session, event, event.reason or "rejected") for event in rejected])
        tiers.append(Tier(f"{name} gate", _gates(session, source, face_id)))
    markers = [_point(marker.session_s or 0.0, marker.words) for marker in session.markers]
    tiers.append(Tier("markers", sorted(markers, key=_when), points=True))
    return tiers


def end_s(session: Session, tiers: Iterable[Tier]) -> float:
    """Where the annotations end: with the session, or with the last of them."""
    samples = [session.session_s(source, int(signal.t_ns[-1])) for (source, _), signal in session.signals.items()]
    return max([*samples, *(span.end_s for tier in tiers for span in tier.spans), 0.1])


def claim_of(event: SessionEvent) -> str:
    """The label, or why there is none."""
    if event.emotion is None:
        return "not recognised"
    return event.emotion.label or f"no label ({event.emotion.abstained})"


def _faces(session: Session) -> list[tuple[str, int]]:
    return sorted({*session.signals, *((event.message.source, event.message.face_id) for event in session.events)})


def _span(session: Session, event: SessionEvent, text: str) -> Span:
    message = event.message
    start = max(session.session_s(message.source, message.onset.t_ns), 0.0)
    last_ns = message.offset_t_ns if message.offset_t_ns is not None else message.apex.t_ns
    return Span(start, max(session.session_s(message.source, last_ns), start + _SHORTEST_S), text)


def _point(seconds: float, text: str) -> Span:
    return Span(max(seconds, 0.0), max(seconds, 0.0), text)


def _gates(session: Session, source: str, face_id: int) -> list[Span]:
    signal = session.signals.get((source, face_id))
    if signal is None:
        return []
    spans = signal.spans_s()
    found = []
    for gate, first, last in signal.stretches():
        start = max(session.session_s(source, int(signal.t_ns[first])), 0.0)
        end = session.session_s(source, int(signal.t_ns[last])) + float(spans[last])
        found.append(Span(start, max(end, start + _SHORTEST_S), gate))
    return found


def _lanes(name: str, spans: list[Span]) -> list[Tier]:
    """One tier, and another of the same name with a number for what would lie over something."""
    lanes: list[list[Span]] = [[]]
    for span in sorted(spans, key=_when):
        free = next((lane for lane in lanes if not lane or lane[-1].end_s <= span.start_s), None)
        if free is None:
            lanes.append(free := [])
        free.append(span)
    return [Tier(name if number == 1 else f"{name} {number}", lane) for number, lane in enumerate(lanes, start=1)]


def _when(span: Span) -> float:
    return span.start_s
