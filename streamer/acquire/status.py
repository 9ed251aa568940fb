"""What a capture stage says of itself, as a status message."""

from __future__ import annotations

from collections import Counter

from ahmsa.face.geometry import EYE_DISTANCE_PX
from ahmsa.types import Half
from spotting.advice import advice
from streamer.acquire.capture import CaptureResult, CaptureStage
from streamer.acquire.sources import Source
from streamer.acquire.watched import Watched
from streamer.stream.schema import CaptureClock, FaceState, HalfState, ShutGate, StageTiming, StatusMessage


def status_message(
    source: Source, stage: CaptureStage, result: CaptureResult, t_capture_ns: int, clock: CaptureClock | None
) -> StatusMessage:
    """result: that of the newest frame that was processed, t_capture_ns: the newest frame's time."""
    captured, drops, waiting = source.account()
    return StatusMessage(
        source=source.name,
        t_capture_ns=t_capture_ns,
        state="online" if source.reason is None else "offline",
        reason=source.reason,
        fps=round(stage.distinct_hz, 2),
        captured=captured,
        processed=stage.processed,
        waiting=waiting,
        dropped=dict(Counter(drops) + stage.dropped),
        stages={name: StageTiming(round(times.p50_ms, 2), round(times.p95_ms, 2)) for name, times in stage.timings.items()},
        faces=_face_states(stage, result),
        flags=result.gates,
        shut=_shut_gates(result),
        gated=dict(stage.gated.items()),
        clock=clock,
    )


def _face_states(stage: CaptureStage, result: CaptureResult) -> list[FaceState]:
    problems = {face.face_id: face.quality.problem for face in result.faces}
    left_ms = {face_id: round(left, 1) for face_id, left in result.calibration_left_ms.items()}
    return [
        FaceState(face_id, state, problems.get(face_id), left_ms.get(face_id), _halves(stage, face_id))
        for face_id, state in result.states.items()
    ]


def _halves(stage: CaptureStage, face_id: int) -> dict[Half, HalfState]:
    return {half: _half_state(watched, limit) for half, (watched, limit) in stage.halves(face_id).items()}


def _half_state(watched: Watched, limit_px: float | None) -> HalfState:
    return HalfState(
        round(watched.share, 4),
        {gate: round(share, 4) for gate, share in watched.not_watched.items()},
        None if limit_px is None else round(limit_px, 3),
        None if limit_px is None else round(1000 * limit_px / EYE_DISTANCE_PX, 2),
    )


def _shut_gates(result: CaptureResult) -> list[ShutGate]:
    return [
        ShutGate(reading.gate, advice(reading), _rounded(reading.value), _rounded(reading.limit), face_id)
        for face_id, reading in result.shut
    ]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
