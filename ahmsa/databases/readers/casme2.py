"""CASME II: 255 micro-expressions of 26 subjects at 200 fps.

Yan et al., "CASME II: An Improved Spontaneous Micro-Expression Database and the Baseline Evaluation", PLoS ONE 9(1), 2014.

Frames lie at `<tree>/sub01/EP02_01f/img46.jpg` (CASME2_RAW_selected: onset to offset; CASME2-RAW: whole videos) or
`reg_img46.jpg` (Cropped), numbers not padded and equal to those of the workbook `CASME2-coding-20140508.xlsx`, which has blank
columns. Clip names follow no rule and are opaque.
"""

from __future__ import annotations

import re
from pathlib import Path

from ahmsa.databases.clips import Annotation, Protocol, Survey, annotation_of, protocol_for
from ahmsa.databases.collect import clip_trees, collect, fullest
from ahmsa.databases.files.trees import existing_root, find_workbook
from ahmsa.databases.files.workbook import Row, read_table

NAME = "casme2"
FPS = 200.0
TOLERANCE = 5
"""Frames: some cropped clips have a few images fewer than annotated."""

PROTOCOLS = {
    3: Protocol(
        labels=("negative", "positive", "surprise"),
        classes={
            "disgust": "negative",
            "repression": "negative",
            "happiness": "positive",
            "surprise": "surprise",
            "others": None,
            "other": None,
            "fear": None,
            "sadness": None,
        },
        totals={"negative": 88, "positive": 32, "surprise": 25},
        subjects=24,
    )
}
"""MEGC2019: fear and sadness are left out as well as others."""

SHORT = {("sub16", "ep01_08")}
"""Clips that have fewer images than annotated where they are cropped."""

EXCLUSIONS = {
    ("sub04", "ep12_01f"): "its apex is '/' in the workbook; the official MEGC2019 list leaves it out",
    ("sub05", "ep09_05f"): "its apex is its onset; the official MEGC2019 list leaves it out",
    ("sub24", "ep02_07"): "only in later workbooks of 256 rows; not in the official MEGC2019 list",
}

_LAYOUT = (
    "CASME II as distributed: CASME2-coding-20140508.xlsx and CASME2_RAW_selected/sub01/EP02_01f/img46.jpg or Cropped/sub01/..."
)
_COLUMNS = {
    "subject": ("Subject",),
    "clip": ("Filename",),
    "onset": ("OnsetFrame", "Onset"),
    "apex": ("ApexFrame", "ApexFrame1", "Apex"),
    "offset": ("OffsetFrame", "Offset"),
    "emotion": ("Estimated Emotion", "Emotion"),
}
_PREFERRED = ("20140508", "20190701", "coding", "label")


def read(root: Path, classes: int = 3) -> Survey:
    """The clips of CASME II below `root`. Raises DataError where workbook or frames are missing altogether."""
    return read_layout(Survey(NAME, protocol_for(NAME, PROTOCOLS, classes)), root)


def read_layout(survey: Survey, root: Path) -> Survey:
    """Fill the survey of a database that lies on disk as CASME II does. Raises DataError as `read`."""
    existing_root(root, _LAYOUT)
    workbook = find_workbook(root, r"casme.?(2|ii).*(coding|label)", _LAYOUT, _PREFERRED)
    annotations = [a for row in read_table(workbook, _COLUMNS) if (a := _annotation(survey, row)) is not None]
    tree = fullest(clip_trees(root, _subject_folder, str.strip, annotations), root, _LAYOUT)
    survey.read_from += [workbook, tree.path]
    collect(survey, annotations, tree, fps=FPS, tolerance=TOLERANCE, exclusions=EXCLUSIONS, short=SHORT)
    return survey


def subject_name(text: str) -> str | None:
    """sub01 from 1, 01, sub1 or Sub01; None for other text."""
    match = re.fullmatch(r"(?:sub)?[ _-]?0*(\d{1,2})", text.strip(), re.IGNORECASE)
    return f"sub{int(match[1]):02d}" if match else None


def _subject_folder(name: str) -> str | None:
    return subject_name(name) if name.strip().lower().startswith("sub") else None


def _annotation(survey: Survey, row: Row) -> Annotation | None:
    return annotation_of(survey, row, subject_name(row.text("subject")), row.text("clip"))
