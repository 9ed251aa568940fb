"""CAS(ME)^3, part A: 860 micro-expressions (second edition of the labels) in 463 videos of 94 subjects at 30 fps.

Li et al., "CAS(ME)3: A Third Generation Facial Spontaneous Micro-Expression Database with Depth Information and High
Ecological Validity", IEEE Trans. Pattern Analysis and Machine Intelligence 45(3), 2023.

Labels are public (repository jingtingEmmaLi/CAS-ME-3, annotation/partA): `cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx`, or
`_v1.xls` (921 rows), or a csv with the same columns; all numbers there are text. Frames lie at `.../spNO.1/a/color/123.jpg`
(whole videos, with holes; the first frames of most are absent) or, cut out, at `frame/spNO.1_a_355/355.jpg` or
`ME_A/spNO.1/a2/color`. Depth is not read: png, in `depth` or directly in the video's folder. Nor is part C, which has no apex,
and classes instead of emotions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from ahmsa.databases.clips import Annotation, Protocol, Survey, annotation_of, protocol_for
from ahmsa.databases.collect import Tree, collect, fullest, key_of
from ahmsa.databases.files.trees import existing_root, find_trees, find_workbook, subfolders
from ahmsa.databases.files.workbook import Row, read_table
from ahmsa.images.frames import FrameFolder

NAME = "casme3"
FPS = 30.0
TOLERANCE = 10
"""Frames: the first 7 or 8 of most videos are absent, and about one clip in ten has a hole."""

LONGEST = 300
"""Frames: an offset 10 s after its onset is a typing error (the longest clips annotated in earnest have about 100)."""
USUAL = 30
"""Frames: where offset and apex of a clip are both of no use, it is taken to last one second."""
SHORT = {("spNO.214", "c_5")}
"""5 / 5 / 3460 in the workbook: the end of that clip is unknown, so the nearest image is used."""

EMOTIONS = ("disgust", "surprise", "others", "fear", "anger", "sad", "happy")
_POLARITY = {
    "disgust": "negative",
    "fear": "negative",
    "anger": "negative",
    "sad": "negative",
    "happy": "positive",
    "surprise": "surprise",
}
PROTOCOLS = {
    3: Protocol(
        labels=("negative", "positive", "surprise"),
        classes={**_POLARITY, "others": None},
        totals={"negative": 457, "positive": 55, "surprise": 187},
        subjects=88,
    ),
    4: Protocol(
        labels=("negative", "positive", "surprise", "others"),
        classes={**_POLARITY, "others": "others"},
        totals={"negative": 457, "positive": 55, "surprise": 187, "others": 161},
        subjects=94,
    ),
    7: Protocol(
        labels=EMOTIONS,
        classes={emotion: emotion for emotion in EMOTIONS},
        totals=dict(zip(EMOTIONS, (250, 187, 161, 86, 64, 57, 55), strict=True)),
        subjects=94,
    ),
}
"""Totals of the second edition of the labels. The 943 clips that papers quote belong to no public file."""

Frames = tuple[int | None, int | None, int | None]
CORRECTIONS: dict[tuple[str, str, Frames], Frames] = {
    ("spNO.149", "d", (112, 83, 358)): (112, 160, 358),
    ("spNO.216", "d", (3647, 2668, 2694)): (2647, 2668, 2694),
    ("spNO.40", "e", (1812, 1824, None)): (1812, 1824, 1845),
    ("spNO.40", "e", (2327, 2363, None)): (2327, 2363, 2403),
}
"""(subject, video, onset / apex / offset as typed) -> as in `CAS(ME)3_part_A_v2.xls`, the authors' own other workbook."""

_LAYOUT = (
    "CAS(ME)^3 part A as distributed: cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx and part_A/spNO.1/a/color/123.jpg "
    "or frame/spNO.1_a_355/355.jpg"
)
_COLUMNS = {
    "subject": ("Subject",),
    "video": ("Filename",),
    "onset": ("Onset",),
    "apex": ("Apex",),
    "offset": ("Offset",),
    "emotion": ("emotion",),
}
_SHEETS = ("label",)
_PREFERRED = ("JpgIndex_v2", "JpgIndex_v1", "JpgIndex")


def read(root: Path, classes: int = 3) -> Survey:
    """The clips of CAS(ME)^3 part A below `root`. Raises DataError where workbook or frames are missing altogether."""
    survey = Survey(NAME, protocol_for(NAME, PROTOCOLS, classes))
    existing_root(root, _LAYOUT)
    workbook = find_workbook(root, r"cas\(?me\)?.?3.*part.?a.*(ME_label|edited)", _LAYOUT, _PREFERRED)
    rows = read_table(workbook, _COLUMNS, sheets=_SHEETS)
    annotations = _named([_corrected(survey, a) for row in rows if (a := _annotation(survey, row)) is not None])
    tree = fullest(_trees(root, annotations), root, _LAYOUT)
    survey.read_from += [workbook, tree.path]
    if "v1" in workbook.name.lower():
        survey.note(workbook, "is the first edition of the labels (921 rows); the official totals are those of the second")
    collect(survey, annotations, tree, fps=FPS, tolerance=TOLERANCE, short=SHORT)
    return survey


def subject_name(text: str) -> str | None:
    """spNO.1 from spNO.1, spNo.1 or spNO1; None for other text."""
    match = re.fullmatch(r"spno\.?0*(\d+)", text.strip(), re.IGNORECASE)
    return f"spNO.{int(match[1])}" if match else None


def _annotation(survey: Survey, row: Row) -> Annotation | None:
    found = annotation_of(survey, row, subject_name(row.text("subject")), row.text("video").lower())
    return found and replace(found, offset=row.integer_or_missing("offset", zero_is_missing=True))


def _corrected(survey: Survey, annotation: Annotation) -> Annotation:
    typed = (annotation.onset, annotation.apex, annotation.offset)
    onset, apex, offset = CORRECTIONS.get((annotation.subject, annotation.name, typed), typed)
    if (onset, apex, offset) != typed:
        survey.note(annotation.row.where, f"{typed} is mistyped, {(onset, apex, offset)} is used")
    if onset is not None and offset is not None and offset - onset > LONGEST:
        mistyped = f"offset {offset} lies {offset - onset} frames after the onset and is not used"
        offset = None
        if apex is None or apex <= onset:
            offset = onset + USUAL
            mistyped += f"; nor is the apex {apex}, so the clip is taken to end at {offset}"
        survey.note(annotation.row.where, mistyped)
    return replace(annotation, onset=onset, apex=apex, offset=offset)


def _named(annotations: list[Annotation]) -> list[Annotation]:
    """Clips named `a_355` by video and onset, as the cut-out folders are; where two share an onset, the later row's offset
    is added. Rows that agree in everything keep one name, so that the second shows as a duplicate."""
    first: dict[tuple[str, str], Annotation] = {}
    named = []
    for annotation in annotations:
        name = f"{annotation.name}_{annotation.onset}"
        other = first.setdefault((annotation.subject, name), annotation)
        if (other.apex, other.offset) != (annotation.apex, annotation.offset):
            name = f"{name}_{annotation.offset}"
        named.append(replace(annotation, name=name))
    return named


def _trees(root: Path, annotations: Sequence[Annotation]) -> list[Tree]:
    """Every copy of the frames, as whole videos or cut out, with the images of each annotated clip in it."""
    found = [(path, _videos(path)) for path in find_trees(root, lambda name: subject_name(name) is not None)]
    found += [(path, _cut_outs(path)) for path in find_trees(root, lambda name: _cut_out(name) is not None)]
    scan = cache(_colour_images)
    trees = []
    for path, folders in found:
        if _is_depth_tree(path.relative_to(root)):
            continue
        clips = {}
        for annotation in annotations:
            choices = [scan(folder) for name in _folder_names(annotation) for folder in folders.get(name, ())]
            if choices:
                clips[key_of(annotation)] = _holding(choices, annotation)
        trees.append(Tree(path, clips))
    return trees


def _is_depth_tree(path: Path) -> bool:
    return "depth" in path.name.lower() or "depth" in map(str.lower, path.parts)


_VideoFolders = Mapping[tuple[str, str], Sequence[Path]]
"""(subject, video `a` or clip `a_355`) -> the folders that may hold its frames."""


def _videos(tree: Path) -> _VideoFolders:
    """Folders of whole videos `spNO.1/a`, and of the clips of a video in their order `spNO.1/a2`."""
    videos: dict[tuple[str, str], list[Path]] = {}
    for folder in subfolders(tree):
        subject = subject_name(folder.name)
        for video in subfolders(folder) if subject else ():
            if subject and (match := re.fullmatch(r"([a-z])\d*", video.name.strip(), re.IGNORECASE)):
                videos.setdefault((subject, match[1].lower()), []).append(video)
    return videos


def _cut_outs(tree: Path) -> _VideoFolders:
    return {key: [folder] for folder in subfolders(tree) if (key := _cut_out(folder.name))}


def _cut_out(name: str) -> tuple[str, str] | None:
    """(subject, "a_355") of a folder spNO.1_a_355."""
    match = re.fullmatch(r"(spno\.?\d+)_([a-z])_(\d+)", name.strip(), re.IGNORECASE)
    subject = subject_name(match[1]) if match else None
    return (subject, f"{match[2].lower()}_{int(match[3])}") if match and subject else None


def _folder_names(annotation: Annotation) -> list[tuple[str, str]]:
    """Where the frames of a clip may lie: its video, or a folder named by its onset, put right or as it was typed."""
    video = annotation.name.split("_")[0]
    onsets = {annotation.onset, annotation.row.integer_or_missing("onset")}
    return [(annotation.subject, name) for name in (video, *(f"{video}_{onset}" for onset in onsets))]


def _colour_images(folder: Path) -> FrameFolder:
    """The images in `color` below a folder or, without one, in the folder itself, where those that are png are depth."""
    colour = next((path for path in subfolders(folder) if path.name.strip().lower() == "color"), None)
    images = FrameFolder.scan(colour or folder)
    if colour is not None:
        return images
    return FrameFolder(images.path, {n: name for n, name in images.names.items() if not name.lower().endswith(".png")})


def _holding(folders: Iterable[FrameFolder], annotation: Annotation) -> FrameFolder:
    """The folder that has most frames of a clip, or else most frames."""
    first = annotation.onset or 0
    last = max(annotation.offset or first, annotation.apex or first)
    return max(folders, key=lambda folder: (len(folder.between(first, last)), len(folder)))
