"""A folder of numbered images: found by number, never by a guessed name.

Databases pad their numbers differently from one recording to the next, start anywhere and have holes; the only thing they
share is that the last integer of a file's stem is the frame number.
"""

from __future__ import annotations

import bisect
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ahmsa.errors import DataError

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff"})
_MOST_DIGITS = 15


@dataclass(frozen=True, slots=True)
class FrameFolder:
    """The images of one folder by frame number."""

    path: Path
    names: Mapping[int, str]
    """Frame number -> file name, in rising order of the numbers."""
    skipped: tuple[str, ...] = ()
    """Files that are no numbered image, and images whose number an earlier name already has."""

    @classmethod
    def scan(cls, path: Path) -> FrameFolder:
        """Index a folder. Raises DataError where it cannot be listed; an empty one is an empty index."""
        names: dict[int, str] = {}
        skipped: list[str] = []
        try:
            entries = sorted(entry.name for entry in os.scandir(path) if not entry.is_dir())
        except OSError as error:
            raise DataError(f"{path} cannot be listed as a folder of frames ({error.strerror}); check the copy") from None
        for name in entries:
            number = frame_number(name)
            if number is None or number in names:
                skipped.append(name)
            else:
                names[number] = name
        return cls(path=path, names=dict(sorted(names.items())), skipped=tuple(skipped))

    def __len__(self) -> int:
        return len(self.names)

    def file(self, number: int) -> Path:
        """The image of a frame that exists."""
        return self.path / self.names[number]

    def nearest(self, number: int, tolerance: int) -> int | None:
        """The existing frame closest to `number`, the earlier of two; None where none lies within `tolerance` frames."""
        numbers = list(self.names)
        place = bisect.bisect_left(numbers, number)
        near = min(numbers[max(place - 1, 0) : place + 1], key=lambda n: abs(n - number), default=None)
        return near if near is not None and abs(near - number) <= tolerance else None

    def between(self, first: int, last: int) -> dict[int, Path]:
        """Frame number -> file of every existing frame from `first` to `last`, both included."""
        return {number: self.path / name for number, name in self.names.items() if first <= number <= last}


def frame_number(name: str) -> int | None:
    """The last integer of an image's stem; None for other files and for images without a number."""
    stem, suffix = os.path.splitext(name)  # noqa: PTH122 - a Path per file doubles the time of a scan
    if suffix.lower() not in IMAGE_SUFFIXES or name.startswith("."):
        return None
    integers = re.findall(r"\d+", stem)
    # A longer one is a date and time, or an accident, and no frame can be counted so far.
    return int(integers[-1]) if integers and len(integers[-1]) <= _MOST_DIGITS else None
