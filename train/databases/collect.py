"""From annotated rows to clips with frames: the one way that all workbook-driven readers go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ahmsa.frames import FrameFolder
from train.databases.clips import Annotation, Clip, Survey

Folders = Mapping[tuple[str, str], Path]
"""(subject, clip in lower case) -> the folder of its frames."""


def collect(
    survey: Survey,
    annotations: Sequence[Annotation],
    folders: Folders,
    *,
    fps: float,
    tolerance: int,
    exclusions: Mapping[tuple[str, str], str] | None = None,
) -> None:
    """Add every annotated clip of the protocol to the survey, or say why it is missing.

    exclusions: (subject, clip) -> why the official list leaves it out.
    """
    scanned: dict[Path, FrameFolder] = {}
    for annotation in annotations:
        label = label_of(survey, annotation)
        if label is None:
            continue
        if reason := (exclusions or {}).get((annotation.subject, annotation.name)):
            survey.note(annotation.row.where, f"{annotation.subject} {annotation.name} is left out: {reason}")
            continue
        path = folders.get((annotation.subject, annotation.name.lower()))
        if path is None:
            survey.problem(annotation.row.where, f"no folder of frames for {annotation.subject} {annotation.name}")
            continue
        if path not in scanned:
            scanned[path] = FrameFolder.scan(path)
        place(survey, annotation, label, scanned[path], fps, tolerance)


def label_of(survey: Survey, annotation: Annotation) -> str | None:
    """The class of an annotated emotion; None where the protocol leaves it out. An unknown emotion is a problem."""
    classes = survey.protocol.classes
    if annotation.emotion not in classes:
        survey.problem(
            annotation.row.where, f"unknown emotion {annotation.emotion!r}; expected one of {', '.join(sorted(classes))}"
        )
        return None
    return classes[annotation.emotion]


def place(survey: Survey, annotation: Annotation, label: str, folder: FrameFolder, fps: float, tolerance: int) -> None:
    """Give an annotated clip its frames and keep it, or say why it cannot be used.

    Onset and offset move to the nearest existing frame within `tolerance`; an apex that is missing, outside the clip or on the
    onset itself is left to the apex rule. Every such step is noted.
    """
    where = annotation.row.where
    apex = _usable_apex(survey, annotation)
    if annotation.onset is None:
        survey.problem(where, "no onset frame")
        return
    if annotation.offset is None and apex is None:
        survey.problem(where, "neither an apex after the onset nor an offset, so no frame shows the movement")
        return
    last = annotation.offset if annotation.offset is not None else apex
    assert last is not None
    if last <= annotation.onset:
        survey.problem(where, f"offset {last} does not follow onset {annotation.onset}")
        return
    wanted = {"onset": annotation.onset, "offset": last} | ({} if apex is None else {"apex": apex})
    found = {what: folder.nearest(number, tolerance) for what, number in wanted.items()}
    for what, number in wanted.items():
        if found[what] is None:
            nearest = folder.nearest(number, 10**12)
            survey.problem(
                where,
                f"{what} frame {number} is not in {folder.path} nor within {tolerance} frames of it"
                + (" (the folder has no images)" if nearest is None else f" (nearest: {nearest})"),
            )
            return
        if found[what] != number:
            survey.note(where, f"{what} frame {number} is not in {folder.path}, frame {found[what]} is used")
    onset, offset, apex = found["onset"], found["offset"], found.get("apex")
    assert onset is not None
    assert offset is not None
    if offset <= onset or (apex is not None and not onset < apex):
        survey.problem(where, f"onset and {'offset' if offset <= onset else 'apex'} fall on the same image of {folder.path}")
        return
    survey.add(
        Clip(
            database=survey.database,
            subject=annotation.subject,
            name=annotation.name,
            label=label,
            emotion=annotation.emotion,
            onset=onset,
            apex=apex,
            offset=max(offset, apex or offset),
            frames=folder.between(onset, max(offset, apex or offset)),
            fps=fps,
            source=where,
        )
    )


def _usable_apex(survey: Survey, annotation: Annotation) -> int | None:
    onset, apex, offset = annotation.onset, annotation.apex, annotation.offset
    if apex is None:
        survey.note(annotation.row.where, "no apex frame, the apex rule chooses one")
        return None
    if onset is not None and apex <= onset:
        where = "on" if apex == onset else "before"
        survey.note(annotation.row.where, f"apex {apex} lies {where} the onset, the apex rule chooses one")
        return None
    if offset is not None and apex > offset:
        survey.note(annotation.row.where, f"apex {apex} lies after the offset {offset}, the apex rule chooses one")
        return None
    return apex
