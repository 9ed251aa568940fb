"""`--record-video`: the frames as a video beside a table of their capture times, which a video container would round.

exact   HuffYUV: to the bit, so that the recording gives the same events again; 2.4 ms and about 0.4 MB a frame of 640 x 480,
        42 GB an hour at 30 frames a second
h264    H.264: to look at, and to analyse again with nearly the same events; a hundredth of that size, not exact
face    H.264 of the face alone: everything around it is black, and nothing is kept while there is no face

`<source>.mkv` has the frames, `<source>.csv` their index and capture time; for their owner alone. The video source reads both.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

import av
import cv2
import numpy as np

from ahmsa.errors import RunError
from ahmsa.files import new_private_file
from ahmsa.types import AlignedFace, ByteImage, Frame

VideoKind = Literal["exact", "h264", "face"]
VIDEO_KINDS: tuple[VideoKind, ...] = get_args(VideoKind)

_COLUMNS = ("index", "t_capture_ns")
_MARGIN = 0.25
"""Kept around the landmarks, as a part of the face's size: forehead and chin."""
_QUALITY = {"crf": "18", "preset": "superfast"}
_MILLISECONDS = Fraction(1, 1000)


class _Writer(Protocol):
    def write(self, frame: Frame, image: ByteImage) -> None: ...
    def close(self) -> None: ...


class VideoRecorder:
    """Writes the frames of one source. Raises RunError where the video cannot be written, or is there already: it may be the
    very one that is being watched."""

    def __init__(self, folder: Path, name: str, nominal_hz: float, kind: VideoKind = "exact") -> None:
        self.path = folder / f"{name}.mkv"
        self.kind = kind
        times = self.path.with_suffix(".csv")
        if self.path.exists() or times.exists():
            raise RunError(f"{folder} holds {self.path.name} or {times.name} already; name a new folder to record into")
        self._writer: _Writer = _Exact(self.path, nominal_hz) if kind == "exact" else _H264(self.path)
        self._times = os.fdopen(new_private_file(times), "a", newline="", encoding="utf-8")
        self._rows = csv.writer(self._times)
        self._rows.writerow(_COLUMNS)

    def write(self, frame: Frame, faces: Sequence[AlignedFace] = ()) -> None:
        """faces: those of this frame; only the kind `face` looks at them."""
        self._writer.write(frame, _faces_only(frame.image, faces) if self.kind == "face" else frame.image)
        self._rows.writerow((frame.index, frame.t_capture_ns))
        self._times.flush()

    def close(self) -> None:
        self._times.close()
        self._writer.close()


class _Exact:
    def __init__(self, path: Path, nominal_hz: float) -> None:
        self._path, self._nominal_hz = path, nominal_hz
        self._video: cv2.VideoWriter | None = None

    def write(self, frame: Frame, image: ByteImage) -> None:  # noqa: ARG002 (times are in the table)
        if self._video is None:
            _make_private(self._path)
            height, width = image.shape[:2]
            fourcc = cv2.VideoWriter.fourcc(*"HFYU")
            self._video = cv2.VideoWriter(str(self._path), cv2.CAP_FFMPEG, fourcc, self._nominal_hz, (width, height))
            if not self._video.isOpened():
                raise _not_writable(self._path)
        self._video.write(image)

    def close(self) -> None:
        if self._video is not None:
            self._video.release()


class _H264:
    """Each picture at its own time, in milliseconds after the first."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._container: Any = None
        self._stream: Any = None
        self._first_ns = 0
        self._pts = -1

    def write(self, frame: Frame, image: ByteImage) -> None:
        if self._container is None:
            self._open(image, frame.t_capture_ns)
        height, width = self._stream.height, self._stream.width
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(image[:height, :width]), format="bgr24")
        self._pts = max(self._pts + 1, round((frame.t_capture_ns - self._first_ns) / 1e6))
        picture.pts, picture.time_base = self._pts, _MILLISECONDS
        self._container.mux(self._stream.encode(picture))

    def close(self) -> None:
        if self._container is not None:
            self._container.mux(self._stream.encode())
            self._container.close()

    def _open(self, image: ByteImage, first_ns: int) -> None:
        _make_private(self._path)
        try:
            self._container = av.open(str(self._path), "w", format="matroska")
        except OSError:
            raise _not_writable(self._path) from None
        self._stream = self._container.add_stream("libx264", rate=30, options=_QUALITY)
        # The colours of two pixels are kept together: an odd last row or column is left out.
        self._stream.height, self._stream.width = (side - side % 2 for side in image.shape[:2])
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = _MILLISECONDS
        self._stream.thread_count = 1  # the other core is the recogniser's
        self._first_ns = first_ns


def _faces_only(image: ByteImage, faces: Sequence[AlignedFace]) -> ByteImage:
    """The image, black but for the faces."""
    kept = np.zeros_like(image)
    for face in faces:
        back = cv2.invertAffineTransform(face.alignment)
        points = face.landmarks_px[:, :2] @ back[:, :2].T + back[:, 2]
        if not len(points):
            continue
        low, high = points.min(axis=0), points.max(axis=0)
        margin = _MARGIN * (high - low)
        left, top = np.maximum(np.floor(low - margin), 0).astype(int)
        right, bottom = np.maximum(np.ceil(high + margin), 0).astype(int)
        kept[top:bottom, left:right] = image[top:bottom, left:right]
    return kept


def _make_private(path: Path) -> None:
    """An empty file, which the libraries write over and leave as private as it is."""
    try:
        os.close(new_private_file(path))
    except OSError:
        raise _not_writable(path) from None


def _not_writable(path: Path) -> RunError:
    return RunError(f"cannot write {path}: name a folder for --record that can be written")
