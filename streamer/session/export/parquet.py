"""Parquet: events, markers, faces and the signal, with types and without text to parse."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ahmsa.errors import UsageError
from streamer.session.recorder import DISPLACEMENT, IMAGE_SIDE, THRESHOLD
from streamer.session.session import Session
from streamer.session.table import MARKER_COLUMNS, event_columns, event_rows, face_rows, marker_rows


def write_parquet(session: Session, folder: Path) -> list[Path]:
    """Write one file per table; returns them. Raises UsageError where pyarrow is not installed."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise UsageError("Parquet needs pyarrow; install it with: pip install 'ahmsa[parquet]'") from None
    events, faces = event_rows(session), face_rows(session)
    columns = {
        "events": _columns(events, event_columns(events)),
        "markers": _columns(marker_rows(session), MARKER_COLUMNS),
        "faces": _columns(faces, list(dict.fromkeys(name for row in faces for name in row))),
        "signal": _signal(session),
    }
    written = []
    for name, table in columns.items():
        path = folder / f"{name}.parquet"
        pq.write_table(pa.table(table), path)
        written.append(path)
    return written


def _columns(rows: Sequence[dict[str, Any]], names: Sequence[str]) -> dict[str, list[Any]]:
    return {name: [row.get(name) for row in rows] for name in names}


def _signal(session: Session) -> dict[str, Any]:
    """One row per sample of every face; nan where a region was not measured."""
    regions = list(dict.fromkeys(region for signal in session.signals.values() for region in signal.regions))
    parts: dict[str, list[Any]] = {name: [] for name in ("video", "person", "t_capture_ns", "session_s", "gate")}
    values: dict[str, list[Any]] = {IMAGE_SIDE + region + kind: [] for region in regions for kind in (DISPLACEMENT, THRESHOLD)}
    for (source, face_id), signal in session.signals.items():
        count = len(signal.t_ns)
        parts["video"] += [source] * count
        parts["person"] += [face_id] * count
        parts["t_capture_ns"] += signal.t_ns.tolist()
        parts["session_s"] += [session.session_s(source, int(t_ns)) for t_ns in signal.t_ns]
        parts["gate"] += list(signal.gates)
        for region in regions:
            for kind, array in ((DISPLACEMENT, signal.displacement_px), (THRESHOLD, signal.threshold_px)):
                found = region in signal.regions
                column = array[:, signal.regions.index(region)] if found else np.full(count, np.nan, np.float32)
                values[IMAGE_SIDE + region + kind] += column.tolist()
    return parts | values
