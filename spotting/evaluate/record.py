"""What a spotter said about one video, collected: the signal frame by frame, and every movement it decided on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ahmsa.types import Candidate, Kind
from spotting.spotter import Motion, Step


@dataclass(frozen=True, slots=True)
class Spotted:
    """A movement that was decided on: confirmed, macro, or rejected by a gate."""

    onset: int
    apex: int
    offset: int
    """Frame numbers of the source, counted from 0."""
    onset_ms: float
    apex_ms: float
    offset_ms: float
    kind: Kind
    score: float
    gate: str = ""
    """Empty, or the gate that held it back."""

    def row(self, video: str) -> Mapping[str, object]:
        """As `spotting.evaluate.tables.COLUMNS` has it."""
        return {
            "video": video,
            "onset": self.onset,
            "apex": self.apex,
            "offset": self.offset,
            "onset_ms": round(self.onset_ms, 1),
            "apex_ms": round(self.apex_ms, 1),
            "offset_ms": round(self.offset_ms, 1),
            "type": self.kind,
            "score": round(self.score, 2),
            "gate": self.gate,
        }


@dataclass(slots=True)
class Record:
    """Fill it frame by frame with `take`."""

    times_ms: list[float] = field(default_factory=list)
    motions: list[Motion] = field(default_factory=list)
    movements: list[Spotted] = field(default_factory=list)

    def take(self, step: Step) -> None:
        """Keep all that the spotter said of a face; that a movement was announced is passed over."""
        if step.motion is not None:
            self.times_ms.append(step.motion.t_capture_ns / 1e6)
            self.motions.append(step.motion)
        for candidate in (step.rejected, step.candidate):
            if candidate is not None and candidate.phase != "provisional":
                self.movements.append(_spotted(candidate))


def _spotted(candidate: Candidate) -> Spotted:
    onset, apex = candidate.onset, candidate.apex
    apex_ns = candidate.apex_t_ns if candidate.apex_t_ns is not None else apex.t_capture_ns
    offset_ns = candidate.offset_t_ns if candidate.offset_t_ns is not None else 2 * apex_ns - onset.t_capture_ns
    frames = max(apex.index - onset.index, 1)
    frame_ns = max((apex.t_capture_ns - onset.t_capture_ns) / frames, 1.0)
    return Spotted(
        onset=onset.index,
        apex=apex.index,
        offset=apex.index + max(round((offset_ns - apex.t_capture_ns) / frame_ns), 0),
        onset_ms=onset.t_capture_ns / 1e6,
        apex_ms=apex_ns / 1e6,
        offset_ms=offset_ns / 1e6,
        kind=candidate.kind,
        score=candidate.score,
        gate=candidate.reason or "",
    )
