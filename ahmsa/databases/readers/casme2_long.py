"""CAS(ME)^2: 98 videos of 22 subjects at 30 fps with 300 macro- and 57 micro-expressions.

Qu et al., "CAS(ME)2: A Database for Spontaneous Macro-Expression and Micro-Expression Spotting and Recognition", IEEE Trans.
Affective Computing 9(4), 2018.

Frames lie at `rawpic/s15/15_0101disgustingteeth/img001.jpg`; the workbook `CAS(ME)^2code_final.xlsx` has no header.
"""

from __future__ import annotations

import re
from pathlib import Path

from ahmsa.databases.files.trees import existing_root, find_trees, find_workbook, subfolders
from ahmsa.databases.files.workbook import Row, normalised, read_sheets
from ahmsa.databases.long_videos import KINDS, LongVideos, add_videos, compare_totals, movement_of
from ahmsa.errors import DataError

NAME = "casme2-long"
CLASSES = {name: name for name in ("negative", "positive", "surprise", "others")}

_LAYOUT = "CAS(ME)^2 as distributed: CAS(ME)^2code_final.xlsx and rawpic/s15/15_0101disgustingteeth/img001.jpg"
_CELLS = ("subject", "video", "onset", "apex", "offset", "units", "emotion", "type")
"""Order of the cells in the sheet without a header; the last one is recognised by what it says."""


def read(root: Path) -> LongVideos:
    """CAS(ME)^2 below `root`. Raises DataError where workbook or frames are missing altogether."""
    found = LongVideos()
    existing_root(root, _LAYOUT)
    workbook = find_workbook(root, r"code.?final", _LAYOUT)
    sheets = {normalised(name): (name, lines) for name, lines in read_sheets(workbook)}
    missing = [name for name in ("CASFEcode_final", "naming rule1", "naming rule2") if normalised(name) not in sheets]
    if missing:
        raise DataError(f"{workbook} has no sheet {', '.join(missing)}; expected the workbook as published")
    subjects = _pairs(sheets["namingrule1"][1], r"s\d+")
    codes = _pairs(sheets["namingrule2"][1], r".*[a-z].*")
    videos = _videos(root)
    places = {(subject, _video_code(name)): name for name, (subject, _) in videos.items()}
    movements = []
    for row in _headless_rows(workbook, *sheets["casfecodefinal"]):
        kind = KINDS[row.text("type").lower()[:5]]
        subject, code = subjects.get(row.text("subject"), ""), codes.get(re.sub(r"_\d+$", "", row.text("video").lower()), "")
        video = places.get((subject, code.zfill(4)))
        if video is None:
            found.problems.append(
                f"{row.where}: no folder of frames for subject {row.text('subject')}, video {row.text('video')}"
            )
        elif movement := movement_of(found, row, video, kind, row.text("emotion").lower() or None, CLASSES):
            movements.append(movement)
    add_videos(found, videos, movements, 30.0)
    compare_totals(found, {"videos": 98, "macro": 300, "micro": 57})
    return found


def _videos(root: Path) -> dict[str, tuple[str, Path]]:
    """Folder name -> (subject, folder) of `<tree>/s15/15_0101disgustingteeth`."""
    trees = find_trees(root, _is_subject)
    subjects = [subject for tree in trees for subject in subfolders(tree) if _is_subject(subject.name)]
    videos = {path.name: (subject.name, path) for subject in subjects for path in subfolders(subject) if _video_code(path.name)}
    if not videos:
        raise DataError(f"{root} holds no videos of CAS(ME)^2; expected {_LAYOUT}")
    return videos


def _is_subject(name: str) -> bool:
    return re.fullmatch(r"s\d+", name) is not None


def _video_code(folder: str) -> str:
    """0101 of 15_0101disgustingteeth; empty for other folders."""
    match = re.match(r"\d+_(\d{4})", folder)
    return match[1] if match else ""


def _headless_rows(path: Path, sheet: str, lines: list[list[str]]) -> list[Row]:
    """The rows that say micro- or macro-expression, their cells named by their place before that one."""
    rows = []
    for number, line in enumerate(lines, start=1):
        last = next((at for at, cell in enumerate(line) if normalised(cell) in ("microexpression", "macroexpression")), None)
        if last is not None and last >= len(_CELLS) - 1:
            cells = line[last - len(_CELLS) + 1 : last + 1]
            rows.append(Row(path=path, sheet=sheet, number=number, cells=dict(zip(_CELLS, cells, strict=True))))
    return rows


def _pairs(lines: list[list[str]], word: str) -> dict[str, str]:
    """A naming sheet as a dictionary, whichever column is which: number -> s15, or video name -> number."""
    pairs: dict[str, str] = {}
    for line in lines:
        words = [cell.lower() for cell in line if re.fullmatch(word, cell.lower())]
        numbers = [cell for cell in line if re.fullmatch(r"\d+", cell)]
        if words and numbers:
            pairs |= {numbers[0]: words[0]} if words[0][1:].isdecimal() else {words[0]: numbers[0]}
    return pairs
