"""The stream, version 1: five messages, their topics, and the JSON they travel as.

A message is two ZeroMQ frames: the topic, and one JSON object (UTF-8). Subscribers need only this module, pyzmq and msgspec.
Unknown fields are ignored by readers, so fields may be added; a change of meaning changes the schema's name.

Topics read left to right, most general first. Every level ends with a dot, because subscriptions match prefixes:
without it `emotion.cam0.1` would also match face 10.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from ahmsa.errors import StreamError
from ahmsa.untrusted import JsonDecoder, UnreadableError

DEFAULT_ENDPOINT = "tcp://127.0.0.1:5556"

Count = Annotated[int, Meta(ge=0, lt=2**53)]
Nanoseconds = Annotated[int, Meta(ge=-(2**62), lt=2**62)]
Text = Annotated[str, Meta(max_length=200)]
"""One printable line; the decoder refuses control characters."""
SourceName = Annotated[str, Meta(max_length=120, pattern="^[A-Za-z0-9_-]*$")]
"""As it stands in topics."""
Probability = Annotated[float, Meta(ge=0, le=1)]
Magnitude = Annotated[float, Meta(ge=0)]
SIDES = "Region name -> sample. left and right are those of the image: left_* is on the person's right side."
MARKER_TEXT = 500
"""Longest text of a marker, characters."""

SpotPhase = Literal["provisional", "confirmed", "retracted"]
SourceState = Literal["starting", "online", "offline", "ended"]
WorkerState = Literal["starting", "ready", "restarting", "lost"]
RecordingState = Literal["off", "events", "video"]


class Message(Struct, frozen=True, kw_only=True, tag_field="schema"):
    """What every message carries."""

    session: Text = ""
    """One run of the program; `seq` starts anew with it."""
    seq: Count = 0
    """Number of the message within its topic, from 1 without holes: a hole seen by a subscriber is a lost message."""
    source: SourceName
    t_capture_ns: Nanoseconds
    """Capture time of the frame the message is about: monotonic clock for cameras, presentation time for files."""
    t_publish_ns: Nanoseconds = 0
    """Monotonic clock of the publishing machine."""
    wall_time: Text = ""
    """UTC at publication, for people; it never orders events."""


class Moment(Struct, frozen=True):
    """One frame of the source."""

    index: Count
    t_ns: Nanoseconds
    """Capture time."""
    utc: Text | None = None
    """The same by the wall clock; None for files that are not played at their own speed."""
    session_s: float | None = None
    """The same in seconds since the session's start; for such files since their first frame."""


class EmotionMessage(Message, frozen=True, kw_only=True, tag="ahmsa.emotion/1"):
    """Once per confirmed movement: what it meant."""

    event_id: Text
    face_id: Count
    label: Text | None
    """None where the network abstained: see `abstained`."""
    probabilities: dict[Text, Probability]
    confidence: Probability
    calibrated: bool
    """Whether the probabilities were temperature-scaled on held-out subjects, or are the raw softmax."""
    abstained: Text | None = None
    """None, or why no label is claimed: low_confidence, below_noise_floor, other_motion."""
    onset: Moment
    apex: Moment
    offset_t_ns: Nanoseconds | None = None
    offset_utc: Text | None = None
    offset_session_s: float | None = None
    amplitude_px: Magnitude
    """Largest displacement on the face, px of the aligned crop."""
    score: Magnitude
    """Spotting score: peak displacement in units of its threshold."""
    latency_ms: dict[Text, float] = {}
    """spot: apex grabbed -> provisional; decide: provisional -> confirmed; recognise: flow and network;
    wait: confirmed -> published; total: apex grabbed -> published."""
    model: Text
    """Id of the checkpoint that answered."""


class SpotMessage(Message, frozen=True, kw_only=True, tag="ahmsa.spot/1"):
    """The life of a movement: provisional, then confirmed or retracted, under one event_id."""

    event_id: Text
    face_id: Count
    phase: SpotPhase
    onset: Moment
    apex: Moment
    apex_t_ns: Nanoseconds | None = None
    """Apex refined between frames, where it was."""
    offset_t_ns: Nanoseconds | None = None
    offset_utc: Text | None = None
    offset_session_s: float | None = None
    score: Magnitude
    reason: Text | None = None
    """Why it was retracted: the gate's name, or `macro` for a movement that lasted too long."""
    latency_ms: dict[Text, float] = {}


class MarkerMessage(Message, frozen=True, kw_only=True, tag="ahmsa.marker/1"):
    """Something that happened outside the picture: a film began, a key was pressed. `source` is who said so."""

    text: Annotated[str, Meta(min_length=1, max_length=MARKER_TEXT)]
    value: int | float | None = None
    t_mark_ns: Nanoseconds = 0
    """When it was set, on the monotonic clock of this machine. `t_capture_ns` is the same moment as capture time of the
    session's first source; for a file that is not played at its own speed, the newest frame's; before a source's first frame,
    the monotonic clock's. `session_s` is right in every case."""
    utc: Text | None = None
    session_s: float | None = None

    @property
    def words(self) -> str:
        """Text and value, for people."""
        return self.text if self.value is None else f"{self.text} = {self.value}"


class RegionMotion(Struct, frozen=True):
    displacement_px: float
    threshold_px: float
    gate: Text | None = None
    """The gate that is shut for this region now; None where it is watched."""


class MotionMessage(Message, frozen=True, kw_only=True, tag="ahmsa.motion/1"):
    """The spotting signal of one face, at most 30 times a second."""

    face_id: Count
    regions: Annotated[dict[Text, RegionMotion], Meta(description=SIDES)]
    gate: Text | None = None
    """The gate that mutes the spotter at this moment; `calibrating` while rest is being measured."""
    rejected: Text | None = None
    """The gate that kept a movement from being announced, at the sample at which that was decided."""


class StageTiming(Struct, frozen=True):
    p50_ms: float
    p95_ms: float


class HalfState(Struct, frozen=True):
    """How well one half of a face could be watched: brows above; nose and mouth below."""

    watched: Probability
    """Share of the last minute in which a movement of this half could have been spotted."""
    not_watched: dict[str, Probability] = {}
    """Gate -> share of the last minute in which it stood in the way."""
    limit_px: Magnitude | None = None
    """The smallest movement that would open now, px of the 128 px crop; None while a gate is shut."""
    limit_eye_permille: Magnitude | None = None
    """The same in thousandths of the distance between the eyes."""


class FaceState(Struct, frozen=True):
    face_id: Count
    spotter: Text
    """calibrating, watching, open or refractory."""
    problem: Text | None = None
    calibration_left_ms: Magnitude | None = None
    """Neutral time that is still needed before anything can be spotted; None unless `spotter` is calibrating."""
    halves: dict[Literal["upper", "lower"], HalfState] = {}


class ShutGate(Struct, frozen=True):
    """A gate that is shut now, by how much, and what to do about it."""

    gate: Text
    advice: Text
    """One English sentence for people, as in `eyes 34 px apart, 40 needed: come closer`."""
    value: float | None = None
    limit: float | None = None
    """Value that was measured and limit that opens the gate, where it has figures; unit as in the advice."""
    face_id: Count | None = None
    """None where the gate is about the whole picture."""


class WorkerStatus(Struct, frozen=True):
    state: WorkerState
    device: Text | None = None
    model: Text | None = None
    restarts: Count = 0


class CaptureClock(Struct, frozen=True):
    """How a source's capture times lie on the monotonic clock."""

    kind: Literal["monotonic", "file"]
    first_ns: Nanoseconds
    """Where the capture times begin: 0 for a file that counts from its own start, else the first frame."""
    behind_ns: Nanoseconds | None
    """Monotonic clock minus capture time: 0 for cameras; None for a file that is not played at its own speed."""


class StatusMessage(Message, frozen=True, kw_only=True, tag="ahmsa.status/1"):
    """Once a second and on change: captured = processed + waiting + the sum of dropped."""

    state: SourceState
    reason: Text | None = None
    fps: Magnitude
    """Distinct frames per second over the last second."""
    captured: Count
    processed: Count
    waiting: Count = 0
    dropped: dict[Text, Count] = {}
    stages: dict[Text, StageTiming] = {}
    faces: list[FaceState] = []
    flags: list[Text] = []
    """Quality gates that are shut now: no_face, too_small, turned_away, too_dark, blurred, low_frame_rate."""
    shut: list[ShutGate] = []
    """The same gates with their figures, one entry per face that shuts them."""
    gated: dict[Text, Count] = {}
    """Movements that were seen and not published, by gate."""
    edges: dict[Text, Count] = {}
    """Messages dropped between the processes, by edge."""
    worker: WorkerStatus = WorkerStatus(state="starting")
    """Of all recognisers together, where several share the questions."""
    workers: list[WorkerStatus] = []
    """One by one, where there are several."""
    recording: RecordingState = "off"
    clock: CaptureClock | None = None
    """None until the first frame is there."""
    session_s: float | None = None
    """The capture time in seconds since the session's start, as events have it; None until the first frame is there."""
    markers: Text | None = None
    """Endpoint at which markers are taken."""


AnyMessage = EmotionMessage | SpotMessage | MotionMessage | StatusMessage | MarkerMessage


class _Kind(Struct):
    """What can be read of a message of any version."""

    schema: str


_encoder = msgspec.json.Encoder()
_decoder: JsonDecoder[AnyMessage] = JsonDecoder(AnyMessage)
_kind_decoder: JsonDecoder[_Kind] = JsonDecoder(_Kind)
_KINDS: dict[type[Message], str] = {
    EmotionMessage: "emotion",
    SpotMessage: "spot",
    MotionMessage: "motion",
    StatusMessage: "status",
    MarkerMessage: "marker",
}
_SCHEMAS = {kind.__struct_config__.tag for kind in _KINDS}


class UnknownKindError(StreamError):
    """A message of a kind or version that this program does not know: readers pass over it, and count it."""


def encode(message: Message) -> bytes:
    """A message as UTF-8 JSON on one line."""
    return _encoder.encode(message)


def decode(payload: bytes | str) -> AnyMessage:
    """The message in a payload. Raises StreamError where it does not fit the schema, UnknownKindError where it is well formed
    and of a kind or version that this program does not know."""
    try:
        return _decoder.decode(payload)
    except UnreadableError as error:
        sentence = f"a message does not fit the stream's schema: {error}; is the publisher of another version?"
        raise (UnknownKindError if _is_of_unknown_kind(payload) else StreamError)(sentence) from None


def _is_of_unknown_kind(payload: bytes | str) -> bool:
    try:
        return _kind_decoder.decode(payload).schema not in _SCHEMAS
    except UnreadableError:
        return False


def topic_of(message: AnyMessage) -> str:
    """`emotion.<source>.<face>.`, `spot.…`, `motion.…`, `status.<source>.` or `marker.<source>.`."""
    kind = _KINDS[type(message)]
    if isinstance(message, StatusMessage | MarkerMessage):
        return f"{kind}.{message.source}."
    return f"{kind}.{message.source}.{message.face_id}."


def json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a payload; `docs/stream.schema.json` holds its text."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "ahmsa stream, version 1",
        **msgspec.json.schema(AnyMessage),
    }


def json_schema_text() -> str:
    return msgspec.json.format(msgspec.json.encode(json_schema()), indent=2).decode() + "\n"
