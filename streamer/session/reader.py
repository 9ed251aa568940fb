"""Reading a recorded session, and publishing it again: the same messages to the byte, but for their publication times."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

from ahmsa.errors import DataError, StreamError
from ahmsa.files import read_limited
from ahmsa.untrusted import FILE_BYTES, MESSAGE_BYTES, JsonDecoder, UnreadableError, finite, rows_of, text_of, whole
from streamer.session.recorder import (
    CLOCK_COLUMNS,
    CLOCKS,
    DISPLACEMENT,
    EVENTS,
    GATE,
    IMAGE_SIDE,
    MOTION,
    SESSION,
    THRESHOLD,
    SessionRecord,
)
from streamer.stream.clocks import ClockPair
from streamer.stream.schema import AnyMessage, MotionMessage, RegionMotion, decode, encode

Damaged = Callable[[str], None]
LONGEST_PAUSE_S = 7 * 24 * 3600.0
"""Between two messages of one session; status messages come every second or so."""
_session: JsonDecoder[SessionRecord] = JsonDecoder(SessionRecord, limit_bytes=FILE_BYTES, lines=True)


def read_session(folder: Path) -> SessionRecord:
    """`session.json` of a recording. Raises DataError."""
    path = folder / SESSION
    try:
        return _session.decode(read_limited(path, FILE_BYTES))
    except OSError as error:
        raise DataError(
            f"{folder} holds no recorded session ({path.name}: {error.strerror}); name a folder that --record made"
        ) from None
    except UnreadableError as error:
        raise DataError(f"{path} is damaged: {error}") from None


def read_messages(folder: Path, damaged: Damaged | None = None) -> Iterator[AnyMessage]:
    """Every recorded message in the order of publication. A damaged line costs that line: `damaged` gets a sentence about it.
    Raises DataError where a file is missing, and for a damaged line where there is no `damaged`."""
    damaged = damaged or _refuse
    events, motion = _events(folder / EVENTS, damaged), _motion(folder / MOTION, damaged)
    yield from heapq.merge(events, motion, key=lambda message: message.t_publish_ns)


def read_clocks(folder: Path, damaged: Damaged) -> list[ClockPair]:
    """Pairs of both clocks; none where the session was recorded without them."""
    path = folder / CLOCKS
    if not path.exists():
        return []
    pairs = []
    for number, line in enumerate(_lines(path), start=1):
        try:
            [cells] = rows_of(text_of(line))
            if number > 1:
                monotonic, utc = cells
                pairs.append(ClockPair(whole(monotonic), whole(utc)))
            elif tuple(cells) != CLOCK_COLUMNS:
                damaged(f"{path} has other columns than {','.join(CLOCK_COLUMNS)}")
                return []
        except ValueError as error:
            damaged(f"line {number} of {path} is no pair of clocks ({error})")
    return pairs


def _refuse(sentence: str) -> None:
    raise DataError(f"{sentence}; the file was changed")


def _events(path: Path, damaged: Damaged) -> Iterator[AnyMessage]:
    before_ns: int | None = None
    for number, line in enumerate(_lines(path), start=1):
        try:
            message = decode(line)
            before_ns = _following(message.t_publish_ns, before_ns)
        except (StreamError, UnreadableError) as error:
            damaged(f"line {number} of {path} is no recorded message ({error})")
            continue
        yield message


def _lines(path: Path) -> Iterator[bytes]:
    """Whole lines only: the last one may have been cut off by a crash."""
    try:
        with path.open("rb") as file:
            while line := file.readline(MESSAGE_BYTES + 1):
                if line.endswith(b"\n"):
                    yield line
                elif len(line) > MESSAGE_BYTES:
                    raise DataError(f"{path} has a line of more than {MESSAGE_BYTES} bytes; the file was changed")
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from None


def _motion(path: Path, damaged: Damaged) -> Iterator[AnyMessage]:
    columns: list[str] | None = None
    before_ns: int | None = None
    for number, line in enumerate(_lines(path), start=1):
        try:
            [cells] = rows_of(text_of(line))
            if columns is None:
                columns = cells
                continue
            message = _motion_message(dict(zip(columns, cells, strict=True)))
            before_ns = _following(message.t_publish_ns, before_ns)
        except (KeyError, ValueError, StreamError) as error:
            damaged(f"line {number} of {path} is no motion sample ({error})")
            if columns is None:
                return  # without its header no line means anything
            continue
        yield message


def _following(t_publish_ns: int, before_ns: int | None) -> int:
    """The time of publication, where it can follow the one before. Raises UnreadableError."""
    if before_ns is not None and not 0 <= t_publish_ns - before_ns <= LONGEST_PAUSE_S * 1e9:
        raise UnreadableError(f"t_publish_ns goes from {before_ns} to {t_publish_ns}")
    return t_publish_ns


def _region_motion(row: dict[str, str], column: str) -> RegionMotion:
    gate = row.get(column + GATE) or None  # sessions of earlier versions have no such column
    return RegionMotion(finite(row[column + DISPLACEMENT]), finite(row[column + THRESHOLD]), gate)


def _motion_message(row: dict[str, str]) -> MotionMessage:
    columns = [column.removesuffix(DISPLACEMENT) for column in row if column.endswith(DISPLACEMENT)]
    regions = {column.removeprefix(IMAGE_SIDE): _region_motion(row, column) for column in columns if row[column + DISPLACEMENT]}
    message = MotionMessage(
        session=row["session"],
        seq=whole(row["seq"], 0),
        source=row["source"],
        t_capture_ns=whole(row["t_capture_ns"]),
        t_publish_ns=whole(row["t_publish_ns"]),
        wall_time=row["wall_time"],
        face_id=whole(row["face_id"], 0),
        gate=row["gate"] or None,
        rejected=row.get("rejected") or None,
        regions=regions,
    )
    return cast(MotionMessage, decode(encode(message)))  # by the rules of every message
