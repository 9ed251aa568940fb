"""Where frames come from: a camera, a video file, a network stream, a folder of images, or the built-in clip.

All are used the same way: `with open_source(...) as source: for frame in source`. The only module that uses VideoCapture.
"""

from __future__ import annotations

import math
import os
import platform
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, cast
from urllib.parse import urlsplit

os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # AV_LOG_QUIET: libav writes to stderr past Python

import cv2

from ahmsa.errors import SourceError, UsageError
from ahmsa.images.header import MOST_PIXELS
from ahmsa.printable import is_printable
from ahmsa.types import ByteImage, Frame
from configs.schema import SourceSettings
from streamer.acquire.grabber import Grabber
from streamer.acquire.playback import DEFAULT_HZ, Playback, folder_frames
from streamer.acquire.video_file import video_frames, video_info

cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

_RAW_WIDTH = 800
_OPEN_TIMEOUT_MS = 5000
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """What the user asked for."""

    kind: Literal["camera", "video", "url", "images", "demo"]
    where: str = ""
    """Camera number, path or address; empty for the demo."""
    alias: str = ""
    """Name to go by, where the one that it would have is taken."""

    @property
    def name(self) -> str:
        """As it stands in topics: letters, digits, - and _ only, without passwords or folders."""
        if self.alias:
            return self.alias
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
    """Frames to be iterated: all that the program needs of a source, yours or one of its own. Whoever opens it closes it."""

    name: str
    live: bool
    """Paced by a device, on the monotonic clock; else by a file, on its presentation times."""
    behind_ns: int | None
    """Monotonic clock minus capture time, from the first frame on: 0 for devices, None for a file not at its own speed."""

    def __iter__(self) -> Iterator[Frame | None]:
        """None: there is nothing new for the moment."""
        ...

    def account(self) -> tuple[int, dict[str, int], int]:
        """Captured, drops by reason and waiting, all of one moment: captured = handed out + waiting + the sum of drops."""
        ...

    @property
    def reason(self) -> str | None:
        """Why it is offline; None while it is online."""
        ...


def open_source(spec: SourceSpec, settings: SourceSettings, *, as_fast_as_possible: bool = False) -> Grabber | Playback:
    """Open what `spec` names; a camera or stream is on return known to deliver pictures. Both are contexts, which close it.

    Raises SourceError where it cannot be read, UsageError where `spec` makes no sense.
    """
    if spec.kind == "camera":
        return _open_camera(spec, settings)
    if spec.kind == "url":
        return _open_stream(spec, settings)
    if spec.kind == "video":
        nominal_hz, frames = video_frames(Path(spec.where))
    elif spec.kind == "images":
        nominal_hz, frames = settings.fps or DEFAULT_HZ, folder_frames(Path(spec.where), settings.fps)
    else:
        from ahmsa.synth import demo_clip

        clip = demo_clip()
        nominal_hz, frames = clip.fps, iter(clip)
    return Playback(spec.name, nominal_hz, frames, as_fast_as_possible=as_fast_as_possible)


def check_source(spec: SourceSpec) -> None:
    """Raise what `open_source` would raise for a wrong name, without opening a device or decoding a picture."""
    if spec.kind == "camera":
        index = _camera_number(spec)
        if platform.system() == "Linux":
            _check_linux_camera(index)
    elif spec.kind == "url":
        _check_stream_address(spec)
    elif spec.kind == "video":
        video_info(Path(spec.where))
    elif spec.kind == "images":
        folder_frames(Path(spec.where), DEFAULT_HZ)


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
        is_picture = ok and image is not None and image.ndim == 3 and 0 < image.size <= 3 * MOST_PIXELS
        return (grabbed_ns, cast(ByteImage, image)) if is_picture else None

    def close(self) -> None:
        self.capture.release()


def _camera_number(spec: SourceSpec) -> int:
    if not spec.where.isdigit():
        raise UsageError(f"camera {spec.where!r} is no number of a camera: use one that --list-cameras shows")
    return int(spec.where)


def _open_camera(spec: SourceSpec, settings: SourceSettings) -> Grabber:
    index = _camera_number(spec)
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


def _check_stream_address(spec: SourceSpec) -> None:
    if not _is_stream_address(spec.where):
        raise UsageError(f"{_shown(spec.where)} is no address of a stream: use rtsp://host/... or http://host/...")


def _open_stream(spec: SourceSpec, settings: SourceSettings) -> Grabber:
    _check_stream_address(spec)
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


def _claimed_hz(capture: cv2.VideoCapture) -> float:
    hz = capture.get(cv2.CAP_PROP_FPS)
    return hz if math.isfinite(hz) and 1 <= hz <= 1000 else DEFAULT_HZ
