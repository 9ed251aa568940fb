"""SMIC, high-speed part (HS): 164 micro-expressions of 16 subjects at 100 fps.

Li et al., "A Spontaneous Micro-expression Database: Inducement, Collection and Baseline", FG 2013.

Frames lie at `SMIC_all_cropped/HS/s1/micro/negative/s1_ne_01/reg_image000123.bmp` or, in SMIC_all_raw, `image000123.bmp`: a
clip's folder runs from onset to offset, and its name gives the label. SMIC-E has long clips instead
(`SMIC-HS-E/s01/s1_ne_01/image000123.jpg`), whose onsets and offsets are in `SMIC-HS-E_annotation.xlsx`. The workbook labels
s18_sur_03 negative; the folder and the official list say surprise, and folder names win. There is no official apex: an apex
rule (train.apex) always chooses it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from ahmsa.errors import DataError
from ahmsa.frames import FrameFolder
from ahmsa.trees import existing_root, find_trees, find_workbook, subfolders
from ahmsa.workbook import Row, read_table
from train.databases.clips import Clip, Protocol, Survey, protocol_for

NAME = "smic"
FPS = 100.0
TOLERANCE = 5

PROTOCOLS = {
    3: Protocol(
        labels=("negative", "positive", "surprise"),
        classes={"negative": "negative", "positive": "positive", "surprise": "surprise"},
        totals={"negative": 70, "positive": 51, "surprise": 43},
        subjects=16,
    )
}
"""MEGC2019."""

TAGS = {"ne": "negative", "po": "positive", "sur": "surprise"}
"""Part of the clip's name -> its label."""

_LAYOUT = (
    "SMIC as distributed: SMIC_all_cropped/HS/s1/micro/negative/s1_ne_01/reg_image000123.bmp, "
    "or SMIC-E's HS_long with SMIC-HS-E_annotation.xlsx"
)
_COLUMNS = {
    "subject": ("Subject",),
    "clip": ("Filename",),
    "onset": ("OnsetF",),
    "offset": ("OffsetF",),
    "emotion": ("Emotion",),
}
_SHEETS = ("HS",)
_OTHER_CAMERAS = re.compile(r"(?<![a-z])(vis|nir)(?![a-z])", re.IGNORECASE)


def read(root: Path, classes: int = 3) -> Survey:
    """The clips of SMIC HS below `root`. Raises DataError where the frames are missing altogether."""
    survey = Survey(NAME, protocol_for(NAME, PROTOCOLS, classes))
    existing_root(root, _LAYOUT)
    rows = _rows(survey, root)
    tree, clips, long_clips = _best_tree(survey, root)
    survey.read_from.append(tree)
    if long_clips and not rows:
        raise DataError(f"{root} holds the long clips of SMIC-E but not their workbook SMIC-HS-E_annotation.xlsx; add it")
    for name, path in sorted(clips):
        row = rows.get(name)
        if long_clips and row is None:
            survey.problem(path, "is a long clip that the workbook does not list, so its onset is unknown")
            continue
        folder = FrameFolder.scan(path)
        if span := _span(survey, path, folder, row if long_clips else None):
            survey.add(_clip(name, folder, *span))
    return survey


def clip_name(text: str) -> str | None:
    """s01_ne_01 from s1_ne_01, S01_ne_1 or s1_ne_01; None for other text."""
    match = re.fullmatch(r"s0*(\d+)_(ne|po|sur)_0*(\d+)", text.strip(), re.IGNORECASE)
    return f"s{int(match[1]):02d}_{match[2].lower()}_{int(match[3]):02d}" if match else None


def subject_name(text: str) -> str | None:
    """s01 from 1, s1 or s01; None for other text."""
    match = re.fullmatch(r"s?0*(\d+)", text.strip(), re.IGNORECASE)
    return f"s{int(match[1]):02d}" if match else None


def _clip(name: str, folder: FrameFolder, onset: int, offset: int) -> Clip:
    emotion = TAGS[name.split("_")[1]]
    return Clip(
        database=NAME,
        subject=name.split("_")[0],
        name=name,
        label=emotion,
        emotion=emotion,
        onset=onset,
        apex=None,
        offset=offset,
        frames=folder.between(onset, offset),
        fps=FPS,
        source=str(folder.path),
    )


def _span(survey: Survey, path: Path, folder: FrameFolder, row: Row | None) -> tuple[int, int] | None:
    """Onset and offset: the whole folder, or what the workbook says of a long clip."""
    numbers = list(folder.names)
    if len(numbers) < 2:
        survey.problem(path, f"holds {len(numbers)} image{'' if len(numbers) == 1 else 's'}; a clip needs two")
        return None
    if row is None:
        return numbers[0], numbers[-1]
    typed = row.integer_or_missing("onset"), row.integer_or_missing("offset")
    onset, offset = (None if number is None else folder.nearest(number, TOLERANCE) for number in typed)
    if onset is None or offset is None or offset <= onset:
        survey.problem(
            row.where,
            f"onset {typed[0]} and offset {typed[1]} are not both among the frames {numbers[0]}-{numbers[-1]} of {path}",
        )
        return None
    return onset, offset


def _rows(survey: Survey, root: Path) -> Mapping[str, Row]:
    """The workbook's rows by clip, where there is one; label clashes are noted, folder names win."""
    try:
        workbook = find_workbook(root, r"smic.*hs.*annotation", _LAYOUT)
    except DataError:
        return {}  # the short clips need none
    survey.read_from.append(workbook)
    rows = {}
    for row in read_table(workbook, _COLUMNS, sheets=_SHEETS):
        name = clip_name(row.text("clip"))
        if name is None:
            survey.note(row.where, f"is no clip: its file name is {row.text('clip')!r}")
            continue
        rows[name] = row
        label, typed = TAGS[name.split("_")[1]], row.text("emotion").lower()
        if typed != label:
            survey.note(row.where, f"{name} is labelled {typed!r} in the workbook; its name says {label}, and names win")
    return rows


def _best_tree(survey: Survey, root: Path) -> tuple[Path, list[tuple[str, Path]], bool]:
    """The tree with most HS clips, the name and folder of each clip, and whether they are the long clips of SMIC-E."""
    trees = [tree for tree in find_trees(root, _is_subject) if not _OTHER_CAMERAS.search(str(tree.relative_to(root)))]
    found = [(tree, clips, is_long) for tree in trees for clips, is_long in [_clips_of(tree)] if clips]
    if not found:
        raise DataError(f"{root} holds no clips of SMIC HS; expected {_LAYOUT}")
    tree, clips, is_long = max(found, key=lambda item: (not item[2], len(item[1])))
    for name, path in clips:
        if not is_long and path.parent.name.lower() != TAGS[name.split("_")[1]]:
            survey.note(path, f"lies under {path.parent.name}, its name says {TAGS[name.split('_')[1]]}, and names win")
    return tree, clips, is_long


def _clips_of(tree: Path) -> tuple[list[tuple[str, Path]], bool]:
    short: list[tuple[str, Path]] = []
    long: list[tuple[str, Path]] = []
    for subject in filter(lambda path: _is_subject(path.name), subfolders(tree)):
        long += _named(subfolders(subject))
        for label in subfolders(subject / "micro") if (subject / "micro").is_dir() else []:
            short += _named(subfolders(label))
    return (short, False) if short else (long, True)


def _named(folders: list[Path]) -> list[tuple[str, Path]]:
    return [(name, folder) for folder in folders if (name := clip_name(folder.name))]


def _is_subject(name: str) -> bool:
    return re.fullmatch(r"s\d{1,2}", name, re.IGNORECASE) is not None
