"""A recording that can be gone through again and again: a file opened anew, or a camera's frames kept in memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol, cast

import cv2
import numpy as np

from ahmsa.errors import SourceError
from ahmsa.types import ByteImage, Frame
from configs.schema import SourceSettings
from streamer.acquire.sources import Source, SourceSpec, open_source

_QUALITY = 97
"""Of the JPEG pictures in memory: a minute of 640x480 then takes about 0.2 GiB instead of 1.6."""


class Recording(Protocol):
    """Frames with a name; every pass gives the same ones."""

    @property
    def name(self) -> str: ...

    def frames(self) -> Iterator[Frame]: ...


@dataclass(slots=True)
class FileRecording:
    """A video, a folder of images or the built-in clip, opened anew for every pass."""

    spec: SourceSpec
    settings: SourceSettings
    seconds: float
    """Only so much of it is used."""
    cut_off: str | None = None
    """What is wrong with the file's end, once a pass has met it."""

    @property
    def name(self) -> str:
        return self.spec.name

    def frames(self) -> Iterator[Frame]:
        with open_source(self.spec, self.settings, as_fast_as_possible=True) as source:
            first_ns = None
            try:
                for frame in source:
                    if frame is None:
                        continue
                    first_ns = frame.t_capture_ns if first_ns is None else first_ns
                    if frame.t_capture_ns - first_ns > self.seconds * 1e9:
                        return
                    yield frame
            except SourceError as error:
                if first_ns is None:
                    raise
                self.cut_off = str(error)


@dataclass(slots=True)
class MemoryRecording:
    """What a camera saw, as JPEG pictures in memory; nothing of it is written anywhere."""

    name: str
    _stored: list[tuple[int, int, bytes]] = field(default_factory=list)

    def add(self, frame: Frame) -> None:
        done, coded = cv2.imencode(".jpg", frame.image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        if not done:
            raise SourceError(f"a picture of {self.name} cannot be kept: it has no size or an unknown format")
        self._stored.append((frame.index, frame.t_capture_ns, coded.tobytes()))

    def frames(self) -> Iterator[Frame]:
        for index, t_ns, coded in self._stored:
            image = cv2.imdecode(np.frombuffer(coded, np.uint8), cv2.IMREAD_COLOR)
            yield Frame(index, t_ns, cast(ByteImage, image))


def record_source(
    source: Source, seconds: float, progress: Callable[[float], None], *, patience_s: float = 10.0
) -> MemoryRecording:
    """So many seconds of an open camera or stream, in memory. progress: called with the seconds that are there.
    patience_s: a source that delivers nothing for so long has fallen silent.

    Raises SourceError where it falls silent.
    """
    kept = MemoryRecording(source.name)
    first_ns, heard_s = None, time.monotonic()
    for frame in source:
        if frame is None:
            if time.monotonic() - heard_s > patience_s:
                raise SourceError(f"{source.name} fell silent ({source.reason or 'no new picture'}): replug it and start again")
            continue
        heard_s = time.monotonic()
        first_ns = frame.t_capture_ns if first_ns is None else first_ns
        kept.add(frame)
        progress((frame.t_capture_ns - first_ns) / 1e9)
        if frame.t_capture_ns - first_ns >= seconds * 1e9:
            break
    return kept
