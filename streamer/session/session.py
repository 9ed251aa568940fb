"""A recorded session in memory: events, markers, signal and clocks, from the folder that `--record` or `ahmsa-analyse` made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from ahmsa.errors import DataError
from streamer.session.reader import read_clocks, read_messages, read_session
from streamer.session.recorder import LAYOUT, SessionRecord
from streamer.session.signal import Signal, SignalBuilder
from streamer.stream.clocks import ClockPair, utc_ns_of
from streamer.stream.schema import CaptureClock, EmotionMessage, MarkerMessage, MotionMessage, SpotMessage, StatusMessage

Face = tuple[str, int]
"""Source and face id."""


@dataclass(frozen=True)
class SessionEvent:
    """One movement: the last that was said about it."""

    spot: SpotMessage | None
    emotion: EmotionMessage | None

    @property
    def message(self) -> EmotionMessage | SpotMessage:
        """The one that has the last word on onset, apex and offset."""
        message = self.emotion or self.spot
        assert message is not None
        return message

    @property
    def state(self) -> str:
        """confirmed, rejected, or unfinished where the session ended before it was decided."""
        if self.emotion is not None or (self.spot is not None and self.spot.phase == "confirmed"):
            return "confirmed"
        return "rejected" if self.spot is not None and self.spot.phase == "retracted" else "unfinished"

    @property
    def reason(self) -> str | None:
        """Why it was rejected: a gate's name, or `macro`."""
        return self.spot.reason if self.spot is not None else None

    @property
    def onset_s(self) -> float | None:
        """Seconds since the session's start; for a file since its first frame."""
        return self.message.onset.session_s

    @property
    def apex_s(self) -> float | None:
        return self.message.apex.session_s

    @property
    def offset_s(self) -> float | None:
        return self.message.offset_session_s

    @property
    def onset_frame(self) -> int:
        """Number of the frame in its source, counted from 0."""
        return self.message.onset.index

    @property
    def apex_frame(self) -> int:
        return self.message.apex.index

    @property
    def label(self) -> str | None:
        """negative, positive or surprise; None where the network abstained, and before it has answered."""
        return self.emotion.label if self.emotion is not None else None

    @property
    def probabilities(self) -> Mapping[str, float]:
        """Label -> probability; empty before the network has answered."""
        return self.emotion.probabilities if self.emotion is not None else {}

    @property
    def abstained(self) -> str | None:
        """Why no label is claimed: low_confidence, below_noise_floor or other_motion."""
        return self.emotion.abstained if self.emotion is not None else None


@dataclass(frozen=True)
class Session:
    """Everything a folder holds. Times: see `SessionClock`."""

    folder: Path
    record: SessionRecord
    events: list[SessionEvent]
    """In the order of their apex."""
    markers: list[MarkerMessage]
    statuses: list[StatusMessage]
    signals: Mapping[Face, Signal]
    clocks: list[ClockPair]
    """Pairs of the monotonic and the wall clock, from start to end."""
    damaged: list[str] = field(default_factory=list)
    """One sentence for every line that could not be read."""

    def to_rows(self) -> list[dict[str, Any]]:
        """One row of plain values per movement, in the order of their apex: `pandas.DataFrame(session.to_rows())`."""
        rows: list[dict[str, Any]] = import_module("streamer.session.table").event_rows(self)
        return rows

    @property
    def confirmed(self) -> list[SessionEvent]:
        return [event for event in self.events if event.state == "confirmed"]

    def clock(self, source: str) -> CaptureClock:
        """How the capture times of a source lie on the monotonic clock."""
        known = (status.clock for status in reversed(self.statuses) if status.source == source and status.clock is not None)
        return next(known, CaptureClock("monotonic", 0, 0))

    def session_s(self, source: str, t_capture_ns: int) -> float:
        """Seconds since the session's start, as events carry them."""
        clock = self.clock(source)
        since_ns = clock.first_ns if clock.behind_ns is None else self.record.started.monotonic_ns - clock.behind_ns
        return round((t_capture_ns - since_ns) / 1e9, 6)

    def utc_ns(self, t_monotonic_ns: int) -> int:
        """UTC of a moment of the monotonic clock, by the nearest pairs of clocks on either side: without their drift."""
        pairs = self.clocks or [ClockPair(self.record.started.monotonic_ns, utc_ns_of(self.record.started.wall_time))]
        before = max((pair for pair in pairs if pair.monotonic_ns <= t_monotonic_ns), default=pairs[0], key=_when)
        after = min((pair for pair in pairs if pair.monotonic_ns > t_monotonic_ns), default=pairs[-1], key=_when)
        span_ns = after.monotonic_ns - before.monotonic_ns
        ahead_ns = t_monotonic_ns - before.monotonic_ns
        if span_ns <= 0:
            return before.utc_ns + ahead_ns
        return before.utc_ns + ahead_ns * (after.utc_ns - before.utc_ns) // span_ns


def load_session(folder: Path | str) -> Session:
    """Read a recorded session. A damaged line is left out, and named in `damaged`.

    Raises DataError where there is no session, or one of a layout that this version does not know.
    """
    folder = Path(folder)
    record = read_session(folder)
    if record.layout > LAYOUT:
        raise DataError(f"{folder} has layout {record.layout}, and this version reads up to {LAYOUT}; use a newer ahmsa")
    damaged: list[str] = []
    events: dict[tuple[str, str], SessionEvent] = {}
    markers, statuses, builders = [], [], dict[Face, SignalBuilder]()
    for message in read_messages(folder, damaged.append):
        match message:
            case MotionMessage():
                builders.setdefault((message.source, message.face_id), SignalBuilder()).add(message)
            case SpotMessage():
                before = events.get((message.source, message.event_id))
                events[message.source, message.event_id] = SessionEvent(message, before.emotion if before else None)
            case EmotionMessage():
                before = events.get((message.source, message.event_id))
                events[message.source, message.event_id] = SessionEvent(before.spot if before else None, message)
            case MarkerMessage():
                markers.append(message)
            case StatusMessage():
                statuses.append(message)
    return Session(
        folder=folder,
        record=record,
        events=sorted(events.values(), key=lambda event: (event.message.source, event.message.apex.t_ns)),
        markers=sorted(markers, key=lambda marker: marker.t_mark_ns),
        statuses=statuses,
        signals={face: builder.signal(_end_ns(statuses, face[0])) for face, builder in sorted(builders.items())},
        clocks=read_clocks(folder, damaged.append),
        damaged=damaged,
    )


def _end_ns(statuses: Iterable[StatusMessage], source: str) -> int:
    return max((status.t_capture_ns for status in statuses if status.source == source and status.captured), default=0)


def _when(pair: ClockPair) -> int:
    return pair.monotonic_ns
