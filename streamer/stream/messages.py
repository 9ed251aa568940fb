"""The one place where candidates, answers and capture results become messages: live processes and replay share it.

What is rounded is rounded here, so that the same event has the same bytes on every way through the program.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timezone
from time import monotonic_ns, time_ns
from typing import TYPE_CHECKING, Any

import msgspec

from ahmsa.types import AlignedFace, Candidate, Emotion, FlowMap
from streamer.stream.clocks import SessionClock
from streamer.stream.internal import Answer, Stamps
from streamer.stream.schema import (
    AnyMessage,
    EmotionMessage,
    Moment,
    MotionMessage,
    RegionMotion,
    SpotMessage,
    StatusMessage,
    topic_of,
)

if TYPE_CHECKING:
    # The spotter brings OpenCV, which publishing does not need.
    from spotting.spotter import Motion


def spot_message(source: str, candidate: Candidate, stamps: Stamps) -> SpotMessage:
    """One step in the life of a movement. A macro-expression is a retraction whose reason is `macro`."""
    return SpotMessage(
        source=source,
        t_capture_ns=candidate.apex.t_capture_ns,
        event_id=candidate.event_id,
        face_id=candidate.face_id,
        phase=candidate.phase,
        onset=_moment(candidate.onset),
        apex=_moment(candidate.apex),
        apex_t_ns=candidate.apex_t_ns,
        offset_t_ns=candidate.offset_t_ns,
        score=round(candidate.score, 3),
        reason="macro" if candidate.kind == "macro" else candidate.reason,
        latency_ms={"spot": _ms(stamps.spotted_ns - stamps.apex_grabbed_ns)},
    )


def emotion_message(source: str, confirmed: Candidate, answer: Answer, latency_ms: Mapping[str, float]) -> EmotionMessage:
    """What a confirmed movement meant."""
    return EmotionMessage(
        source=source,
        t_capture_ns=confirmed.apex.t_capture_ns,
        event_id=confirmed.event_id,
        face_id=confirmed.face_id,
        label=answer.label,
        probabilities=answer.probabilities,
        confidence=answer.confidence,
        calibrated=answer.calibrated,
        abstained=answer.abstained,
        onset=_moment(confirmed.onset),
        apex=_moment(confirmed.apex),
        offset_t_ns=confirmed.offset_t_ns,
        amplitude_px=answer.amplitude_px,
        score=round(confirmed.score, 3),
        latency_ms=dict(latency_ms),
        model=answer.model,
    )


def answer_of(candidate: Candidate, emotion: Emotion, flow_map: FlowMap, model: str, recognise_ms: float) -> Answer:
    """A recogniser's result as it travels. Rounded so that two machines agree on the bytes where they agree on the result."""
    return Answer(
        event_id=candidate.event_id,
        onset_index=candidate.onset.index,
        apex_index=candidate.apex.index,
        before_index=None if candidate.before is None else candidate.before.index,
        after_index=None if candidate.after is None else candidate.after.index,
        label=None if emotion.abstained else emotion.label,
        probabilities={label: round(float(value), 4) for label, value in emotion.probabilities.items()},
        confidence=round(float(emotion.confidence), 4),
        calibrated=emotion.calibrated,
        abstained=emotion.abstained,
        amplitude_px=round(float(flow_map.peak_px), 3),
        model=model,
        recognise_ms=round(recognise_ms, 2),
    )


class MotionPace:
    """Lets through at most `rate_hz` samples per second of each face, judged by capture time, so that a replay agrees."""

    def __init__(self, rate_hz: float) -> None:
        self._gap_ns = 1e9 / rate_hz
        self._last_ns: dict[int, int] = {}

    def lets_through(self, face_id: int, t_capture_ns: int, *, always: bool = False) -> bool:
        """always: the sample says why a movement was rejected, and must not get lost."""
        # A tenth of tolerance: the frames of a 30 fps camera are not exactly 33.3 ms apart.
        if not always and t_capture_ns - self._last_ns.get(face_id, -(2**62)) < 0.9 * self._gap_ns:
            return False
        self._last_ns[face_id] = t_capture_ns
        return True


def motion_message(source: str, face_id: int, motion: Motion, state: str | None = None) -> MotionMessage:
    """The newest sample of one face's spotting signal. state: the spotter's; while it calibrates nothing is watched."""
    regions = {
        name: RegionMotion(round(value, 3), round(motion.threshold_px[name], 3), motion.gates[name])
        for name, value in motion.displacement_px.items()
    }
    return MotionMessage(
        source=source,
        t_capture_ns=motion.t_capture_ns,
        face_id=face_id,
        regions=regions,
        gate=motion.gate or ("calibrating" if state == "calibrating" else None),
        rejected=motion.rejected,
    )


def latencies(provisional: Stamps | None, confirmed: Stamps, recognise_ms: float, now_ns: int) -> dict[str, float]:
    """Stage -> milliseconds, as described at EmotionMessage.latency_ms; all stamps from one monotonic clock."""
    first = provisional or confirmed
    return {
        "spot": _ms(first.spotted_ns - confirmed.apex_grabbed_ns),
        "decide": _ms(confirmed.spotted_ns - first.spotted_ns),
        "recognise": round(recognise_ms, 2),
        "wait": _ms(now_ns - confirmed.spotted_ns),
        "total": _ms(now_ns - confirmed.apex_grabbed_ns),
    }


class Stamper:
    """Numbers the messages of every topic, and stamps them with the moment of their publication and the times of their
    events by the session's clock."""

    def __init__(self, session: str, clock: SessionClock | None = None) -> None:
        self._session = session
        self._clock = clock or SessionClock()
        self._seq: Counter[str] = Counter()

    def stamp(self, draft: AnyMessage) -> AnyMessage:
        """The draft as the next message of its topic."""
        topic = topic_of(draft)
        self._seq[topic] += 1
        times: dict[str, Any] = {}
        if isinstance(draft, EmotionMessage | SpotMessage):
            times = _event_times(draft, self._clock)
        elif isinstance(draft, StatusMessage) and draft.clock is not None:
            times = {"session_s": self._clock.session_s(draft.source, draft.t_capture_ns)}
        return msgspec.structs.replace(draft, session=self._session, seq=self._seq[topic], **publication_times(), **times)


def _event_times(draft: EmotionMessage | SpotMessage, clock: SessionClock) -> dict[str, Any]:
    times: dict[str, Any] = {"onset": _timed(draft.onset, draft.source, clock), "apex": _timed(draft.apex, draft.source, clock)}
    if draft.offset_t_ns is not None:
        times["offset_utc"] = clock.utc(draft.source, draft.offset_t_ns)
        times["offset_session_s"] = clock.session_s(draft.source, draft.offset_t_ns)
    return times


def _timed(moment: Moment, source: str, clock: SessionClock) -> Moment:
    return Moment(moment.index, moment.t_ns, clock.utc(source, moment.t_ns), clock.session_s(source, moment.t_ns))


def publication_times() -> dict[str, int | str]:
    """Both clocks, now: the only fields in which a replayed message differs from the recorded one."""
    wall = datetime.fromtimestamp(time_ns() / 1e9, tz=timezone.utc).isoformat(timespec="milliseconds")
    return {"t_publish_ns": monotonic_ns(), "wall_time": wall.replace("+00:00", "Z")}


def _moment(face: AlignedFace) -> Moment:
    return Moment(index=face.index, t_ns=face.t_capture_ns)


def _ms(duration_ns: int) -> float:
    return round(duration_ns / 1e6, 2)
