"""One pass of a recording through the capture stage, with a note of every frame."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import cast

import numpy as np

from ahmsa.face.geometry import apply_similarity, mesh_points
from ahmsa.types import HALVES, AlignedFace, Candidate, FloatArray, Frame, Half, Matrix
from configs.schema import LiveSettings
from streamer.acquire.capture import CaptureResult, CaptureStage, use_one_core

_INNER_LIPS = (13, 14)


@dataclass(frozen=True, slots=True, eq=False)
class FaceNote:
    """A face in one frame; places are px of the source's picture."""

    points_px: FloatArray
    """(5, 2) eyes, nose, mouth corners."""
    lip_gap_px: float
    """px of the 128 px crop."""
    interocular_px: float
    luma: float
    state: str
    """Of its spotter: calibrating, watching, open or refractory."""
    gates: Mapping[Half, str | None]
    """The gate that is shut for a half of the face."""
    limits_px: Mapping[Half, float | None]
    """The smallest movement that would open now."""


@dataclass(frozen=True, slots=True)
class FrameNote:
    """One frame of a pass."""

    t_ns: int
    faces: Mapping[int, FaceNote]
    """Face id -> what is known of it."""
    gate: str | None
    """Why nothing at all can be spotted now."""


@dataclass(slots=True)
class Pass:
    """Everything that is kept of a pass: no picture but the crops of candidates."""

    notes: list[FrameNote] = field(default_factory=list)
    candidates: list[Candidate] = field(default_factory=list)
    repeated: int = 0
    """Frames that showed the picture before them again."""

    @property
    def minutes(self) -> float:
        """From the first frame to the last."""
        return (self.notes[-1].t_ns - self.notes[0].t_ns) / 60e9 if self.notes else 0.0

    def faces(self) -> list[FaceNote | None]:
        """Of every frame the face that is judged: the one seen longest, or the largest where that one is not there."""
        counts = Counter(face_id for note in self.notes for face_id in note.faces)
        longest = min(counts, key=lambda face_id: (-counts[face_id], face_id), default=None)
        if longest is None:
            return [None] * len(self.notes)
        return [
            note.faces.get(longest, max(note.faces.values(), key=lambda face: face.interocular_px, default=None))
            for note in self.notes
        ]


def watch(
    frames: Iterable[Frame],
    settings: LiveSettings,
    change: Callable[[Frame], Frame] | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Pass:
    """Send frames through a fresh capture stage. change: done to each frame first; progress: called with its number."""
    use_one_core()
    seen = Pass()
    with CaptureStage(settings.face, settings.spotter) as stage:
        for number, frame in enumerate(frames):
            result = stage.process(frame if change is None else change(frame))
            seen.candidates += result.candidates
            last = seen.notes[-1] if seen.notes else None
            if stage.dropped["duplicate"] > seen.repeated and last is not None:
                seen.notes.append(FrameNote(frame.t_capture_ns, last.faces, last.gate))
            else:
                seen.notes.append(_note(frame.t_capture_ns, result, last))
            seen.repeated = stage.dropped["duplicate"]
            progress(number)
        seen.candidates += stage.finish()
    return seen


def _note(t_ns: int, result: CaptureResult, last: FrameNote | None) -> FrameNote:
    before = last.faces if last is not None else {}
    faces = {face.face_id: _face(face, result, before.get(face.face_id)) for face in result.faces if len(face.landmarks_px)}
    return FrameNote(t_ns, faces, next(iter(result.gates), None))


def _face(face: AlignedFace, result: CaptureResult, before: FaceNote | None) -> FaceNote:
    back = np.linalg.inv(np.vstack([face.alignment, [0.0, 0.0, 1.0]]))[:2]
    upper, lower = face.landmarks_px[list(_INNER_LIPS), :2]
    motion = result.motions.get(face.face_id)
    gates: Mapping[Half, str | None] = dict.fromkeys(HALVES)
    limits: Mapping[Half, float | None] = dict.fromkeys(HALVES)
    if motion is not None:
        gates = {half: motion.gate_of(half) for half in HALVES}
        limits = {half: motion.limit_px(half) for half in HALVES}
    elif before is not None:  # not every frame of a fast source is measured
        gates, limits = before.gates, before.limits_px
    return FaceNote(
        apply_similarity(cast(Matrix, back), mesh_points(face.landmarks_px[:, :2])),
        float(np.linalg.norm(upper - lower)) * 128 / face.pixels.shape[0],
        face.quality.interocular_px,
        face.quality.luma,
        result.states.get(face.face_id, ""),
        gates,
        limits,
    )
