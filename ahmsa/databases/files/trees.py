"""Finding workbooks and frame trees below the folder that a user gives, wherever in it they were unpacked."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ahmsa.errors import DataError
from ahmsa.images.frames import frame_number

_DEPTH = 8
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


def find_trees(root: Path, is_subject: Callable[[str], bool]) -> list[Path]:
    """Every folder that has subject folders in it, in order of their paths."""
    return sorted(Path(folder) for folder, folders, _ in _walk(root, is_subject) if any(map(is_subject, folders)))


def subfolders(path: Path) -> list[Path]:
    """The folders in a folder, by name. Raises DataError where it cannot be listed."""
    try:
        with os.scandir(path) as entries:
            return sorted(path / entry.name for entry in entries if entry.is_dir())
    except OSError as error:
        raise DataError(f"{path} cannot be listed ({error.strerror}); check the copy") from None


def _walk(root: Path, leave: Callable[[str], bool] = lambda _: False) -> Iterator[tuple[str, list[str], list[str]]]:
    """As os.walk, to a few levels, and not into hidden folders, folders that `leave` names or folders that hold frames only."""
    base = len(root.parts)
    for folder, folders, names in os.walk(root, followlinks=True):  # databases are often linked; the depth is limited
        folders[:] = sorted(name for name in folders if name[0] != "." and name != "__MACOSX")
        yield folder, list(folders), names
        deep = len(Path(folder).parts) - base >= _DEPTH
        if deep or sum(frame_number(name) is not None for name in names) > _MANY_IMAGES:
            folders.clear()
        else:
            folders[:] = [name for name in folders if not leave(name)]
