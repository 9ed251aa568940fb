"""SMIC, high-speed part (HS): 164 micro-expressions of 16 subjects at 100 fps.

Li et al., "A Spontaneous Micro-expression Database: Inducement, Collection and Baseline", FG 2013.

Frames lie at `SMIC_all_cropped/HS/s1/micro/negative/s1_ne_01/reg_image000123.bmp` or, in SMIC_all_raw, `image000123.bmp`: a
clip's folder runs from onset to offset, and its name gives the label. SMIC-E has long clips instead
(`SMIC-HS-E/s01/s1_ne_01/image000123.jpg`), whose onsets and offsets are in `SMIC-HS-E_annotation.xlsx`. The workbook labels
s18_sur_03 negative; the folder and the official list say surprise, and folder names win. There is no official apex (that of
`_annotation_2019.xlsx` is of a third party): an apex rule (train.prepare.apex) always chooses it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ahmsa.databases.clips import Clip, Protocol, Survey, protocol_for
from ahmsa.databases.files.trees import existing_root, find_trees, find_workbook, subfolders
from ahmsa.databases.files.workbook import Row, read_table
from ahmsa.errors import DataError
from ahmsa.images.frames import FrameFolder

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
_CAMERA = re.compile(r"(?<![a-z])(hs|vis|nir)(?![a-z])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Tree:
    """One copy of the clips."""

    path: Path
    folders: list[tuple[str, FrameFolder]]
    """Clip and its images."""
    long: bool
    """The long clips of SMIC-E, which lie directly below their subject: onset and offset are in the workbook."""


def read(root: Path, classes: int = 3) -> Survey:
    """The clips of SMIC HS below `root`. Raises DataError where the frames are missing altogether."""
    survey = Survey(NAME, protocol_for(NAME, PROTOCOLS, classes))
    existing_root(root, _LAYOUT)
    tree = _best_tree(root)
    rows = _rows(survey, root, tree.long)
    survey.read_from.append(tree.path)
    for name, folder in tree.folders:
        row = rows.get(name)
        _note_place(survey, name, folder.path, tree)
        if tree.long and row is None:
            survey.problem(folder.path, "is a long clip that the workbook does not list, so its onset is unknown")
        elif span := _span(survey, folder, row if tree.long else None):
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


def _span(survey: Survey, folder: FrameFolder, row: Row | None) -> tuple[int, int] | None:
    """Onset and offset: the whole folder, or what the workbook says of a long clip."""
    numbers = list(folder.names)
    if not _has_movement(folder):
        survey.problem(folder.path, f"holds {len(numbers)} image{'' if len(numbers) == 1 else 's'}; a clip needs two")
        return None
    if row is None:
        return numbers[0], numbers[-1]
    typed = row.integer_or_missing("onset"), row.integer_or_missing("offset")
    onset, offset = (None if number is None else folder.nearest(number, TOLERANCE) for number in typed)
    if onset is None or offset is None or offset <= onset:
        survey.problem(
            row.where,
            f"onset {typed[0]} and offset {typed[1]} are not both among the frames {numbers[0]}-{numbers[-1]} of {folder.path}",
        )
        return None
    for number, image in zip(typed, (onset, offset), strict=True):
        if number != image:
            survey.note(row.where, f"frame {number} is not in {folder.path}, frame {image} is used")
    return onset, offset


def _rows(survey: Survey, root: Path, long: bool) -> Mapping[str, Row]:
    """The workbook's rows by clip; label clashes are noted, folder names win. Only long clips need it: beside short ones it may
    be missing, and what is wrong with it is a note.
    """
    rows: dict[str, Row] = {}
    try:
        workbook = find_workbook(root, r"smic.*hs.*annotation", _LAYOUT)
    except DataError:
        if long:
            raise DataError(
                f"{root} holds the long clips of SMIC-E but not their workbook SMIC-HS-E_annotation.xlsx; add it"
            ) from None
        return rows
    try:
        table = read_table(workbook, _COLUMNS, sheets=_SHEETS)
    except DataError as error:
        if long:
            raise
        survey.note(workbook, f"is not used, short clips do not need it: {error}")
        return rows
    survey.read_from.append(workbook)
    for row in table:
        name = clip_name(row.text("clip"))
        if name is None:
            survey.note(row.where, f"is no clip: its file name is {row.text('clip')!r}")
        elif name in rows:
            report = survey.problem if long else survey.note
            report(row.where, f"{name} is already given by {rows[name].where}, which is used; one of the two must go")
        else:
            rows[name] = row
            label, typed = TAGS[name.split("_")[1]], row.text("emotion").lower()
            if typed not in ("", label):
                survey.note(row.where, f"{name} is labelled {typed!r} in the workbook; its name says {label}, and names win")
    return rows


def _best_tree(root: Path) -> _Tree:
    """The HS tree with most clips that have images, short ones before long ones; of equals the one nearest to `root`."""
    cameras = {path: _camera(root, path) for path in find_trees(root, _is_subject)}
    trees = [tree for path, camera in cameras.items() if camera == "hs" for tree in _trees_at(path)]
    if not trees:
        others = sorted(f"{path} ({camera.upper()})" for path, camera in cameras.items() if camera != "hs")
        also = f", not the other cameras' clips in {', '.join(others)}" if others else ""
        raise DataError(f"{root} holds no clips of SMIC HS; expected {_LAYOUT}{also}")
    return max(trees, key=lambda tree: (not tree.long, sum(_has_movement(f) for _, f in tree.folders), -len(tree.path.parts)))


def _camera(root: Path, path: Path) -> str:
    """hs, vis or nir: what the folders from the tree up to the root's own name say, HS where they say nothing."""
    names = (root.resolve().name, *path.relative_to(root).parts)
    said = [match[1].lower() for name in reversed(names) if (match := _CAMERA.search(name))]
    return said[0] if said else "hs"


def _trees_at(path: Path) -> Iterator[_Tree]:
    """The clips below subject folders: directly there they are long, deeper (micro/negative/) they are short."""
    short: list[Path] = []
    long: list[Path] = []
    for folder in (folder for subject in subfolders(path) if _is_subject(subject.name) for folder in subfolders(subject)):
        inner = [] if clip_name(folder.name) else subfolders(folder)
        long += [folder]
        short += inner + [clip for label in inner if not clip_name(label.name) for clip in subfolders(label)]
    for folders, is_long in ((short, False), (long, True)):
        named = sorted((name, folder) for folder in folders if (name := clip_name(folder.name)))
        if named:
            yield _Tree(path, [(name, FrameFolder.scan(folder)) for name, folder in named], is_long)


def _note_place(survey: Survey, name: str, path: Path, tree: _Tree) -> None:
    """Names win over the folders that a clip lies in; where they disagree, say so."""
    subject, tag, _ = name.split("_")
    above, *labels = path.relative_to(tree.path).parts[:-1]
    clashing = [(above, subject)] if subject_name(above) != subject else []
    clashing += [(label, TAGS[tag]) for label in labels if label.lower() in TAGS.values() and label.lower() != TAGS[tag]]
    for folder, said in clashing:
        survey.note(path, f"lies under {folder}, its name says {said}, and names win")


def _has_movement(folder: FrameFolder) -> bool:
    return len(folder) > 1


def _is_subject(name: str) -> bool:
    return re.fullmatch(r"s\d{1,2}", name, re.IGNORECASE) is not None
