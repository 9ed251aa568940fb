"""A session as tables: one row per movement, one per face, one per marker. Plain values, for CSV, Parquet and pandas.

Seconds are those since the session's start (`SessionClock`); for a file its own.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ahmsa.face.geometry import EYE_DISTANCE_PX
from ahmsa.types import HALVES
from streamer.session.session import Session, SessionEvent
from streamer.session.signal import Signal
from streamer.stream.schema import EmotionMessage, Moment

Row = dict[str, Any]
FACE_LOST = "face_lost"
"""The gate of a face that is not in the picture."""

EVENT_COLUMNS = (
    "video",
    "person",
    "event_id",
    "state",
    "onset_s",
    "apex_s",
    "offset_s",
    "onset_frame",
    "apex_frame",
    "offset_frame",
    "label",
    "confidence",
    "calibrated",
    "abstained",
    "amplitude_px",
    "score",
    "reason",
    "gate",
    "upper_limit_px",
    "lower_limit_px",
    "upper_limit_eye_permille",
    "lower_limit_eye_permille",
    "onset_utc",
    "apex_utc",
    "offset_utc",
    "onset_capture_ns",
    "apex_capture_ns",
    "offset_capture_ns",
    "model",
)
"""`probability_<label>` stands behind `label`. state: confirmed, rejected or unfinished. reason: why it was rejected. gate: the
gate that was shut at the apex, with the half of the face where it was half. <half>_limit_px: the smallest movement of that half
of the face that would have been announced at the apex, px of the aligned crop; empty where a gate was shut.
<half>_limit_eye_permille: the same in thousandths of the distance between the eyes."""
FACE_COLUMNS = (
    *("video", "person", "first_s", "last_s"),
    *("seen_share", "watched_share", "upper_watched_share", "lower_watched_share"),
)
"""`blind_<gate>_share`, `upper_blind_<gate>_share` and `lower_blind_<gate>_share` follow behind, for every gate that was shut.
Shares are of the source's length. seen: the face was in the picture; seen = watched + the sum of blind, for the face and each
half of it. A face is watched where any part of it is."""
MARKER_COLUMNS = ("text", "value", "source", "session_s", "utc", "t_mark_ns", "t_capture_ns")


def event_rows(session: Session) -> list[Row]:
    """One row per movement, in the order of their apex."""
    return [_event_row(session, event) for event in session.events]


def marker_rows(session: Session) -> list[Row]:
    return [{name: getattr(marker, name) for name in MARKER_COLUMNS} for marker in session.markers]


def face_rows(session: Session) -> list[Row]:
    """One row per face: how much of its source it was seen in, watched in, and blind by which gate."""
    rows = []
    for (source, face_id), signal in session.signals.items():
        whole_s = duration_s(session, source)
        of_parts = {"": _seconds_by_gate(signal, signal.gates)}
        of_parts |= {f"{half}_": _seconds_by_gate(signal, signal.half_gates[half]) for half in HALVES}
        row: Row = {
            "video": source,
            "person": face_id,
            "first_s": session.session_s(source, int(signal.t_ns[0])),
            "last_s": session.session_s(source, int(signal.t_ns[-1])),
            "seen_share": _share(sum(of_parts[""].values()), whole_s),
            **{f"{part}watched_share": _share(seconds.get(None, 0.0), whole_s) for part, seconds in of_parts.items()},
        }
        for part, seconds in of_parts.items():
            blind = sorted((gate, spent_s) for gate, spent_s in seconds.items() if gate is not None)
            row |= {f"{part}blind_{gate}_share": _share(spent_s, whole_s) for gate, spent_s in blind}
        rows.append(row)
    return rows


def _seconds_by_gate(signal: Signal, gates: Sequence[str | None]) -> dict[str | None, float]:
    """Gate, or None where none was shut, -> seconds; without those in which the face was not there."""
    seconds: dict[str | None, float] = {}
    for gate, span in zip(gates, signal.spans_s(), strict=True):
        if gate != FACE_LOST:
            seconds[gate] = seconds.get(gate, 0.0) + float(span)
    return seconds


def duration_s(session: Session, source: str) -> float:
    """Seconds of a source from its first to its last frame."""
    last = max((status.t_capture_ns for status in session.statuses if status.source == source), default=0)
    signals = [signal for (name, _), signal in session.signals.items() if name == source and len(signal.t_ns)]
    ends = [last, *(int(signal.t_ns[-1]) for signal in signals)]
    clock = session.clock(source)
    first = clock.first_ns if clock.first_ns or clock.kind == "file" else min((int(s.t_ns[0]) for s in signals), default=last)
    return max((max(ends) - first) / 1e9, 0.0)


def csv_text(rows: Sequence[Mapping[str, Any]], columns: Iterable[str] = ()) -> str:
    """Rows as CSV. Columns beyond the given ones follow in alphabetical order; what is missing or None is empty."""
    known = list(columns)
    more = sorted({name for row in rows for name in row} - set(known))
    text = io.StringIO()
    writer = csv.DictWriter(text, [*known, *more], restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def event_columns(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """`EVENT_COLUMNS` with the probabilities of these rows in their place."""
    labels = sorted({name for row in rows for name in row if name.startswith("probability_")})
    at = EVENT_COLUMNS.index("label") + 1
    return [*EVENT_COLUMNS[:at], *labels, *EVENT_COLUMNS[at:]]


def _event_row(session: Session, event: SessionEvent) -> Row:
    message, emotion = event.message, event.emotion
    signal = session.signals.get((message.source, message.face_id))
    sample = None if signal is None else signal.nearest(message.apex.t_ns)
    row: Row = {
        "video": message.source,
        "person": message.face_id,
        "event_id": message.event_id,
        "state": event.state,
        **_moment("onset", message.onset, session.session_s(message.source, message.onset.t_ns)),
        **_moment("apex", message.apex, session.session_s(message.source, message.apex.t_ns)),
        **_offset(session, event),
        "score": message.score,
        "reason": event.reason if event.state == "rejected" else None,
        "gate": None if signal is None or sample is None else _gate_at(signal, sample),
        **({} if signal is None or sample is None else _limits(signal, sample)),
    }
    return row if emotion is None else row | _claim(emotion)


def _claim(emotion: EmotionMessage) -> Row:
    return {
        "label": emotion.label,
        **{f"probability_{label}": value for label, value in emotion.probabilities.items()},
        "confidence": emotion.confidence,
        "calibrated": emotion.calibrated,
        "abstained": emotion.abstained,
        "amplitude_px": emotion.amplitude_px,
        "model": emotion.model,
    }


def _moment(name: str, moment: Moment, seconds: float) -> Row:
    return {
        f"{name}_s": seconds,
        f"{name}_frame": moment.index,
        f"{name}_utc": moment.utc,
        f"{name}_capture_ns": moment.t_ns,
    }


def _offset(session: Session, event: SessionEvent) -> Row:
    message = event.message
    if message.offset_t_ns is None:
        return {}
    frames = max(message.apex.index - message.onset.index, 1)
    frame_ns = max((message.apex.t_ns - message.onset.t_ns) / frames, 1.0)
    index = message.apex.index + max(round((message.offset_t_ns - message.apex.t_ns) / frame_ns), 0)
    moment = Moment(index, message.offset_t_ns, message.offset_utc)
    return _moment("offset", moment, session.session_s(message.source, message.offset_t_ns))


def _gate_at(signal: Signal, sample: int) -> str | None:
    """What was not watched then: a gate's name, with the half of the face where it was not all of it."""
    if signal.gates[sample] is not None:
        return signal.gates[sample]
    return "; ".join(f"{half} {gate}" for half in HALVES if (gate := signal.half_gates[half][sample]) is not None) or None


def _limits(signal: Signal, sample: int) -> Row:
    row: Row = {}
    for half in HALVES:
        limit_px = float(signal.limit_px(half)[sample])
        is_known = limit_px > 0  # nan: a gate was shut
        row[f"{half}_limit_px"] = round(limit_px, 3) if is_known else None
        row[f"{half}_limit_eye_permille"] = round(1000 * limit_px / EYE_DISTANCE_PX, 2) if is_known else None
    return row


def _share(part_s: float, whole_s: float) -> float | None:
    return round(min(part_s / whole_s, 1.0), 4) if whole_s > 0 else None


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value
