"""3DB, the composite of MEGC2019: CASME II, SMIC HS and SAMM merged under three classes, 442 clips of 68 subjects.

See et al., "MEGC 2019 - The Second Facial Micro-Expressions Grand Challenge", FG 2019. The three databases may lie anywhere
below one folder. The public list `combined_3class_gt.csv` (casme2|smic|samm, subject, clip, 0 negative / 1 positive /
2 surprise, no header) can be checked key by key.
"""

from __future__ import annotations

from pathlib import Path

from ahmsa.databases.clips import Clip, Key, Survey
from ahmsa.databases.files.workbook import read_sheets
from ahmsa.databases.readers import casme2, samm, smic
from ahmsa.errors import DataError

NAME = "3db"
MEMBERS = (casme2, smic, samm)
LABELS = ("negative", "positive", "surprise")


def read(root: Path, classes: int = 3) -> list[Survey]:
    """One survey per member database. Raises DataError where one is missing altogether."""
    return [member.read(root, classes) for member in MEMBERS]


def official_list(path: Path) -> dict[Key, str]:
    """(database, subject, clip) -> label of a published class list, with or without a header.

    Further columns (apex, image name) are ignored. Raises DataError at a line that is no clip.
    """
    keys: dict[Key, str] = {}
    lines = read_sheets(path)[0][1]
    for number, line in enumerate(lines, start=1):
        if not any(line) or (number == 1 and _is_header(line)):
            continue
        key, label = _listed(path, number, line)
        if key in keys:
            raise DataError(f"{path}, row {number}: {' '.join(key)} is listed twice; use the official list")
        keys[key] = label
    return keys


def compare(clips: list[Clip], official: dict[Key, str]) -> list[str]:
    """Every difference between the clips found and a published list, for the databases that were read."""
    found = {_loose(clip.key): clip for clip in clips}
    listed = {_loose(key): (key, label) for key, label in official.items()}
    missing = [f"{' '.join(key)} is in the list and was not found" for loose, (key, _) in listed.items() if loose not in found]
    extra = [f"{' '.join(clip.key)} ({clip.source}) is not in the list" for loose, clip in found.items() if loose not in listed]
    clashing = [
        f"{' '.join(clip.key)} ({clip.source}) is {clip.label}, the list says {listed[loose][1]}"
        for loose, clip in found.items()
        if loose in listed and listed[loose][1] != clip.label
    ]
    return missing + extra + clashing


def _is_header(line: list[str]) -> bool:
    return line[0].lower() in {"dataset", "data", "db", "database"}


def _listed(path: Path, number: int, line: list[str]) -> tuple[Key, str]:
    if len(line) >= 4 and line[3] in {"0", "1", "2"}:
        subject, clip = _spelt(line[0].lower(), line[1], line[2])
        if subject and clip:
            return (line[0].lower(), subject, clip), LABELS[int(line[3])]
    raise DataError(f"{path}, row {number}: {','.join(line[:4])!r} is no clip; expected database, subject, clip, label 0-2")


def _spelt(database: str, subject: str, clip: str) -> tuple[str | None, str | None]:
    """Subject and clip as the readers spell them."""
    if database == casme2.NAME:
        return casme2.subject_name(subject), clip
    if database == smic.NAME:
        return smic.subject_name(subject), smic.clip_name(clip)
    if database == samm.NAME:
        return samm.subject_name(subject), samm.clip_name(clip)
    return None, None


def _loose(key: Key) -> Key:
    return (key[0], key[1], key[2].lower())
