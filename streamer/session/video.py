"""`--record-video`: the frames as they were taken, without loss, so that the recording gives the same events again.

`<source>.mkv` (HuffYUV: bit-exact, 2.4 ms a frame) and `<source>.csv` with the index and capture time of every frame, which a
video container would round. The video source reads both.
"""

from __future__ import annotations

import contextlib
import csv
import errno
import os
import shutil
from pathlib import Path

import cv2

from ahmsa.errors import RunError
from ahmsa.files import new_private_file
from ahmsa.types import Frame

_COLUMNS = ("index", "t_capture_ns")
_LOOK_EVERY = 30
_LEAST_FREE_BYTES = 8 << 20
"""Less than a second of video."""


class VideoRecorder:
    """Writes the frames of one source. Raises RunError where the video cannot be written, or is there already: it may be the
    very one that is being watched."""

    def __init__(self, folder: Path, name: str, nominal_hz: float) -> None:
        self.path = folder / f"{name}.mkv"
        self._nominal_hz = nominal_hz
        self._written = 0
        self._video: cv2.VideoWriter | None = None
        times = self.path.with_suffix(".csv")
        if self.path.exists() or times.exists():
            raise RunError(f"{folder} holds {self.path.name} or {times.name} already; name a new folder to record into")
        try:
            for path in (self.path, times):
                os.close(new_private_file(path))
            self._times = times.open("a", newline="", encoding="utf-8")
        except OSError as error:
            raise self._failed(error) from None
        self._rows = csv.writer(self._times)
        self._rows.writerow(_COLUMNS)

    def write(self, frame: Frame) -> None:
        if self._video is None:
            height, width = frame.image.shape[:2]
            fourcc = cv2.VideoWriter.fourcc(*"HFYU")
            self._video = cv2.VideoWriter(str(self.path), cv2.CAP_FFMPEG, fourcc, self._nominal_hz, (width, height))
            if not self._video.isOpened():
                raise RunError(f"cannot write {self.path}: name a folder for --record that can be written")
        try:
            if self._written % _LOOK_EVERY == 0 and shutil.disk_usage(self.path.parent).free < _LEAST_FREE_BYTES:
                raise OSError(errno.ENOSPC, "no space left on device")  # the video writer would lose frames in silence
            self._video.write(frame.image)
            self._rows.writerow((frame.index, frame.t_capture_ns))
            self._times.flush()
        except OSError as error:
            raise self._failed(error) from None
        self._written += 1

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._times.close()
        if self._video is not None:
            self._video.release()

    def _failed(self, error: OSError) -> RunError:
        return RunError(
            f"cannot record into {self.path.parent}: {(error.strerror or str(error)).lower()}; what was written is kept"
        )
