"""Why a signal that crossed its threshold was no event: what the record says about it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from streamer.session.session import Session, SessionEvent
from streamer.session.signal import Signal

_JUDGED_NS = 400_000_000
_NEAR_NS = 150_000_000
"""An event's own crossing may begin or end this much outside of its onset and offset."""


@dataclass(frozen=True)
class Crossing:
    """A stretch in which a region was over its threshold, and which is no confirmed movement."""

    source: str
    face_id: int
    start_s: float
    end_s: float
    region: str
    """The one that went farthest, in units of its threshold."""
    ratio: float
    """How far, in units of its threshold."""
    reason: str


def crossings_without_event(session: Session) -> list[Crossing]:
    """In the order of faces and time."""
    found = []
    for (source, face_id), signal in session.signals.items():
        events = [event for event in session.events if (event.message.source, event.message.face_id) == (source, face_id)]
        for region, first, last in signal.crossings():
            inside = [event for event in events if _overlaps(event, int(signal.t_ns[first]), int(signal.t_ns[last]))]
            if any(event.state == "confirmed" for event in inside):
                continue
            column = signal.regions.index(region)
            part = slice(first, last + 1)
            ratio = float((signal.displacement_px[part, column] / signal.threshold_px[part, column]).max())
            found.append(
                Crossing(
                    source,
                    face_id,
                    session.session_s(source, int(signal.t_ns[first])),
                    session.session_s(source, int(signal.t_ns[last])),
                    region,
                    round(ratio, 2),
                    _reason(signal, region, (first, last), inside),
                )
            )
    return found


def _reason(signal: Signal, region: str, samples: tuple[int, int], inside: list[SessionEvent]) -> str:
    first, last = samples
    # A movement is judged when it has turned: a little after its signal has come back.
    until = int(np.searchsorted(signal.t_ns, signal.t_ns[last] + _JUDGED_NS))
    kept = [gate for gate in signal.rejected[first:until] if gate is not None]
    rejected = [event.reason for event in inside if event.reason is not None]
    if rejected:
        return f"rejected: {rejected[0]}"
    if inside:
        return "the session ended before it was decided"
    if kept:
        return f"not announced: {kept[0]}"
    gates = [signal.gates[i] or signal.shut[i].get(region) for i in range(first, last + 1)]
    shut = Counter(gate for gate in gates if gate is not None)
    if shut:
        return f"gate shut: {shut.most_common(1)[0][0]}"
    return "it did not rise and come back as a micro-expression does"


def _overlaps(event: SessionEvent, start_ns: int, end_ns: int) -> bool:
    message = event.message
    last_ns = message.offset_t_ns if message.offset_t_ns is not None else 2 * message.apex.t_ns - message.onset.t_ns
    return start_ns <= last_ns + _NEAR_NS and end_ns >= message.onset.t_ns - _NEAR_NS
