"""Reading a recorded session, and publishing it again: the same messages to the byte, but for their publication times."""

from __future__ import annotations

import csv
import heapq
from collections.abc import Iterator
from pathlib import Path

import msgspec

from ahmsa.errors import DataError
from streamer.recorder import DISPLACEMENT, EVENTS, MOTION, SESSION, THRESHOLD, SessionRecord
from streamer.wire import AnyMessage, MotionMessage, RegionMotion


def read_session(folder: Path) -> SessionRecord:
    """`session.json` of a recording. Raises DataError."""
    path = folder / SESSION
    try:
        return msgspec.json.decode(path.read_bytes(), type=SessionRecord)
    except OSError as error:
        raise DataError(
            f"{folder} holds no recorded session ({path.name}: {error.strerror}); name a folder that --record made"
        ) from None
    except msgspec.MsgspecError as error:
        raise DataError(f"{path} is damaged: {error}") from None


def read_messages(folder: Path) -> Iterator[AnyMessage]:
    """Every recorded message in the order of publication. Raises DataError."""
    yield from heapq.merge(_events(folder / EVENTS), _motion(folder / MOTION), key=lambda message: message.t_publish_ns)


def _events(path: Path) -> Iterator[AnyMessage]:
    for number, line in enumerate(_lines(path), start=1):
        try:
            payload = msgspec.json.decode(line)
            payload.pop("topic")
            yield msgspec.convert(payload, AnyMessage)
        except (msgspec.MsgspecError, KeyError, TypeError, AttributeError) as error:
            raise DataError(f"line {number} of {path} is no recorded message ({error}); the file was changed") from None


def _lines(path: Path) -> Iterator[bytes]:
    """Whole lines only: the last one may have been cut off by a crash."""
    try:
        with path.open("rb") as file:
            yield from (line for line in file if line.endswith(b"\n"))
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from None


def _motion(path: Path) -> Iterator[AnyMessage]:
    rows = csv.DictReader(line.decode("utf-8") for line in _lines(path))
    for number, row in enumerate(rows, start=2):
        try:
            yield _motion_message(row)
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"line {number} of {path} is no motion sample ({error}); the file was changed") from None


def _motion_message(row: dict[str, str]) -> MotionMessage:
    names = [column.removesuffix(DISPLACEMENT) for column in row if column.endswith(DISPLACEMENT)]
    regions = {
        name: RegionMotion(float(row[name + DISPLACEMENT]), float(row[name + THRESHOLD]))
        for name in names
        if row[name + DISPLACEMENT]
    }
    return MotionMessage(
        session=row["session"],
        seq=int(row["seq"]),
        source=row["source"],
        t_capture_ns=int(row["t_capture_ns"]),
        t_publish_ns=int(row["t_publish_ns"]),
        wall_time=row["wall_time"],
        face_id=int(row["face_id"]),
        gate=row["gate"] or None,
        regions=regions,
    )
