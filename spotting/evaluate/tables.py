"""Intervals as CSV: what `ahmsa-spot` writes, and what its `eval` reads."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path

from ahmsa.errors import DataError
from ahmsa.files import write_whole
from ahmsa.untrusted import UnreadableError, finite, records_of, table_rows
from spotting.evaluate.scoring import KINDS, Interval, kind_by_length

COLUMNS = ("video", "onset", "apex", "offset", "onset_ms", "apex_ms", "offset_ms", "type", "score", "gate")
"""onset, apex, offset are frame numbers of the source, counted from 0; gate is empty, or what rejected the movement."""

_MOMENTS = ("onset", "apex", "offset")
_LARGEST = 1e10
"""Frames or milliseconds: a third of a year."""


def write_rows(rows: Iterable[Mapping[str, object]], path: Path) -> None:
    """Write rows of `COLUMNS`. Raises RunError where the file cannot be written."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    write_whole(path, text.getvalue())


def read_intervals(path: Path, fps: float) -> list[Interval]:
    """Intervals of a CSV, predicted or true; rows that a gate rejected are passed over.

    Needs the columns onset, apex, offset (frames, turned to ms by `fps`) or the same with `_ms`, which go first. Optional:
    video (one unnamed video without it), type or kind (by length without it: micro up to 500 ms), label, amplitude_px.
    """
    try:
        rows = records_of(table_rows(path))
    except (OSError, UnreadableError) as error:
        raise DataError(f"cannot read the intervals in {path}: {error}; give a CSV file with onset, apex and offset") from None
    return [_interval(row, fps, f"{path}, line {line}") for line, row in enumerate(rows, start=2) if not row.get("gate")]


def _interval(row: Mapping[str, str], fps: float, place: str) -> Interval:
    onset, apex, offset = (_moment_ms(row, name, fps, place) for name in _MOMENTS)
    if not onset <= apex <= offset:
        raise DataError(f"{place}: onset, apex and offset must follow one another; correct the row")
    kind = row.get("type") or row.get("kind") or kind_by_length(offset - onset)
    if kind not in KINDS:
        raise DataError(f"{place}: type is {kind!r}; it must be micro or macro")
    amplitude = row.get("amplitude_px")
    return Interval(
        video=row.get("video") or "",
        onset_ms=onset,
        apex_ms=apex,
        offset_ms=offset,
        kind=kind,
        label=row.get("label") or None,
        amplitude_px=_number(amplitude, "amplitude_px", place) if amplitude else None,
    )


def _moment_ms(row: Mapping[str, str], name: str, fps: float, place: str) -> float:
    in_ms, in_frames = row.get(f"{name}_ms"), row.get(name)
    if in_ms:
        return _number(in_ms, f"{name}_ms", place)
    if in_frames:
        return _number(in_frames, name, place) * 1000 / fps
    raise DataError(f"{place}: there is no {name}; give a column {name} (frames) or {name}_ms")


def _number(text: str, name: str, place: str) -> float:
    try:
        return finite(text, 0, _LARGEST)
    except UnreadableError as error:
        raise DataError(f"{place}: {name}: {error}; it must be a number") from None
