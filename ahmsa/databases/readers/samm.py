"""SAMM: 159 micro-movements of 29 subjects at 200 fps, grey.

Davison et al., "SAMM: A Spontaneous Micro-Facial Movement Dataset", IEEE Trans. Affective Computing 9(1), 2018.

Frames lie at `SAMM/006/006_1_2/006_05562.jpg`, numbers padded to 4 or 5 digits by recording. The workbook
`SAMM_Micro_FACS_Codes_v2.xlsx` has 13 lines before its header; trimmed copies have none.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from ahmsa.databases.clips import Annotation, Protocol, Survey, annotation_of, protocol_for
from ahmsa.databases.collect import clip_trees, collect, fullest
from ahmsa.databases.files.trees import existing_root, find_workbook
from ahmsa.databases.files.workbook import Row, read_table

NAME = "samm"
FPS = 200.0
TOLERANCE = 5

PROTOCOLS = {
    3: Protocol(
        labels=("negative", "positive", "surprise"),
        classes={
            "anger": "negative",
            "contempt": "negative",
            "disgust": "negative",
            "fear": "negative",
            "sadness": "negative",
            "happiness": "positive",
            "surprise": "surprise",
            "other": None,
            "others": None,
        },
        totals={"negative": 92, "positive": 26, "surprise": 15},
        subjects=28,
    )
}
"""MEGC2019."""

OFFSETS = {"013_1_9": 5739}
"""Clips whose offset is mistyped in some copies: onset 5658 and a duration of 82 frames give the value here."""
_LAYOUT = "SAMM as distributed: SAMM_Micro_FACS_Codes_v2.xlsx and SAMM/006/006_1_2/006_05562.jpg"
_COLUMNS = {
    "subject": ("Subject",),
    "clip": ("Filename",),
    "onset": ("Onset Frame", "Onset"),
    "apex": ("Apex Frame", "Apex"),
    "offset": ("Offset Frame", "Offset"),
    "emotion": ("Estimated Emotion", "Emotion"),
}
_SHEETS = ("MICRO_ONLY",)


def read(root: Path, classes: int = 3) -> Survey:
    """The clips of SAMM below `root`. Raises DataError where workbook or frames are missing altogether."""
    survey = Survey(NAME, protocol_for(NAME, PROTOCOLS, classes))
    existing_root(root, _LAYOUT)
    workbook = find_workbook(root, r"samm.*micro.*facs|samm.*micro.*codes", _LAYOUT, ("v2",))
    rows = read_table(workbook, _COLUMNS, sheets=_SHEETS)
    annotations = [_corrected(survey, a) for row in rows if (a := _annotation(survey, row)) is not None]
    tree = fullest(clip_trees(root, subject_name, clip_name, annotations), root, _LAYOUT)
    survey.read_from += [workbook, tree.path]
    collect(survey, annotations, tree, fps=FPS, tolerance=TOLERANCE)
    return survey


def subject_name(text: str) -> str | None:
    """006 from 6 or 006; None for other text."""
    match = re.fullmatch(r"0*(\d{1,3})", text.strip())
    return f"{int(match[1]):03d}" if match else None


def clip_name(text: str) -> str:
    """006_1_2 from 6_1_2 or 006_1_2; other text as it is."""
    match = re.fullmatch(r"0*(\d{1,3})_(\d+)_(\d+)", text.strip())
    return f"{int(match[1]):03d}_{int(match[2])}_{int(match[3])}" if match else text.strip()


def _annotation(survey: Survey, row: Row) -> Annotation | None:
    return annotation_of(survey, row, subject_name(row.text("subject")), clip_name(row.text("clip")))


def _corrected(survey: Survey, annotation: Annotation) -> Annotation:
    offset = OFFSETS.get(annotation.name)
    if offset is not None and offset != annotation.offset:
        survey.note(annotation.row.where, f"offset {annotation.offset} of {annotation.name} is mistyped, {offset} is used")
        annotation = replace(annotation, offset=offset)
    return annotation
