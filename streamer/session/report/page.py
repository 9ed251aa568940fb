"""The page: what goes into it, and the one HTML file without links to anything outside itself."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ahmsa.types import HALVES
from streamer.session.export.tiers import claim_of
from streamer.session.report.crossings import Crossing
from streamer.session.report.timeline import Strip
from streamer.session.session import Face, Session, SessionEvent
from streamer.session.table import event_rows, face_rows, marker_rows
from streamer.stream.disclaimer import DISCLAIMER


@dataclass(frozen=True)
class Row:
    cells: Sequence[str]
    at: float | None = None
    """Where in the timeline, seconds."""
    face: str = ""


@dataclass(frozen=True)
class Table:
    columns: Sequence[str]
    rows: Sequence[Row] = ()


@dataclass(frozen=True)
class EventPicture:
    """Onset, apex and flow of a movement."""

    event_id: str
    about: str
    png: bytes


@dataclass(frozen=True)
class Pictures:
    """What a video adds to the page."""

    events: list[EventPicture] = field(default_factory=list)
    overlays: list[str] = field(default_factory=list)
    """File names of the videos with everything drawn in."""


def page(session: Session, strips: Mapping[Face, Sequence[Strip]], crossings: Sequence[Crossing], pictures: Pictures) -> str:
    """The whole page."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("streamer.session.report", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("page.html").render(
        title=f"Session {session.record.session}",
        disclaimer=DISCLAIMER,
        warnings=_warnings(session),
        facts=_facts(session),
        events=_events(session),
        pictures=[{"about": one.about, "data": _base64(one.png)} for one in pictures.events],
        overlays=pictures.overlays,
        timelines=[
            {
                "name": f"{face[0]}, face {face[1]}",
                "key": _key(face),
                "strips": [{"start": one.start_s, "end": one.end_s, "data": _base64(one.png)} for one in found],
            }
            for face, found in strips.items()
        ],
        markers=_markers(session),
        faces=_faces(session),
        limits=_limits(session),
        crossings=_crossings(crossings),
        rejected=_rejected(session),
        frames=_frames(session),
        settings=_json(session.record.settings),
        versions=_json(session.record.versions | {"platform": session.record.platform}),
    )


def _warnings(session: Session) -> list[str]:
    found = []
    if session.damaged:
        found.append(f"{len(session.damaged)} damaged lines of the record are left out; the first: {session.damaged[0]}")
    if session.record.problem is not None:
        found.append(session.record.problem)
    if session.record.ended is None:
        found.append("The session was cut off: what was recorded until then is here.")
    return found


def _facts(session: Session) -> list[tuple[str, str]]:
    record = session.record
    worker = record.worker
    states = [event.state for event in session.events]
    counts = ", ".join(f"{states.count(state)} {state}" for state in ("confirmed", "rejected", "unfinished"))
    return [
        ("source", record.video or record.source),
        ("started", record.started.wall_time),
        ("ended", f"{record.ended.wall_time} ({record.reason})" if record.ended else "cut off"),
        ("movements", counts),
        ("model", f"{worker.model} on {worker.device}" if worker else "unknown"),
        ("folder", str(session.folder)),
    ]


def _events(session: Session) -> Table:
    rows = []
    for event, values in zip(session.events, event_rows(session), strict=True):
        if event.state != "confirmed":
            continue
        chances = [f"{label} {value:.2f}" for label, value in event.emotion.probabilities.items()] if event.emotion else []
        cells = [
            values["event_id"],
            claim_of(event),
            *(_seconds(values.get(name)) for name in ("onset_s", "apex_s", "offset_s")),
            ", ".join(chances),
            _number(values.get("amplitude_px")),
            " / ".join(_number(values.get(f"{half}_limit_px")) or "-" for half in HALVES),
            values.get("apex_utc") or "",
        ]
        rows.append(_placed(event, cells, values["apex_s"]))
    columns = [
        "event",
        "label",
        "onset, s",
        "apex, s",
        "offset, s",
        "probabilities",
        "amplitude, px",
        "limit then, upper / lower, px",
        "apex, UTC",
    ]
    return Table(columns, rows)


def _rejected(session: Session) -> Table:
    rows = [
        _placed(
            event,
            [values["event_id"], values["reason"] or event.state, _seconds(values["onset_s"]), _seconds(values["apex_s"])],
            values["apex_s"],
        )
        for event, values in zip(session.events, event_rows(session), strict=True)
        if event.state != "confirmed"
    ]
    return Table(["event", "reason", "onset, s", "apex, s"], rows)


def _markers(session: Session) -> Table:
    rows = [
        Row(
            [
                row["text"],
                "" if row["value"] is None else str(row["value"]),
                _seconds(row["session_s"]),
                row["utc"] or "",
                row["source"],
            ]
        )
        for row in marker_rows(session)
    ]
    return Table(["text", "value", "s", "UTC", "set by"], rows)


def _faces(session: Session) -> Table:
    rows = []
    for row in face_rows(session):
        face = (f"{row['video']}, face {row['person']}", _seconds(row["first_s"]), _seconds(row["last_s"]))
        for half in HALVES:
            blind = {
                name.removeprefix(f"{half}_blind_").removesuffix("_share"): value
                for name, value in row.items()
                if name.startswith(f"{half}_blind_") and value is not None
            }
            shares = (_percent(row["seen_share"]), half, _percent(row[f"{half}_watched_share"]))
            why = ", ".join(f"{gate} {value:.1%}" for gate, value in blind.items())
            rows.append(Row([*face, *shares, why or "never"]))
    return Table(["face", "first sample, s", "last sample, s", "seen", "half", "watched", "blind by gate"], rows)


def _limits(session: Session) -> Table:
    """The detection limit by half of the face, over the session's status messages."""
    values: dict[tuple[str, int, str], list[float]] = {}
    for status in session.statuses:
        for face in status.faces:
            for half, state in getattr(face, "halves", {}).items():
                if state.limit_px is not None:
                    values.setdefault((status.source, face.face_id, half), []).append(state.limit_px)
    rows = [
        Row(
            [
                f"{source}, face {face_id}",
                half,
                *(_number(value) for value in (min(found), sorted(found)[len(found) // 2], max(found))),
            ]
        )
        for (source, face_id, half), found in sorted(values.items())
    ]
    return Table(["face", "half", "lowest limit, px", "median, px", "highest, px"], rows)


def _crossings(crossings: Sequence[Crossing]) -> Table:
    rows = [
        Row(
            [_seconds(one.start_s), _seconds(one.end_s), one.region.replace("_", " "), f"{one.ratio:.2f}", one.reason],
            one.start_s,
            _key((one.source, one.face_id)),
        )
        for one in crossings
    ]
    return Table(["from, s", "to, s", "region (image's side)", "times its threshold", "why no movement"], rows)


def _frames(session: Session) -> Table:
    rows = []
    for source in dict.fromkeys(status.source for status in session.statuses):
        mine = [status for status in session.statuses if status.source == source]
        last = max(mine, key=lambda status: status.captured)
        rates = sorted(status.fps for status in mine if status.fps > 0)
        dropped = ", ".join(f"{reason} {count}" for reason, count in last.dropped.items() if count) or "none"
        rate = f"{rates[0]:.1f} / {rates[len(rates) // 2]:.1f}" if rates else "unknown"
        rows.append(Row([source, str(last.captured), str(last.processed), dropped, str(last.waiting), rate]))
    return Table(["source", "captured", "processed", "dropped", "waiting at the end", "frames a second, lowest / median"], rows)


def _placed(event: SessionEvent, cells: Sequence[str], at: float) -> Row:
    return Row(cells, at, _key((event.message.source, event.message.face_id)))


def _key(face: Face) -> str:
    return f"{face[0]}/{face[1]}"


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"


def _json(values: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(values), indent=2).decode()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
