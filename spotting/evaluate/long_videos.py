"""Long videos with labelled movements, on which spotters are judged: SAMM Long Videos and CAS(ME)^2.

Yap et al., "SAMM Long Videos: A Spontaneous Facial Micro- and Macro-Expressions Dataset", FG 2020: 147 videos at 200 fps,
`SAMM_longvideos/006_1/006_1_0001.jpg`, 343 macro- and 159 micro-movements, workbook `SAMM_LongVideos_V*_Release.xlsx`.
Qu et al., "CAS(ME)2: A Database for Spontaneous Macro-Expression and Micro-Expression Spotting and Recognition", IEEE Trans.
Affective Computing 9(4), 2018: 98 videos of 22 subjects at 30 fps, `rawpic/s15/15_0101disgustingteeth/img001.jpg`, 300 macro-
and 57 micro-expressions, workbook `CAS(ME)^2code_final.xlsx`, which has no header.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ahmsa.databases.trees import existing_root, find_trees, find_workbook, subfolders
from ahmsa.databases.workbook import Row, normalised, read_sheets, read_table
from ahmsa.errors import DataError
from ahmsa.frames import FrameFolder
from spotting.evaluate.scoring import Interval, Kind

CLASSES: Mapping[str, str] = {
    "anger": "negative", "contempt": "negative", "disgust": "negative", "fear": "negative", "sadness": "negative",
    "sad": "negative", "negative": "negative", "happiness": "positive", "happy": "positive", "positive": "positive",
    "surprise": "surprise", "other": "others", "others": "others",
}  # fmt: skip
"""Annotated emotion -> class of the spot-then-recognise score."""


@dataclass(frozen=True, slots=True)
class Movement:
    """One labelled movement, in the video's own frame numbers."""

    video: str
    onset: int
    apex: int | None
    offset: int
    kind: Kind
    emotion: str | None
    """As annotated, lower case; None where the database gives none."""
    source: str
    """File and row."""


@dataclass(frozen=True, slots=True)
class LongVideo:
    """A folder of frames and the movements in it, perhaps none."""

    name: str
    subject: str
    frames: FrameFolder
    fps: float
    movements: tuple[Movement, ...]

    def intervals(self) -> list[Interval]:
        """The movements in ms after the first frame of the folder. An apex that is not annotated is the interval's middle."""
        first = next(iter(self.frames.names), 0)

        def ms(number: float) -> float:
            return (number - first) * 1000 / self.fps

        return [
            Interval(
                video=m.video,
                onset_ms=ms(m.onset),
                apex_ms=ms((m.onset + m.offset) / 2 if m.apex is None else m.apex),
                offset_ms=ms(m.offset),
                kind=m.kind,
                label=CLASSES.get(m.emotion or ""),
            )
            for m in self.movements
        ]


@dataclass(slots=True)
class LongVideos:
    """A database of long videos, and what was wrong with it: problems cost a movement or a video, notes were put right."""

    videos: list[LongVideo] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def count(self, kind: Kind) -> int:
        return sum(movement.kind == kind for video in self.videos for movement in video.movements)


# --- SAMM Long Videos ---------------------------------------------------------------------------------------------------------

_SAMM_LAYOUT = "SAMM Long Videos as distributed: SAMM_LongVideos_V1_Release.xlsx and SAMM_longvideos/006_1/006_1_0001.jpg"
_SAMM_COLUMNS = {
    "clip": ("Filename",),
    "onset": ("Onset", "Onset Frame"),
    "apex": ("Apex", "Apex Frame"),
    "offset": ("Offset", "Offset Frame"),
    "type": ("Type",),
}


def read_samm_long(root: Path) -> LongVideos:
    """SAMM Long Videos below `root`; emotions of micro-movements come from SAMM's own workbook where that lies there too.

    Raises DataError where workbook or frames are missing altogether.
    """
    found = LongVideos()
    existing_root(root, _SAMM_LAYOUT)
    rows = read_table(find_workbook(root, r"samm.*long", _SAMM_LAYOUT), _SAMM_COLUMNS, sheets=("FACS_Movement_Only",))
    emotions = _samm_emotions(root)
    movements = []
    for row in rows:
        clip, kind = row.text("clip"), _KINDS.get(row.text("type").lower()[:5])
        match = re.fullmatch(r"(\d{3}_\d+)_\d+", clip)
        if match is None or kind is None:
            found.notes.append(f"{row.where}: is no movement ({clip!r}, type {row.text('type')!r})")
        elif movement := _movement(found, row, match[1], kind, emotions.get(clip) if kind == "micro" else None):
            movements.append(movement)
    folders = _folders(root, lambda name: re.fullmatch(r"\d{3}_\d+", name) is not None, _SAMM_LAYOUT)
    _add_videos(found, {name: (name[:3], path) for name, path in folders.items()}, movements, 200.0)
    _compare(found, {"videos": 147, "macro": 343, "micro": 159})
    return found


def _samm_emotions(root: Path) -> dict[str, str]:
    """Clip -> emotion of SAMM's workbook of micro-movements; empty where it is not there."""
    try:
        workbook = find_workbook(root, r"samm.*micro.*codes", _SAMM_LAYOUT)
    except DataError:
        return {}
    rows = read_table(workbook, {"clip": ("Filename",), "emotion": ("Estimated Emotion", "Emotion")}, sheets=("MICRO_ONLY",))
    return {row.text("clip"): row.text("emotion").lower() for row in rows}


# --- CAS(ME)^2 ----------------------------------------------------------------------------------------------------------------

_CASME_LAYOUT = "CAS(ME)^2 as distributed: CAS(ME)^2code_final.xlsx and rawpic/s15/15_0101disgustingteeth/img001.jpg"
_CASME_CELLS = ("subject", "video", "onset", "apex", "offset", "units", "emotion", "type")
"""Order of the cells in the sheet without a header; the last one is recognised by what it says."""


def read_casme_squared(root: Path) -> LongVideos:
    """CAS(ME)^2 below `root`. Raises DataError where workbook or frames are missing altogether."""
    found = LongVideos()
    existing_root(root, _CASME_LAYOUT)
    workbook = find_workbook(root, r"code.?final", _CASME_LAYOUT)
    sheets = {normalised(name): (name, lines) for name, lines in read_sheets(workbook)}
    missing = [name for name in ("CASFEcode_final", "naming rule1", "naming rule2") if normalised(name) not in sheets]
    if missing:
        raise DataError(f"{workbook} has no sheet {', '.join(missing)}; expected the workbook as published")
    subjects = _pairs(sheets["namingrule1"][1], r"s\d+")
    codes = _pairs(sheets["namingrule2"][1], r".*[a-z].*")
    videos = _casme_videos(root)
    places = {(subject, _video_code(name)): name for name, (subject, _) in videos.items()}
    movements = []
    for row in _headless_rows(workbook, *sheets["casfecodefinal"]):
        kind = _KINDS[row.text("type").lower()[:5]]
        subject, code = subjects.get(row.text("subject"), ""), codes.get(re.sub(r"_\d+$", "", row.text("video").lower()), "")
        video = places.get((subject, code.zfill(4)))
        if video is None:
            found.problems.append(
                f"{row.where}: no folder of frames for subject {row.text('subject')}, video {row.text('video')}"
            )
        elif movement := _movement(found, row, video, kind, row.text("emotion").lower() or None):
            movements.append(movement)
    _add_videos(found, videos, movements, 30.0)
    _compare(found, {"videos": 98, "macro": 300, "micro": 57})
    return found


def _casme_videos(root: Path) -> dict[str, tuple[str, Path]]:
    """Folder name -> (subject, folder) of `<tree>/s15/15_0101disgustingteeth`."""
    trees = find_trees(root, _is_casme_subject)
    subjects = [subject for tree in trees for subject in subfolders(tree) if _is_casme_subject(subject.name)]
    videos = {path.name: (subject.name, path) for subject in subjects for path in subfolders(subject) if _video_code(path.name)}
    if not videos:
        raise DataError(f"{root} holds no videos of CAS(ME)^2; expected {_CASME_LAYOUT}")
    return videos


def _is_casme_subject(name: str) -> bool:
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
        if last is not None and last >= len(_CASME_CELLS) - 1:
            cells = line[last - len(_CASME_CELLS) + 1 : last + 1]
            rows.append(Row(path=path, sheet=sheet, number=number, cells=dict(zip(_CASME_CELLS, cells, strict=True))))
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


# --- both ---------------------------------------------------------------------------------------------------------------------

_KINDS: Mapping[str, Kind] = {"macro": "macro", "micro": "micro"}


def _movement(found: LongVideos, row: Row, video: str, kind: Kind, emotion: str | None) -> Movement | None:
    onset, apex = row.integer_or_missing("onset"), row.integer_or_missing("apex")
    offset = row.integer_or_missing("offset", zero_is_missing=True)
    if offset is None and apex is not None:
        found.notes.append(f"{row.where}: no offset, the apex {apex} stands in")
        offset = apex
    if onset is None or offset is None or offset < onset:
        found.problems.append(f"{row.where}: onset {onset} and offset {offset} make no interval")
        return None
    if apex is not None and not onset <= apex <= offset:
        found.notes.append(f"{row.where}: apex {apex} lies outside {onset}-{offset} and is not used")
        apex = None
    return Movement(video, onset, apex, offset, kind, emotion, row.where)


def _folders(root: Path, is_video: Callable[[str], bool], expected: str) -> dict[str, Path]:
    """Video -> folder, of the tree with most videos."""
    trees = [{path.name: path for path in subfolders(tree) if is_video(path.name)} for tree in find_trees(root, is_video)]
    if not trees:
        raise DataError(f"{root} holds no folders of videos; expected {expected}")
    return max(trees, key=len)


def _add_videos(found: LongVideos, videos: Mapping[str, tuple[str, Path]], movements: Sequence[Movement], fps: float) -> None:
    """Every video with its movements. Movements whose frames are not there are problems."""
    for movement in movements:
        if movement.video not in videos:
            found.problems.append(f"{movement.source}: no folder of frames for video {movement.video}")
    for name, (subject, path) in sorted(videos.items()):
        frames = FrameFolder.scan(path)
        if len(frames) == 0:
            found.problems.append(f"{path}: holds no images")
            continue
        numbers = list(frames.names)
        mine = [movement for movement in movements if movement.video == name]
        outside = [m for m in mine if m.onset < numbers[0] or m.offset > numbers[-1]]
        found.problems += [
            f"{m.source}: frames {m.onset}-{m.offset} are not among {numbers[0]}-{numbers[-1]} of {path}" for m in outside
        ]
        kept = tuple(sorted((m for m in mine if m not in outside), key=lambda m: m.onset))
        found.videos.append(LongVideo(name=name, subject=subject, frames=frames, fps=fps, movements=kept))


def _compare(found: LongVideos, official: Mapping[str, int]) -> None:
    counts = {"videos": len(found.videos), "macro": found.count("macro"), "micro": found.count("micro")}
    found.problems += [
        f"{counts[what]} {what} found, {number} official" for what, number in official.items() if counts[what] != number
    ]
