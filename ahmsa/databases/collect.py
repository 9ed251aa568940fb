"""From annotated rows to clips with frames: the one way that all workbook-driven readers go."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ahmsa.databases.clips import Annotation, Clip, Survey
from ahmsa.databases.files.trees import find_trees, subfolders
from ahmsa.errors import DataError
from ahmsa.images.frames import FrameFolder

ClipKey = tuple[str, str]
"""(subject, clip in lower case)."""


@dataclass(frozen=True, slots=True)
class Tree:
    """One copy of a database's frames: its folder, and the images of each clip."""

    path: Path
    clips: Mapping[ClipKey, FrameFolder]


def clip_trees(
    root: Path, subject_of: Callable[[str], str | None], clip_of: Callable[[str], str], annotations: Iterable[Annotation]
) -> list[Tree]:
    """Every tree `<tree>/<subject>/<clip>/` below `root`, with the images of the annotated clips in it.

    subject_of: a folder's name to the subject's, None where it is none; clip_of: a folder's name to the clip's.
    """
    wanted = {key_of(annotation) for annotation in annotations}
    trees = []
    for path in find_trees(root, lambda name: subject_of(name) is not None):
        clips: dict[ClipKey, FrameFolder] = {}
        for folder in subfolders(path):
            for clip in subfolders(folder) if (subject := subject_of(folder.name)) else ():
                assert subject is not None
                key = (subject, clip_of(clip.name).lower())
                if key in wanted:
                    clips[key] = max(FrameFolder.scan(clip), clips.get(key, NO_IMAGES), key=len)
        trees.append(Tree(path, clips))
    return trees


NO_IMAGES = FrameFolder(Path(), {})


def key_of(annotation: Annotation) -> ClipKey:
    return annotation.subject, annotation.name.lower()


def fullest(trees: Sequence[Tree], root: Path, layout: str) -> Tree:
    """The tree that has images of most annotated clips; of equals the one nearest to `root`.

    Raises DataError with the layout that was expected where there is no tree.
    """
    if not trees:
        raise DataError(f"{root} holds no folders of subjects; expected {layout}")
    return max(trees, key=lambda tree: (sum(len(folder) > 0 for folder in tree.clips.values()), -len(tree.path.parts)))


def collect(
    survey: Survey,
    annotations: Sequence[Annotation],
    tree: Tree,
    *,
    fps: float,
    tolerance: int,
    exclusions: Mapping[ClipKey, str] | None = None,
    short: Iterable[ClipKey] = (),
) -> None:
    """Add every annotated clip of the protocol to the survey, or say why it is missing.

    exclusions: why the official list leaves a clip out. short: clips known to have fewer images than annotated, for which the
    nearest image will do at any distance.
    """
    short = frozenset(short)
    for annotation in annotations:
        key = key_of(annotation)
        label = label_of(survey, annotation)
        if label is None:
            continue
        if reason := (exclusions or {}).get(key):
            survey.note(annotation.row.where, f"{annotation.subject} {annotation.name} is left out: {reason}")
        elif key not in tree.clips:
            survey.problem(annotation.row.where, f"no folder of frames for {annotation.subject} {annotation.name}")
        else:
            place(survey, annotation, label, tree.clips[key], fps, ANY_DISTANCE if key in short else tolerance)


ANY_DISTANCE = 10**12


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

    A frame that is absent gives way to the nearest one within `tolerance`, apex and offset to one after the onset. An apex that
    is missing, outside the clip or not after the image used as onset is left to the apex rule. Every such step is noted.
    """
    where, row = annotation.row.where, annotation.row
    if annotation.onset is None:
        survey.problem(where, f"no onset frame: the cell holds {row.text('onset')!r}")
        return
    onset = _image(survey, where, folder, "onset", annotation.onset, tolerance)
    if onset is None:
        return
    apex = _usable_apex(survey, annotation, onset)
    last = apex if annotation.offset is None else annotation.offset
    if last is None:
        survey.problem(where, "neither an apex after the onset nor an offset, so no frame shows the movement")
        return
    if last <= annotation.onset:
        survey.problem(where, f"offset {last} does not follow onset {annotation.onset}")
        return
    if annotation.offset is None:
        survey.note(where, f"no offset frame (the cell holds {row.text('offset')!r}), the clip ends at its apex")
    used_apex = None if apex is None else _image(survey, where, folder, "apex", apex, tolerance, after=onset)
    if apex is not None and used_apex is None:
        return
    end = _last_image(survey, where, folder, last, tolerance, onset, used_apex)
    if end is None:
        return
    apex, offset = used_apex, max(end, used_apex or end)
    survey.add(
        Clip(
            database=survey.database,
            subject=annotation.subject,
            name=annotation.name,
            label=label,
            emotion=annotation.emotion,
            onset=onset,
            apex=apex,
            offset=offset,
            frames=folder.between(onset, offset),
            fps=fps,
            source=where,
        )
    )


def _image(
    survey: Survey, where: str, folder: FrameFolder, what: str, number: int, tolerance: int, after: int = -1
) -> int | None:
    """The number of the image nearest to a frame, among those after another; None, and a problem, where it is too far."""
    nearest = min((n for n in folder.names if n > after), key=lambda n: abs(n - number), default=None)
    if nearest is None:
        survey.problem(where, f"{what} frame {number} is not in {folder.path} ({_no_image(folder, after)})")
        return None
    if abs(nearest - number) > tolerance:
        survey.problem(
            where, f"{what} frame {number} is not in {folder.path} nor within {tolerance} frames of it (nearest: {nearest})"
        )
        return None
    if nearest != number:
        survey.note(where, f"{what} frame {number} is not in {folder.path}, frame {nearest} is used")
    return nearest


def _last_image(
    survey: Survey, where: str, folder: FrameFolder, number: int, tolerance: int, onset: int, apex: int | None
) -> int | None:
    """The number of a clip's last image. No map needs it where there is an apex: where it is absent, that is the last one."""
    near = any(n > onset and abs(n - number) <= tolerance for n in folder.names)
    if near or apex is None:
        return _image(survey, where, folder, "offset", number, tolerance, after=onset)
    if number != apex:
        survey.note(where, f"offset frame {number} is not in {folder.path}, the clip ends at its apex {apex}")
    return apex


def _no_image(folder: FrameFolder, after: int) -> str:
    return f"no image follows frame {after}" if folder.names else "the folder has no images"


def _usable_apex(survey: Survey, annotation: Annotation, onset_image: int) -> int | None:
    """The annotated apex where it shows the movement; else None, and a note that says why."""
    onset, apex, offset = annotation.onset, annotation.apex, annotation.offset
    assert onset is not None
    if apex is None:
        why = f"no apex frame (the cell holds {annotation.row.text('apex')!r})"
    elif apex <= onset:
        why = f"apex {apex} lies {'on' if apex == onset else 'before'} the onset"
    elif apex <= onset_image:
        why = f"apex {apex} does not follow frame {onset_image}, which is used as onset"
    elif offset is not None and apex > offset:
        why = f"apex {apex} lies after the offset {offset}"
    else:
        return apex
    survey.note(annotation.row.where, f"{why}, the apex rule chooses one")
    return None
