"""What a movement looked like: onset, apex and flow of each, and the whole video with face, signal and movements drawn in.

The video is gone through once with the session's own settings: faces get the same numbers as in the session, and keep their
alignment while one of their movements lasts, as they did there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import msgspec
import numpy as np

from ahmsa.errors import SourceError
from ahmsa.face.crop import aligned_like
from ahmsa.face.tracker import FaceTracker
from ahmsa.files import whole_file
from ahmsa.flow.maker import FlowMaker
from ahmsa.flow.pictures import movement_sheet
from ahmsa.flow.strain import strain_magnitude
from ahmsa.settings import FaceSettings, FlowSettings
from ahmsa.types import HALVES, AlignedFace, ByteImage, Frame
from streamer.acquire.video_file import video_frames
from streamer.session.export.tiers import claim_of
from streamer.session.report.page import EventPicture, Pictures
from streamer.session.session import Face, Session, SessionEvent
from streamer.session.signal import half_of

_SHOWN_S = 1.0
"""A movement's label and a marker stay so long."""
_BLUE, _GREEN, _RED, _WHITE, _BLACK = (178, 114, 0), (115, 158, 0), (0, 94, 213), (255, 255, 255), (0, 0, 0)


@dataclass
class _Pair:
    event: SessionEvent
    onset: AlignedFace | None = None
    apex: AlignedFace | None = None


@dataclass
class _Film:
    """Writes the pictures with everything drawn in, each at its own time."""

    path: Path
    container: Any = None
    stream: Any = None
    first_ns: int = 0
    pts: int = field(default=-1)

    def write(self, frame: Frame, image: ByteImage) -> None:
        height, width = (side - side % 2 for side in image.shape[:2])
        if self.container is None:
            self.container = av.open(str(self.path), "w", format="mp4")
            self.stream = self.container.add_stream("libx264", rate=30, options={"crf": "23", "preset": "veryfast"})
            self.stream.width, self.stream.height, self.stream.pix_fmt = width, height, "yuv420p"
            self.stream.codec_context.time_base = Fraction(1, 1000)
            self.first_ns = frame.t_capture_ns
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(image[:height, :width]), format="bgr24")
        self.pts = max(self.pts + 1, round((frame.t_capture_ns - self.first_ns) / 1e6))
        picture.pts, picture.time_base = self.pts, Fraction(1, 1000)
        self.container.mux(self.stream.encode(picture))

    def close(self) -> None:
        if self.container is not None:
            self.container.mux(self.stream.encode())
            self.container.close()


def pictures_of(session: Session, source: str, video: Path, overlay: Path) -> Pictures:
    """Go through the video of a source. Raises SourceError where it cannot be read (one that is cut off is shown as far as it
    goes), RunError where `overlay` cannot be written."""
    events = [event for event in session.events if event.message.source == source]
    pairs = [_Pair(event) for event in events if event.state == "confirmed"]
    settings = msgspec.convert(session.record.settings.get("face", {}), FaceSettings)
    with whole_file(overlay, private=True) as part, FaceTracker(settings) as tracker:
        film = _Film(part)
        try:
            for frame in video_frames(video)[1]:
                faces = tracker.update(frame)
                _note(pairs, frame, faces)
                film.write(frame, _drawn(session, source, events, frame, faces))
        except SourceError:
            if film.container is None:
                raise
        finally:
            film.close()
    flow = FlowMaker(FlowSettings())
    return Pictures([picture for pair in pairs if (picture := _sheet(pair, flow)) is not None], [overlay.name])


def _end_ns(event: SessionEvent) -> int:
    message = event.message
    return message.offset_t_ns if message.offset_t_ns is not None else message.apex.t_ns


def _note(pairs: Sequence[_Pair], frame: Frame, faces: Sequence[AlignedFace]) -> None:
    for pair in pairs:
        message = pair.event.message
        mine = next((face for face in faces if face.face_id == message.face_id), None)
        if mine is not None and frame.index == message.onset.index:
            pair.onset = mine
        if mine is not None and frame.index == message.apex.index:
            pair.apex = mine


def _sheet(pair: _Pair, maker: FlowMaker) -> EventPicture | None:
    if pair.onset is None or pair.apex is None:
        return None
    onset = aligned_like(pair.onset, pair.apex)
    [flow] = maker.flow(onset.pixels[None], pair.apex.pixels[None])
    sheet = movement_sheet(onset.pixels, pair.apex.pixels, flow, strain_magnitude(flow), zoom=2)
    message = pair.event.message
    done, data = cv2.imencode(".png", sheet)
    assert done
    claim = claim_of(pair.event)
    about = f"Movement {message.event_id}: {claim}. Onset, apex, and the flow between them, the head's motion in it"
    return EventPicture(message.event_id, about, data.tobytes())


def _drawn(
    session: Session, source: str, events: Sequence[SessionEvent], frame: Frame, faces: Sequence[AlignedFace]
) -> ByteImage:
    image = frame.image.copy()
    now_ns = frame.t_capture_ns
    for face in faces:
        left, top, right, bottom = _box(face, image.shape[:2])
        cv2.rectangle(image, (left, top), (right, bottom), _BLUE, 2)
        lines = [f"face {face.face_id}", *_signal_lines(session, (source, face.face_id), now_ns)]
        for event in events:
            message = event.message
            if message.face_id == face.face_id and message.onset.t_ns <= now_ns <= _end_ns(event) + _SHOWN_S * 1e9:
                confirmed = event.state == "confirmed"
                text = claim_of(event) if confirmed else f"rejected: {event.reason}"
                _text(image, text, (left, top - 8), _GREEN if confirmed else _RED)
        for number, line in enumerate(lines):
            _text(image, line, (left, bottom + 18 * (number + 1)), _WHITE)
    now_s = session.session_s(source, now_ns)
    for marker in session.markers:
        if marker.session_s is not None and 0 <= now_s - marker.session_s <= _SHOWN_S:
            _text(image, f"marker: {marker.words}", (8, image.shape[0] - 10), _WHITE)
    _text(image, f"{now_s:.2f} s", (8, 20), _WHITE)
    return image


def _box(face: AlignedFace, size: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the face in the image."""
    back = cv2.invertAffineTransform(face.alignment)
    points = face.landmarks_px[:, :2] @ back[:, :2].T + back[:, 2]
    low, high = points.min(axis=0), points.max(axis=0)
    left, top = (int(value) for value in np.clip(low, 0, (size[1] - 1, size[0] - 1)))
    right, bottom = (int(value) for value in np.clip(high, 0, (size[1] - 1, size[0] - 1)))
    return left, top, right, bottom


def _signal_lines(session: Session, face: Face, now_ns: int) -> list[str]:
    signal = session.signals.get(face)
    at = None if signal is None else signal.nearest(now_ns)
    if signal is None or at is None:
        return []
    lines = []
    for half in HALVES:
        columns = [column for column, region in enumerate(signal.regions) if half_of(region) == half]
        if columns and np.isfinite(signal.displacement_px[at, columns]).any():
            moved = float(np.nanmax(signal.displacement_px[at, columns]))
            limit = float(np.nanmin(signal.threshold_px[at, columns]))
            lines.append(f"{half} {moved:.2f} of {limit:.2f} px")
    lines += [f"{half} not watched: {signal.half_gates[half][at]}" for half in HALVES if signal.half_gates[half][at]]
    return lines


def _text(image: ByteImage, text: str, place: tuple[int, int], colour: tuple[int, int, int]) -> None:
    """With a dark rim, so that it can be read on any picture. OpenCV writes ASCII only."""
    plain = text.encode("ascii", "replace").decode()
    # The rim is the text itself, shifted: thicker letters would be wider, and lie beside those that they should frame.
    rim = [(dx, dy, _BLACK) for dx in (-1, 0, 1) for dy in (-1, 0, 1) if dx or dy]
    for dx, dy, shade in (*rim, (0, 0, colour)):
        cv2.putText(image, plain, (place[0] + dx, place[1] + dy), cv2.FONT_HERSHEY_SIMPLEX, 0.5, shade, 1, cv2.LINE_AA)
