"""SAMM Long Videos: 147 videos at 200 fps with 343 macro- and 159 micro-movements.

Yap et al., "SAMM Long Videos: A Spontaneous Facial Micro- and Macro-Expressions Dataset", FG 2020.

Frames lie at `SAMM_longvideos/006_1/006_1_0001.jpg`, the workbook is `SAMM_LongVideos_V*_Release.xlsx`.
"""

from __future__ import annotations

import re
from pathlib import Path

from ahmsa.databases.files.trees import existing_root, find_workbook
from ahmsa.databases.files.workbook import read_table
from ahmsa.databases.long_videos import KINDS, LongVideos, add_videos, compare_totals, movement_of, video_folders
from ahmsa.databases.readers import samm
from ahmsa.errors import DataError

NAME = "samm-lv"
CLASSES = {emotion: label or "others" for emotion, label in samm.PROTOCOLS[3].classes.items()}

_LAYOUT = "SAMM Long Videos as distributed: SAMM_LongVideos_V1_Release.xlsx and SAMM_longvideos/006_1/006_1_0001.jpg"
_COLUMNS = {
    "clip": ("Filename",),
    "onset": ("Onset", "Onset Frame"),
    "apex": ("Apex", "Apex Frame"),
    "offset": ("Offset", "Offset Frame"),
    "type": ("Type",),
}


def read(root: Path) -> LongVideos:
    """SAMM Long Videos below `root`; emotions of micro-movements come from SAMM's own workbook where that lies there too.

    Raises DataError where workbook or frames are missing altogether.
    """
    found = LongVideos()
    existing_root(root, _LAYOUT)
    rows = read_table(find_workbook(root, r"samm.*long", _LAYOUT), _COLUMNS, sheets=("FACS_Movement_Only",))
    emotions = _emotions(root)
    movements = []
    for row in rows:
        clip, kind = row.text("clip"), KINDS.get(row.text("type").lower()[:5])
        match = re.fullmatch(r"(\d{3}_\d+)_\d+", clip)
        if match is None or kind is None:
            found.notes.append(f"{row.where}: is no movement ({clip!r}, type {row.text('type')!r})")
        elif movement := movement_of(found, row, match[1], kind, emotions.get(clip) if kind == "micro" else None, CLASSES):
            movements.append(movement)
    folders = video_folders(root, lambda name: re.fullmatch(r"\d{3}_\d+", name) is not None, _LAYOUT)
    add_videos(found, {name: (name[:3], path) for name, path in folders.items()}, movements, 200.0)
    compare_totals(found, {"videos": 147, "macro": 343, "micro": 159})
    return found


def _emotions(root: Path) -> dict[str, str]:
    """Clip -> emotion of SAMM's workbook of micro-movements; empty where it is not there."""
    try:
        workbook = find_workbook(root, r"samm.*micro.*codes", _LAYOUT)
    except DataError:
        return {}
    rows = read_table(workbook, {"clip": ("Filename",), "emotion": ("Estimated Emotion", "Emotion")}, sheets=("MICRO_ONLY",))
    return {row.text("clip"): row.text("emotion").lower() for row in rows}
