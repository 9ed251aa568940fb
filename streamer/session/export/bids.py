"""BIDS: an `_events.tsv` with its `_events.json`, movements and markers in one list (BIDS 1.10, "Task events")."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from streamer.session.session import Session
from streamer.session.table import Row, event_rows, marker_rows

_DESCRIPTIONS: dict[str, dict[str, Any]] = {
    "onset": {"Description": "Onset of the movement, or the marker's time, since the session's start.", "Units": "s"},
    "duration": {"Description": "From onset to offset; n/a where the offset was not found; 0 for markers.", "Units": "s"},
    "trial_type": {
        "Description": "What the row is about.",
        "Levels": {
            "micro_expression": "A movement of the face that rose and returned within half a second.",
            "marker": "Set by another program, or by a key.",
        },
    },
    "apex": {"Description": "Apex of the movement, since the session's start.", "Units": "s"},
    "label": {
        "Description": "Class of the movement by the network; n/a where it abstained. A movement, not a feeling.",
        "Levels": {name: f"{name} micro-expression" for name in ("negative", "positive", "surprise")},
    },
    "confidence": {"Description": "Probability of the most probable class."},
    "abstained": {"Description": "Why no label is claimed."},
    "amplitude_px": {"Description": "Largest displacement on the face, pixels of the aligned crop."},
    "person": {"Description": "Number of the face within its source."},
    "video": {"Description": "Source of the pictures."},
    "text": {"Description": "Text of the marker."},
    "value": {"Description": "Number of the marker."},
}
COLUMNS = tuple(_DESCRIPTIONS)


def write_bids(session: Session, folder: Path, subject: str, task: str) -> list[Path]:
    """Write both files into `folder`; returns them."""
    stem = f"sub-{_label(subject)}_task-{_label(task)}_events"
    rows = [_movement(row) for row in event_rows(session) if row["state"] == "confirmed"]
    rows += [_marker(row) for row in marker_rows(session)]
    rows.sort(key=lambda row: row["onset"])
    lines = ["\t".join(COLUMNS)] + ["\t".join(_cell(row.get(name)) for name in COLUMNS) for row in rows]
    table, about = folder / f"{stem}.tsv", folder / f"{stem}.json"
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    model = session.record.worker.model if session.record.worker else None
    source = {"GeneratedBy": {"Name": "ahmsa", "Version": session.record.versions.get("ahmsa"), "Model": model}}
    about.write_text(json.dumps(_DESCRIPTIONS | source, indent=2) + "\n", encoding="utf-8")
    return [table, about]


def _movement(row: Row) -> Row:
    offset = row.get("offset_s")
    kept = {name: row.get(name) for name in ("label", "confidence", "abstained", "amplitude_px", "person", "video")}
    return kept | {
        "onset": row["onset_s"],
        "duration": None if offset is None else round(offset - row["onset_s"], 6),
        "trial_type": "micro_expression",
        "apex": row["apex_s"],
    }


def _marker(row: Row) -> Row:
    seconds = row["session_s"] or 0.0
    return {"onset": seconds, "duration": 0, "trial_type": "marker", "text": row["text"], "value": row["value"]}


def _label(text: str) -> str:
    """BIDS labels are letters and digits."""
    return re.sub(r"[^A-Za-z0-9]", "", text) or "unnamed"


def _cell(value: object) -> str:
    return "n/a" if value is None or value == "" else re.sub(r"\s+", " ", str(value))
