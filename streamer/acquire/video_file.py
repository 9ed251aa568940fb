"""Video files by PyAV (FFmpeg): every frame under its exact presentation time, turned as the file says, from 8 or 10 bit.

Times count from the start of the file, so that they agree with what a player or an annotation program shows. The table beside
a recorded video overrules them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, cast

import av
import numpy as np
from av.stream import Disposition

from ahmsa.errors import SourceError
from ahmsa.files import read_limited
from ahmsa.images.header import MOST_PIXELS
from ahmsa.types import ByteImage, Frame
from ahmsa.untrusted import FILE_BYTES, UnreadableError, finite, rows_of, text_of, whole
from streamer.acquire.playback import DEFAULT_HZ, LONGEST_DAYS, LONGEST_MS

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

_TRUNCATED_S = 0.5
_TRUNCATED_PART = 0.02
_SIDECAR_COLUMNS = ["index", "t_capture_ns"]
_LAST_INDEX = 2**53 - 1
"""As in messages: whole numbers that every language can hold."""
_NS = 1_000_000_000
_MOST_HOURS = 1000


@dataclass(frozen=True)
class VideoInfo:
    """What a file's header says."""

    rate_hz: float
    """Average rate; real timing is in the frames' times."""
    frames: int
    """0 where it does not say."""
    duration_s: float
    """0 where it does not say."""
    codec: str


def video_info(path: Path) -> VideoInfo:
    """Read the header. Raises SourceError where there is no picture track that can be decoded."""
    container, stream = _opened(path)
    with container:
        return _info(container, stream)


def turned_deg(path: Path) -> int:
    """By how many degrees, counter-clockwise, the file has its pictures turned, as phones do; frames come turned already.

    Raises SourceError where it cannot be read.
    """
    container, stream = _opened(path)
    with container:
        first = next(_decoded(container, stream), None)
        return 0 if first is None else 90 * _quarters(first)


def video_frames(path: Path, *, threads: int = 0) -> tuple[float, Iterator[Frame]]:
    """The claimed rate and the frames of a video file. threads: of the decoder; 0: as it likes.

    Where the file has no times, or they do not grow, the claimed rate is added to the time before. Raises SourceError where it
    cannot be read, and after the last frame of a file that ends before its header says.
    """
    container, stream = _opened(path)
    if threads:
        stream.codec_context.thread_count = threads
    else:
        stream.thread_type = "AUTO"
    pictures = _decoded(container, stream)
    first = next(pictures, None)
    if first is None:
        container.close()
        raise SourceError(f"{path} cannot be read as video: no picture in it can be decoded; it is damaged or cut off")
    info = _info(container, stream)
    return info.rate_hz, _frames(path, container, info, first, pictures, _sidecar(path.with_suffix(".csv")))


def _opened(path: Path) -> tuple[InputContainer, VideoStream]:
    if not path.is_file():
        raise SourceError(f"there is no video file {path}: check the path")
    if path.stat().st_size == 0:
        raise SourceError(f"{path} is empty (0 bytes): the recording or copy failed, make it again")
    try:
        container = av.open(str(path))
    except PermissionError:
        raise SourceError(f"{path} cannot be read: no permission; change the file's rights") from None
    except (av.error.FFmpegError, OSError, ValueError):
        raise SourceError(f"{path} cannot be read as video: it is damaged, cut off, or of an unknown format") from None
    try:
        return container, _picture_track(path, container)
    except BaseException:
        container.close()
        raise


def _picture_track(path: Path, container: InputContainer) -> VideoStream:
    """The first track of moving pictures; the cover of a record is none."""
    tracks = [track for track in container.streams.video if not track.disposition & Disposition.attached_pic]
    if not tracks:
        others = {track.type for track in container.streams} - {"video"}
        found = "sound" if "audio" in others else " and ".join(sorted(others)) or "nothing"
        raise SourceError(f"{path} has no picture track, only {found} ({container.format.name}): give a video")
    if cast(object, tracks[0].codec_context) is None:
        raise SourceError(f"{path} holds pictures of a codec that this FFmpeg cannot decode: convert it, for example to H.264")
    _check_size(path, tracks[0].codec_context.width, tracks[0].codec_context.height)
    return tracks[0]


def _check_size(path: Path, width: int, height: int) -> None:
    """SourceError for pictures that would take all memory; a header or a picture of a few bytes can claim such a size."""
    if width * height > MOST_PIXELS:
        raise SourceError(f"{path} claims pictures of {width} x {height} pixels, more than any camera has; check the copy")


def _decoded(container: InputContainer, stream: VideoStream) -> Iterator[av.VideoFrame]:
    """Pictures in the order of presentation. A damaged packet costs its own pictures."""
    packets = iter(container.demux(stream))
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.error.FFmpegError):
            return
        try:
            yield from packet.decode()
        except av.error.FFmpegError:
            continue


def _frames(
    path: Path,
    container: InputContainer,
    info: VideoInfo,
    first: av.VideoFrame,
    rest: Iterator[av.VideoFrame],
    sidecar: list[tuple[int, int]] | None,
) -> Iterator[Frame]:
    period_ns = round(_NS / info.rate_hz)
    start_ns = (container.start_time or 0) * 1000  # libav's own unit is the microsecond
    picture: av.VideoFrame | None = first
    number, t_ns = 0, -1
    with container:
        while picture is not None:
            _check_size(path, picture.width, picture.height)
            shown_ns = _presentation_ns(picture)
            shown_ns = -1 if shown_ns is None else max(shown_ns - start_ns, 0)
            t_ns = shown_ns if shown_ns > t_ns else t_ns + period_ns if t_ns >= 0 else 0
            if sidecar is None:
                yield Frame(number, t_ns, _image(picture))
            elif number < len(sidecar):
                yield Frame(*sidecar[number], _image(picture))
            number += 1
            picture = next(rest, None)
    _check_length(path, info, number, t_ns + period_ns)


def _presentation_ns(picture: av.VideoFrame) -> int | None:
    base = picture.time_base
    if picture.pts is None or not base:
        return None
    shown_ns = round(picture.pts * Fraction(base.numerator, base.denominator) * _NS)
    return shown_ns if abs(shown_ns) <= LONGEST_MS * 1e6 else None  # longer than any clip: damage


def _image(picture: av.VideoFrame) -> ByteImage:
    """(h, w, 3) BGR, upright."""
    image = picture.to_ndarray(format="bgr24")
    quarters = _quarters(picture)
    return cast(ByteImage, np.ascontiguousarray(np.rot90(image, quarters)) if quarters else image)


def _quarters(picture: av.VideoFrame) -> int:
    """Quarter turns, counter-clockwise, that bring it upright."""
    return round(picture.rotation / 90) % 4


def _check_length(path: Path, info: VideoInfo, frames: int, end_ns: int) -> None:
    promised = info.frames or round(info.duration_s * info.rate_hz)
    missing_s = (promised - frames) / info.rate_hz
    # A cut off AVI is said to be as long as what is left of it, but to have all its frames.
    late_s = max(info.duration_s, promised / info.rate_hz) - end_ns / _NS
    if min(missing_s, late_s) > max(_TRUNCATED_S, _TRUNCATED_PART * promised / info.rate_hz):
        raise SourceError(f"{path} ends after {frames} of {promised} frames: it is cut off; what was found up to there is kept")


def _info(container: InputContainer, stream: VideoStream) -> VideoInfo:
    rate = stream.average_rate or stream.guessed_rate
    hz = float(rate) if rate else DEFAULT_HZ
    hz = hz if math.isfinite(hz) and 1 <= hz <= 1000 else DEFAULT_HZ
    return VideoInfo(hz, stream.frames, _duration_s(container, stream), stream.codec_context.name)


def _duration_s(container: InputContainer, stream: VideoStream) -> float:
    """Of the picture track: another track may be longer."""
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    tag = stream.metadata.get("DURATION", "")  # Matroska
    try:
        hours, minutes, seconds = tag.split(":")
        return whole(hours, 0, _MOST_HOURS) * 3600 + whole(minutes, 0, 59) * 60 + finite(seconds, 0, 60)
    except ValueError:  # UnreadableError is one
        pass
    if container.duration is not None and len(container.streams) == 1:
        return container.duration / 1_000_000
    return 0.0


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
    if any(after[1] - before[1] > LONGEST_MS * 1e6 for before, after in pairwise(times)):
        raise SourceError(f"{file} is damaged: t_capture_ns jumps by more than {LONGEST_DAYS} days")
    return times
