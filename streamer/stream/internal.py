"""The candidate edge: how two face crops travel to a recogniser in another process or on another machine.

One candidate is a JSON header, and two frames for each of its two to eight faces (onset, apex, before, after, between): the raw
bytes of the crop (uint8) and of the landmarks (little-endian float32 x, y, and depth where it is known). Nothing is pickled;
every size and range is checked before an array is made.

`parts_of` and `candidate_of` are inverse to each other: the recogniser in the next process sees what one in this process
would have seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta, Struct

from ahmsa.errors import StreamError
from ahmsa.face.geometry import MESH_LANDMARKS
from ahmsa.flow.sequence import INSTANTS
from ahmsa.types import AlignedFace, ByteImage, Candidate, FaceQuality, FloatArray, Gate, Kind, Phase
from ahmsa.untrusted import JsonDecoder, UnreadableError

MESSAGE, CANDIDATE, ENDED = b"message", b"candidate", b"ended"
"""What the capture process sends to the hub: a message to publish, a candidate, the end of the source."""

HELLO, RETRACT = b"hello", b"retract"
"""What the hub sends to a worker beside candidates: its heartbeat, and that an answer is no longer wanted."""

CAPTURE_HWM = 256
FACE_PARTS = 2
"""Frames that each face of a candidate takes: crop and landmarks."""
_HEADER_BYTES = 1 << 16
_FARTHEST_SIDES = 16
"""A landmark far outside the crop is possible (a face at the image's border), at many times its side it is damage."""

Token = Annotated[str, Meta(min_length=1, max_length=200)]
Text = Annotated[str, Meta(max_length=200)]
Index = Annotated[int, Meta(ge=0, lt=2**53)]
Nanoseconds = Annotated[int, Meta(ge=-(2**62), lt=2**62)]
Coefficient = Annotated[float, Meta(ge=-1e6, le=1e6)]
Score = Annotated[float, Meta(ge=0, le=1e9)]
Pixels = Annotated[float, Meta(ge=0, le=1e4)]
Milliseconds = Annotated[float, Meta(ge=0, le=1e9)]
CropSide = Annotated[int, Meta(ge=64, le=512)]


class Stamps(Struct, frozen=True, kw_only=True):
    """Monotonic clock of the capturing machine, for the latencies of an event."""

    apex_grabbed_ns: Nanoseconds = 0
    """When the apex frame arrived."""
    spotted_ns: Nanoseconds = 0
    """When the spotter decided on this phase."""


class FaceHeader(Struct, frozen=True, kw_only=True):
    index: Index
    t_capture_ns: Nanoseconds
    alignment: tuple[Coefficient, Coefficient, Coefficient, Coefficient, Coefficient, Coefficient]
    quality: FaceQuality
    anchor: Index


class CandidateHeader(Struct, frozen=True, kw_only=True, tag_field="schema", tag="ahmsa.candidate/3"):
    """Everything about a candidate but its pixels and landmarks."""

    event_id: Token
    face_id: Index
    phase: Phase
    kind: Kind = "micro"
    crop_px: CropSide
    onset: FaceHeader
    apex: FaceHeader
    before: FaceHeader | None = None
    after: FaceHeader | None = None
    between: Annotated[tuple[FaceHeader, ...], Meta(max_length=INSTANTS)] = ()
    score: Score
    offset_t_ns: Nanoseconds | None = None
    apex_t_ns: Nanoseconds | None = None
    reason: Gate | None = None
    stamps: Stamps = Stamps()


class Answer(Struct, frozen=True, kw_only=True, tag_field="schema", tag="ahmsa.answer/2"):
    """What a recogniser sends back: the answer for one onset and apex of one event, without any picture."""

    event_id: Token
    onset_index: Index
    apex_index: Index
    before_index: Index | None = None
    after_index: Index | None = None
    label: Text | None
    probabilities: dict[Text, Annotated[float, Meta(ge=0, le=1)]]
    confidence: Annotated[float, Meta(ge=0, le=1)]
    calibrated: bool
    abstained: Text | None
    amplitude_px: Pixels
    model: Token
    recognise_ms: Milliseconds
    """Flow and network, on the recogniser's own clock."""


class WorkerReady(Struct, frozen=True, kw_only=True, tag_field="schema", tag="ahmsa.ready/1"):
    """A recogniser's reply to `hello`."""

    instance: Token
    """Drawn anew at every start: a changed one has forgotten every question."""
    model: Token
    device: Token
    crop_px: CropSide


class Refusal(Struct, frozen=True, kw_only=True, tag_field="schema", tag="ahmsa.refusal/1"):
    """Why a question gets no answer, in one sentence."""

    event_id: Token | None
    sentence: Annotated[str, Meta(max_length=1000)]


_encoder = msgspec.json.Encoder()
_decoder: JsonDecoder[CandidateHeader] = JsonDecoder(CandidateHeader, limit_bytes=_HEADER_BYTES)
_reply_decoder: JsonDecoder[Answer | WorkerReady | Refusal] = JsonDecoder(
    Answer | WorkerReady | Refusal, limit_bytes=_HEADER_BYTES
)


def parts_of(candidate: Candidate, stamps: Stamps | None = None) -> list[bytes]:
    """The frames of a candidate: its header, and two for each of its faces."""
    header = CandidateHeader(
        event_id=candidate.event_id,
        face_id=candidate.face_id,
        phase=candidate.phase,
        kind=candidate.kind,
        crop_px=candidate.onset.pixels.shape[0],
        onset=_face_header(candidate.onset),
        apex=_face_header(candidate.apex),
        before=None if candidate.before is None else _face_header(candidate.before),
        after=None if candidate.after is None else _face_header(candidate.after),
        between=tuple(_face_header(face) for face in candidate.between),
        score=float(candidate.score),
        offset_t_ns=candidate.offset_t_ns,
        apex_t_ns=candidate.apex_t_ns,
        reason=candidate.reason,
        stamps=stamps or Stamps(),
    )
    faces = [part for face in candidate.pair.faces for part in (face.pixels.tobytes(), _landmark_bytes(face))]
    return [_encoder.encode(header), *faces]


def candidate_of(parts: Sequence[bytes]) -> tuple[Candidate, Stamps]:
    """The candidate in its frames. Raises StreamError where header, number, size or range is wrong."""
    try:
        header = _decoder.decode(parts[0] if parts else b"")
    except UnreadableError as error:
        raise StreamError(f"a candidate's header does not fit its schema: {error}; use one version on both sides") from None
    named = [("onset", header.onset), ("apex", header.apex), ("before", header.before), ("after", header.after)]
    seen = [(name, face) for name, face in named if face is not None] + [("between", face) for face in header.between]
    if len(parts) != 1 + FACE_PARTS * len(seen):
        raise StreamError(
            f"a candidate of {len(seen)} faces has {1 + FACE_PARTS * len(seen)} frames, this message has {len(parts)}; "
            "use one version on both sides"
        )
    pairs = zip(parts[1::FACE_PARTS], parts[2::FACE_PARTS], strict=True)
    read = [(name, _face(header, face, *pair)) for (name, face), pair in zip(seen, pairs, strict=True)]
    faces = dict(read)
    candidate = Candidate(
        event_id=header.event_id,
        face_id=header.face_id,
        phase=header.phase,
        kind=header.kind,
        onset=faces["onset"],
        apex=faces["apex"],
        before=faces.get("before"),
        after=faces.get("after"),
        between=tuple(face for name, face in read if name == "between"),
        score=header.score,
        offset_t_ns=header.offset_t_ns,
        apex_t_ns=header.apex_t_ns,
        reason=header.reason,
    )
    return candidate, header.stamps


def reply_of(payload: bytes) -> Answer | WorkerReady | Refusal:
    """A recogniser's reply. Raises StreamError where it does not fit its schema."""
    try:
        return _reply_decoder.decode(payload)
    except UnreadableError as error:
        raise StreamError(f"a recogniser's reply does not fit its schema: {error}; use one version on both sides") from None


def encode_reply(reply: Answer | WorkerReady | Refusal) -> bytes:
    return _encoder.encode(reply)


def _face_header(face: AlignedFace) -> FaceHeader:
    a, b, c, d, e, f = (float(value) for value in np.asarray(face.alignment, dtype=np.float64).ravel())
    return FaceHeader(
        index=face.index,
        t_capture_ns=face.t_capture_ns,
        alignment=(a, b, c, d, e, f),
        quality=_plain(face.quality),
        anchor=face.anchor,
    )


def _landmark_bytes(face: AlignedFace) -> bytes:
    """x, y of each landmark, and its depth where there is one."""
    columns = [face.landmarks_px, face.depth_px[:, None]] if len(face.depth_px) else [face.landmarks_px]
    return np.ascontiguousarray(np.concatenate(columns, axis=1), dtype="<f4").tobytes()


def _plain(quality: FaceQuality) -> FaceQuality:
    """The same quality in Python's own floats: numpy's do not encode."""
    return FaceQuality(
        float(quality.interocular_px), float(quality.yaw_deg), float(quality.luma), float(quality.sharpness), quality.problem
    )


def _face(header: CandidateHeader, face: FaceHeader, pixels: bytes, landmarks: bytes) -> AlignedFace:
    points = _landmarks(header, landmarks)
    return AlignedFace(
        index=face.index,
        t_capture_ns=face.t_capture_ns,
        face_id=header.face_id,
        pixels=_pixels(header, pixels),
        landmarks_px=points[:, :2],
        depth_px=points[:, 2] if points.shape[1] == 3 else np.zeros(0, np.float32),
        quality=face.quality,
        alignment=np.array(face.alignment, dtype=np.float64).reshape(2, 3),
        anchor=face.anchor,
    )


def _pixels(header: CandidateHeader, data: bytes) -> ByteImage:
    side = header.crop_px
    if len(data) != side * side:
        raise StreamError(
            f"a crop of candidate {header.event_id} has {len(data)} bytes where {side} x {side} px need {side * side}"
        )
    return np.frombuffer(data, dtype=np.uint8).reshape(side, side)


def _landmarks(header: CandidateHeader, data: bytes) -> FloatArray:
    """(468, 3) x, y, depth, (468, 2) x, y, or (0, 2)."""
    columns = 3 if len(data) == MESH_LANDMARKS * 3 * 4 else 2
    if len(data) not in (0, MESH_LANDMARKS * columns * 4):
        raise StreamError(f"candidate {header.event_id} has {len(data)} bytes of landmarks; {MESH_LANDMARKS} points or none")
    points = np.frombuffer(data, dtype="<f4").reshape(-1, columns)
    if not (np.abs(points) <= _FARTHEST_SIDES * header.crop_px).all():  # nor are those that are no numbers
        raise StreamError(f"candidate {header.event_id} has landmarks that are nowhere near its crop")
    return points
