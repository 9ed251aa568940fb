"""Sources that are all there from the start: they are played at their own speed, or as fast as possible, and drop nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import cast

from ahmsa.errors import DataError, SourceError
from ahmsa.images.frames import IMAGE_SUFFIXES, FrameFolder, frame_number
from ahmsa.images.read import read_image
from ahmsa.types import Frame
from ahmsa.untrusted import UnreadableError, finite, records_of, table_rows
from streamer.acquire.grabber import HEARTBEAT_S

TIMESTAMPS = "timestamps.csv"
"""Optional file in a folder of images: `file,t_ms`, one line per image."""
DEFAULT_HZ = 30.0
LONGEST_MS = 1e9
"""Eleven days: no clip is longer, and times beyond are mistakes."""
LONGEST_DAYS = int(LONGEST_MS / 86_400_000)


class Playback:
    """Frames under their own timestamps. Iterate it; None means that the next frame is not due yet.

    Slower processing makes a playback late; it never makes it lose a frame, so that live and replay see the same.
    """

    live = False
    reason: str | None = None

    def __init__(self, name: str, nominal_hz: float, frames: Iterator[Frame], *, as_fast_as_possible: bool) -> None:
        self.name = name
        self.nominal_hz = nominal_hz
        """As the file claims; real timing is in the frames' timestamps."""
        self.behind_ns: int | None = None
        self._captured = 0
        self._frames = frames
        self._as_fast_as_possible = as_fast_as_possible
        self._closed = False

    def __iter__(self) -> Iterator[Frame | None]:
        ahead_ns: int | None = None
        for frame in self._frames:
            if ahead_ns is None:
                ahead_ns = frame.t_capture_ns - time.monotonic_ns()
                self.behind_ns = None if self._as_fast_as_possible else -ahead_ns
            if not self._as_fast_as_possible:
                for left_s in _countdown(frame.t_capture_ns - ahead_ns):
                    time.sleep(min(left_s, HEARTBEAT_S))
                    if left_s > HEARTBEAT_S:
                        yield None
            if self._closed:
                return
            self._captured += 1
            yield frame

    def account(self) -> tuple[int, dict[str, int], int]:
        return self._captured, {}, 0

    def close(self) -> None:
        self._closed = True
        close = cast("Callable[[], None] | None", getattr(self._frames, "close", None))
        if close is not None:
            close()

    def __enter__(self) -> Playback:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def folder_frames(folder: Path, fps: float) -> Iterator[Frame]:
    """The numbered images of a folder, in the order of their numbers.

    Times come from `timestamps.csv` where it is there, else from the numbers and `fps` (0: 30): a missing number is a missing
    frame, and keeps its time. Raises SourceError for a missing or empty folder and for what is no image.
    """
    if not folder.is_dir():
        raise SourceError(f"there is no folder {folder}: name a folder of numbered images")
    images = FrameFolder.scan(folder)
    if not images.names:
        raise SourceError(f"{folder} holds no numbered images ({', '.join(sorted(IMAGE_SUFFIXES))}): nothing to play")
    twice = [name for name in images.skipped if frame_number(name) is not None]
    if twice:
        raise SourceError(f"{twice[0]} in {folder} has the number of another image: keep one clip in a folder")
    return _read_images(images, _timestamps(folder / TIMESTAMPS), fps or DEFAULT_HZ)


def _read_images(images: FrameFolder, times_ns: Mapping[str, int] | None, fps: float) -> Iterator[Frame]:
    first = next(iter(images.names))
    previous_ns = -1
    for number, name in images.names.items():
        try:
            image = read_image(images.file(number))
        except DataError as error:
            raise SourceError(str(error)) from None
        if times_ns is None:
            after_ns = (number - first) * 1e9 / fps
            if after_ns > LONGEST_MS * 1e6:
                raise SourceError(
                    f"at {fps:g} pictures a second {name} would lie more than {LONGEST_DAYS} days after the first image: "
                    f"check its number and source.fps, or give the times in {TIMESTAMPS}"
                )
            t_ns = round(after_ns)
        elif name in times_ns:
            t_ns = times_ns[name]
        else:
            raise SourceError(f"{images.path / TIMESTAMPS} has no line for {name}: every image needs its time")
        if t_ns <= previous_ns:
            raise SourceError(f"{images.path / TIMESTAMPS} goes back in time at {name}: times must grow with the numbers")
        previous_ns = t_ns
        yield Frame(number - first, t_ns, image)


def _timestamps(file: Path) -> dict[str, int] | None:
    if not file.exists():
        return None
    try:
        return {row["file"]: round(finite(row["t_ms"], 0, LONGEST_MS) * 1e6) for row in records_of(table_rows(file))}
    except (KeyError, UnreadableError, OSError) as error:
        raise SourceError(f"{file} is no table of image times ({error}): it needs the columns file,t_ms") from None


def _countdown(due_ns: int) -> Iterator[float]:
    """Seconds left until the moment, again and again until it is there."""
    while (left_ns := due_ns - time.monotonic_ns()) > 0:
        yield left_ns / 1e9
