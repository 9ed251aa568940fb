"""Long videos with labelled movements, on which spotters are judged: what their readers share.

Each database has a file of its own: `samm_long` and `casme2_long`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ahmsa.databases.files.trees import find_trees, subfolders
from ahmsa.databases.files.workbook import Row
from ahmsa.errors import DataError
from ahmsa.images.frames import FrameFolder
from ahmsa.types import Kind


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
    label: str | None
    """Its class: negative, positive, surprise or others; None where no emotion is annotated."""
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


@dataclass(slots=True)
class LongVideos:
    """A database of long videos, and what was wrong with it: problems cost a movement or a video, notes were put right."""

    videos: list[LongVideo] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def count(self, kind: Kind) -> int:
        return sum(movement.kind == kind for video in self.videos for movement in video.movements)


KINDS: Mapping[str, Kind] = {"macro": "macro", "micro": "micro"}
"""First five letters of a workbook's type -> kind."""


def movement_of(
    found: LongVideos, row: Row, video: str, kind: Kind, emotion: str | None, classes: Mapping[str, str]
) -> Movement | None:
    """A row as a movement; None, and a problem, where its frames make no interval. classes: emotion -> class."""
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
    return Movement(video, onset, apex, offset, kind, emotion, classes.get(emotion or ""), row.where)


def video_folders(root: Path, is_video: Callable[[str], bool], expected: str) -> dict[str, Path]:
    """Video -> folder, of the tree with most videos."""
    trees = [{path.name: path for path in subfolders(tree) if is_video(path.name)} for tree in find_trees(root, is_video)]
    if not trees:
        raise DataError(f"{root} holds no folders of videos; expected {expected}")
    return max(trees, key=len)


def add_videos(found: LongVideos, videos: Mapping[str, tuple[str, Path]], movements: Sequence[Movement], fps: float) -> None:
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


def compare_totals(found: LongVideos, official: Mapping[str, int]) -> None:
    """A problem for every total that differs from the published one."""
    counts = {"videos": len(found.videos), "macro": found.count("macro"), "micro": found.count("micro")}
    found.problems += [
        f"{counts[what]} {what} found, {number} official" for what, number in official.items() if counts[what] != number
    ]
