"""`ahmsa-export`: one session in one format, each file whole or not there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from ahmsa.files import write_whole
from ahmsa.work.scratch import scratch_folder
from streamer.session.export.bids import write_bids
from streamer.session.export.elan import write_elan
from streamer.session.export.parquet import write_parquet
from streamer.session.export.textgrid import write_textgrid
from streamer.session.session import Session
from streamer.session.table import FACE_COLUMNS, MARKER_COLUMNS, csv_text, event_columns, event_rows, face_rows, marker_rows


def export(session: Session, kind: str, folder: Path, *, subject: str | None = None, task: str = "ahmsa") -> list[Path]:
    """Write a session as `kind` (a key of FORMATS) into `folder`; returns the files.

    subject, task: labels of a BIDS file's name. Raises UsageError where a library is missing, RunError where `folder` cannot
    be written.
    """
    with scratch_folder() as scratch:
        made = FORMATS[kind](session, scratch, subject or session.record.source, task)
        for path in made:
            write_whole(folder / path.name, path.read_bytes(), private=True)
    return [folder / path.name for path in made]


def _bids(session: Session, folder: Path, subject: str, task: str) -> list[Path]:
    return write_bids(session, folder, subject, task)


def _elan(session: Session, folder: Path, *_: str) -> list[Path]:
    path = folder / f"{session.record.source}.eaf"
    write_elan(session, path)
    return [path]


def _textgrid(session: Session, folder: Path, *_: str) -> list[Path]:
    path = folder / f"{session.record.source}.TextGrid"
    write_textgrid(session, path)
    return [path]


def _parquet(session: Session, folder: Path, *_: str) -> list[Path]:
    return write_parquet(session, folder)


def _csv(session: Session, folder: Path, *_: str) -> list[Path]:
    events = event_rows(session)
    texts = {
        "events.csv": csv_text(events, event_columns(events)),
        "markers.csv": csv_text(marker_rows(session), MARKER_COLUMNS),
        "faces.csv": csv_text(face_rows(session), FACE_COLUMNS),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in texts]


FORMATS: Mapping[str, Callable[[Session, Path, str, str], list[Path]]] = {
    "bids": _bids,
    "elan": _elan,
    "textgrid": _textgrid,
    "parquet": _parquet,
    "csv": _csv,
}
