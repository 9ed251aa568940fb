"""Where frames come from: a camera, a video file, a network stream, a folder of images, or the built-in clip.

All are used the same way: `with open_source(...) as source: for frame in source`. The only place that knows VideoCapture.
"""

from __future__ import annotations

import math
import os
import platform
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol, cast
from urllib.parse import urlsplit

os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # AV_LOG_QUIET: libav writes to stderr past Python

import cv2

from ahmsa.errors import SourceError, UsageError
from ahmsa.files import read_limited
from ahmsa.printable import is_printable
from ahmsa.types import ByteImage, Frame
from ahmsa.untrusted import FILE_BYTES, UnreadableError, rows_of, text_of, whole
from configs.schema import SourceSettings
from streamer.grabber import Grabber
from streamer.playback import DEFAULT_HZ, LONGEST_MS, Playback, folder_frames

cv2.setLogLevel(0)

_RAW_WIDTH = 800
_OPEN_TIMEOUT_MS = 5000
_TRUNCATED_S = 0.5
_TRUNCATED_PART = 0.02
_SIDECAR_COLUMNS = ["index", "t_capture_ns"]
_LONGEST_NAME = 100
_LAST_INDEX = 2**53 - 1
"""As in messages: whole numbers that every language can hold."""


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """What the user asked for."""

    kind: Literal["camera", "video", "url", "images", "demo"]
    where: str = ""
    """Camera number, path or address; empty for the demo."""

    @property
    def name(self) -> str:
        """As it stands in topics: letters, digits, - and _ only, without passwords or folders."""
        if self.kind == "url":
            stem = _host(self.where)
        else:
            stem = Path(self.where).stem if self.kind == "video" else Path(self.where).name
        return (
            re.sub(r"[^A-Za-z0-9_-]+", "-", f"{self.kind}{stem}" if self.kind == "camera" else stem).strip("-")[:_LONGEST_NAME]
            or self.kind
        )


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


@dataclass(frozen=True, slots=True)
class CameraInfo:
    index: int
    name: str


class Source(Protocol):
    """Frames to be iterated. At any moment captured = handed out + waiting + the sum of drops."""

    name: str
    nominal_hz: float
    """Frame rate that the device or file claims; real timing is in the frames' timestamps."""
    live: bool
    """Paced by a device, on the monotonic clock; else by a file, on its presentation times."""
    behind_ns: int | None
    """Monotonic clock minus capture time, from the first frame on: 0 for devices, None for a file not at its own speed."""

    def __iter__(self) -> Iterator[Frame | None]: ...

    def __enter__(self) -> Source: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None: ...

    def account(self) -> tuple[int, dict[str, int], int]:
        """Captured, drops by reason and waiting, all of one moment."""
        ...

    @property
    def state(self) -> Literal["online", "offline"]: ...

    @property
    def reason(self) -> str | None: ...

    def close(self) -> None: ...


def open_source(spec: SourceSpec, settings: SourceSettings, *, as_fast_as_possible: bool = False) -> Source:
    """Open what `spec` names; a camera or stream is on return known to deliver pictures.

    Raises SourceError where it cannot be read, UsageError where `spec` makes no sense.
    """
    if spec.kind == "camera":
        return _open_camera(spec, settings)
    if spec.kind == "url":
        return _open_stream(spec, settings)
    if spec.kind == "video":
        nominal_hz, frames = _open_video(Path(spec.where))
    elif spec.kind == "images":
        nominal_hz, frames = settings.fps or DEFAULT_HZ, folder_frames(Path(spec.where), settings.fps)
    else:
        from ahmsa.synth import demo_clip

        clip = demo_clip()
        nominal_hz, frames = clip.fps, iter(clip)
    return Playback(spec.name, nominal_hz, frames, as_fast_as_possible=as_fast_as_possible)


def list_cameras() -> list[CameraInfo]:
    """Cameras that can be asked for by `--camera`."""
    if platform.system() == "Linux":
        return _linux_cameras()
    found = []
    for index in range(5):
        capture = cv2.VideoCapture(index)
        if capture.isOpened():
            found.append(CameraInfo(index, f"camera {index}"))
        capture.release()
    return found


class _Capture:
    """A VideoCapture as a grabber's device."""

    def __init__(self, capture: cv2.VideoCapture) -> None:
        self.capture = capture

    def read(self) -> tuple[int, ByteImage] | None:
        try:
            if not self.capture.grab():
                return None
            grabbed_ns = time.monotonic_ns()
            ok, image = self.capture.retrieve()
        except cv2.error:  # a driver's last word
            return None
        # OpenCV says that all is well and gives no picture, where a network camera stops in the middle of one.
        is_picture = ok and image is not None and image.ndim == 3 and image.size > 0
        return (grabbed_ns, cast(ByteImage, image)) if is_picture else None

    def close(self) -> None:
        self.capture.release()


def _open_camera(spec: SourceSpec, settings: SourceSettings) -> Grabber:
    if not spec.where.isdigit():
        raise UsageError(f"camera {spec.where!r} is no number of a camera: use one that --list-cameras shows")
    index = int(spec.where)
    device = _camera_device(index, settings)
    return Grabber(
        spec.name, _claimed_hz(device.capture), device, reopen=lambda: _camera_device(index, settings), settings=settings
    )


def _camera_device(index: int, settings: SourceSettings) -> _Capture:
    if platform.system() == "Linux":
        _check_linux_camera(index)
        os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", str(math.ceil(settings.stall_s)))
    capture = cv2.VideoCapture(index)
    if settings.fps > DEFAULT_HZ or settings.width > _RAW_WIDTH:
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))  # raw pictures would fill a USB 2 line
    capture.set(cv2.CAP_PROP_FRAME_WIDTH, settings.width)
    capture.set(cv2.CAP_PROP_FRAME_HEIGHT, settings.height)
    if settings.fps:
        capture.set(cv2.CAP_PROP_FPS, settings.fps)
    device = _Capture(capture)
    if not capture.isOpened() or device.read() is None:
        device.close()
        allow = ", or allow this terminal to use it (Settings > Privacy > Camera)" if platform.system() == "Darwin" else ""
        raise SourceError(f"camera {index} delivers no picture: close other programs that use it, replug it{allow}")
    return device


def _check_linux_camera(index: int) -> None:
    path = Path(f"/dev/video{index}")
    if not path.exists():
        others = ", ".join(str(camera.index) for camera in list_cameras()) or "none"
        raise SourceError(f"there is no camera {index} (cameras found: {others}): plug it in, or use --video or --demo")
    if not os.access(path, os.R_OK | os.W_OK):
        raise SourceError(f"no permission to use {path}: add your user to the group that owns it (often `video`)")


def _linux_cameras() -> list[CameraInfo]:
    found = []
    for folder in Path("/sys/class/video4linux").glob("video*"):
        is_picture = _text(folder / "index") in ("0", "")  # further indices of one device carry metadata
        if is_picture and Path("/dev", folder.name).exists():
            found.append(CameraInfo(int(folder.name.removeprefix("video")), _text(folder / "name") or folder.name))
    return sorted(found, key=lambda camera: camera.index)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _open_stream(spec: SourceSpec, settings: SourceSettings) -> Grabber:
    if not _is_stream_address(spec.where):
        raise UsageError(f"{_shown(spec.where)} is no address of a stream: use rtsp://host/... or http://host/...")
    device = _stream_device(spec.where, settings)
    return Grabber(
        spec.name, _claimed_hz(device.capture), device, reopen=lambda: _stream_device(spec.where, settings), settings=settings
    )


def _stream_device(url: str, settings: SourceSettings) -> _Capture:
    timeouts = [
        *(cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, _OPEN_TIMEOUT_MS),
        *(cv2.CAP_PROP_READ_TIMEOUT_MSEC, math.ceil(settings.stall_s * 1000)),
    ]
    device = _Capture(cv2.VideoCapture(url, cv2.CAP_FFMPEG, timeouts))
    if not device.capture.isOpened() or device.read() is None:
        device.close()
        raise SourceError(f"no video comes from {_shown(url)}: check the address, and that the camera is switched on")
    return device


def _is_stream_address(url: str) -> bool:
    try:
        address = urlsplit(url)
        address.port  # noqa: B018 (it is read here, and may be none)
    except ValueError:
        return False
    return address.scheme in ("rtsp", "rtsps", "http", "https") and bool(address.hostname) and is_printable(url)


def _shown(url: str) -> str:
    """The address without its password."""
    return re.sub(r"//[^/@]*@", "//", url)


def _open_video(path: Path) -> tuple[float, Iterator[Frame]]:
    if not path.is_file():
        raise SourceError(f"there is no video file {path}: check the path")
    if path.stat().st_size == 0:
        raise SourceError(f"{path} is empty (0 bytes): the recording or copy failed, make it again")
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    ok, first = capture.read() if capture.isOpened() else (False, None)
    if not ok or first is None:
        capture.release()
        raise SourceError(f"{path} cannot be read as video: it is damaged, cut off, or of an unknown format")
    times = _sidecar(path.with_suffix(".csv"))
    return _claimed_hz(capture), _video_frames(capture, cast(ByteImage, first), path, times)


def _video_frames(
    capture: cv2.VideoCapture, first: ByteImage, path: Path, sidecar: list[tuple[int, int]] | None
) -> Iterator[Frame]:
    """Frames under their presentation times. Where the container has none, or they do not grow, the claimed rate is added to
    the time before. A recording's sidecar table overrules both. Raises SourceError after the last frame of a file that ends
    before its header says."""
    period_ns = round(1e9 / _claimed_hz(capture))
    promised = capture.get(cv2.CAP_PROP_FRAME_COUNT)
    image, number, t_ns = first, 0, -1
    try:
        while True:
            shown_ns = _nanoseconds(capture.get(cv2.CAP_PROP_POS_MSEC))
            t_ns = shown_ns if shown_ns > t_ns else t_ns + period_ns
            if sidecar is None:
                yield Frame(number, t_ns, image)
            elif number < len(sidecar):
                yield Frame(*sidecar[number], image)
            number += 1
            ok, decoded = capture.read()
            if not ok or decoded is None:
                break
            image = cast(ByteImage, decoded)
    finally:
        capture.release()
    missing_s = (promised - number) * period_ns / 1e9
    late_s = promised * period_ns / 1e9 - (t_ns + period_ns) / 1e9
    if min(missing_s, late_s) > max(_TRUNCATED_S, _TRUNCATED_PART * promised * period_ns / 1e9):
        raise SourceError(
            f"{path} ends after {number} of {promised:.0f} frames: it is cut off; what was found up to there is kept"
        )


def _nanoseconds(shown_ms: float) -> int:
    """A container's time; -1 where it has none that can be."""
    return round(shown_ms * 1e6) if math.isfinite(shown_ms) and 0 <= shown_ms <= LONGEST_MS else -1


def _sidecar(file: Path) -> list[tuple[int, int]] | None:
    """Index and capture time of every frame of a recorded video; None where the table is missing or is about something else."""
    try:
        text = text_of(read_limited(file, FILE_BYTES))
        columns, *rows = rows_of(text[: text.rfind("\n") + 1]) or [[]]  # the last line may have been cut off by a crash
    except (OSError, UnreadableError):
        return None
    if columns != _SIDECAR_COLUMNS:
        return None
    try:
        times = [(whole(index, 0, _LAST_INDEX), whole(t_ns)) for index, t_ns in rows]
    except ValueError as error:
        raise SourceError(f"{file} is damaged ({error}): its lines must be two whole numbers, index,t_capture_ns") from None
    if any(after[0] <= before[0] or after[1] <= before[1] for before, after in pairwise(times)):
        raise SourceError(f"{file} is damaged: index and t_capture_ns must grow from line to line")
    return times


def _claimed_hz(capture: cv2.VideoCapture) -> float:
    hz = capture.get(cv2.CAP_PROP_FPS)
    return hz if math.isfinite(hz) and 1 <= hz <= 1000 else DEFAULT_HZ
