"""The one place where candidates, answers and capture results become messages: live processes and replay share it.

What is rounded is rounded here, so that the same event has the same bytes on every way through the program.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from time import monotonic_ns, time_ns
from typing import TypeVar

import msgspec

from ahmsa.types import AlignedFace, Candidate
from streamer.edge import Answer, Stamps
from streamer.wire import EmotionMessage, Message, Moment, SpotMessage, SpotPhase

AnyKind = TypeVar("AnyKind", bound=Message)

_PHASES: Mapping[str, SpotPhase] = {
    "provisional": "provisional",
    "confirmed": "confirmed",
    "retracted": "retracted",
    "macro": "retracted",
}


def spot_message(source: str, candidate: Candidate, stamps: Stamps) -> SpotMessage:
    """One step in the life of a movement. A macro-movement is a retraction whose reason is `macro`."""
    return SpotMessage(
        source=source,
        t_capture_ns=candidate.apex.t_capture_ns,
        event_id=candidate.event_id,
        face_id=candidate.face_id,
        phase=_PHASES[candidate.phase],
        onset=_moment(candidate.onset),
        apex=_moment(candidate.apex),
        apex_t_ns=candidate.apex_t_ns,
        offset_t_ns=candidate.offset_t_ns,
        score=round(candidate.score, 3),
        reason="macro" if candidate.phase == "macro" else candidate.reason,
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


def stamped(message: AnyKind, session: str, seq: int) -> AnyKind:
    """The message as it goes out now."""
    wall = datetime.fromtimestamp(time_ns() / 1e9, tz=timezone.utc)
    return msgspec.structs.replace(
        message,
        session=session,
        seq=seq,
        t_publish_ns=monotonic_ns(),
        wall_time=wall.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    )


def _moment(face: AlignedFace) -> Moment:
    return Moment(index=face.index, t_ns=face.t_capture_ns)


def _ms(duration_ns: int) -> float:
    return round(duration_ns / 1e6, 2)
