"""Finding workbooks and frame trees below the folder that a user gives, wherever in it they were unpacked."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from ahmsa.errors import DataError
from ahmsa.frames import frame_number

_DEPTH = 5
_MANY_IMAGES = 40
"""A folder with so many images is a clip; there is nothing to descend into."""


def existing_root(root: Path, expected: str) -> Path:
    """The database's folder. Raises DataError with what was expected there."""
    if not root.is_dir():
        raise DataError(f"{root} is not a folder; expected {expected}")
    return root


def find_workbook(root: Path, pattern: str, expected: str, preferred: Sequence[str] = ()) -> Path:
    """The annotation file whose name matches a pattern (any case), the `preferred` substrings first, then the shortest path.

    Raises DataError with what was expected.
    """
    found = [
        Path(folder) / name
        for folder, _, names in _walk(root)
        for name in names
        if re.search(pattern, name, re.IGNORECASE) and name.lower().endswith((".xls", ".xlsx", ".csv")) and name[0] not in "~."
    ]
    if not found:
        raise DataError(f"{root} holds no annotation workbook; expected {expected}")

    def rank(path: Path) -> tuple[int, int, str]:
        place = next((i for i, part in enumerate(preferred) if part.lower() in path.name.lower()), len(preferred))
        return place, len(path.parts), str(path)

    return min(found, key=rank)


def clip_folders(
    root: Path, subject_of: Callable[[str], str | None], wanted: Iterable[tuple[str, str]], expected: str
) -> tuple[Path, dict[tuple[str, str], Path]]:
    """The tree `<tree>/<subject>/<clip>/` below `root` that has most of the wanted clips, and its clip folders.

    wanted and the result are keyed by (subject as `subject_of` spells it, clip in lower case). Raises DataError where no tree
    has any subject.
    """
    keys = set(wanted)
    trees = [(tree, _clips_of(tree, subject_of)) for tree in find_trees(root, lambda name: subject_of(name) is not None)]
    if not trees:
        raise DataError(f"{root} holds no folders of subjects; expected {expected}")
    return max(trees, key=lambda item: len(keys & item[1].keys()))


def _clips_of(tree: Path, subject_of: Callable[[str], str | None]) -> dict[tuple[str, str], Path]:
    return {
        (subject, clip.name.lower()): clip
        for folder in subfolders(tree)
        if (subject := subject_of(folder.name)) is not None
        for clip in subfolders(folder)
    }


def find_trees(root: Path, is_subject: Callable[[str], bool]) -> list[Path]:
    """Every folder that has subject folders in it, in order of their paths."""
    return sorted(Path(folder) for folder, folders, _ in _walk(root, is_subject) if any(map(is_subject, folders)))


def subfolders(path: Path) -> list[Path]:
    """The folders in a folder, by name."""
    with os.scandir(path) as entries:
        return sorted(path / entry.name for entry in entries if entry.is_dir())


def _walk(root: Path, leave: Callable[[str], bool] = lambda _: False) -> Iterator[tuple[str, list[str], list[str]]]:
    """As os.walk, to a few levels, and not into folders that `leave` names or that hold frames only."""
    base = len(root.parts)
    for folder, folders, names in os.walk(root, followlinks=True):  # databases are often linked; the depth is limited
        folders.sort()
        yield folder, list(folders), names
        deep = len(Path(folder).parts) - base >= _DEPTH
        if deep or sum(frame_number(name) is not None for name in names) > _MANY_IMAGES:
            folders.clear()
        else:
            folders[:] = [name for name in folders if not leave(name)]
