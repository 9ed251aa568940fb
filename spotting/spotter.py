"""The causal spotter of one face: faces in, steps out."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from ahmsa.face.crop import aligned_like
from ahmsa.flow.sequence import instants
from ahmsa.types import HALVES, AlignedFace, Candidate, Gate, Half
from spotting.detector import EventDetector, State, Verdict
from spotting.events import Decision
from spotting.gates import FrameGate
from spotting.regions import OF_HALF, REGIONS
from spotting.settings import SpotterSettings
from spotting.signal import SignalMaker

_KEEP_MS = 2000.0


@dataclass(frozen=True, slots=True)
class Motion:
    """The newest sample of the spotting signal, px of a 128 crop."""

    t_capture_ns: int
    displacement_px: Mapping[str, float]
    """Region -> how far it has moved by itself within the past 0.2 s."""
    threshold_px: Mapping[str, float]
    """Region -> how far it must go and come back to be announced."""
    gates: Mapping[str, Gate | None]
    """Region -> the gate that is shut for it, or None; empty where there is no face."""
    lost: Gate | None = None
    """Why there is no face to be measured; None where there is one."""
    rejected: Gate | None = None
    """The gate that kept a movement from being announced at this very sample."""

    @property
    def gate(self) -> Gate | None:
        """The gate that is shut where nothing of the face is watched; None where any part of it is."""
        shut = [self.gate_of(half) for half in HALVES]
        return None if None in shut else shut[0]

    def gate_of(self, half: Half) -> Gate | None:
        """The gate that is shut for a half of the face; None where any region of it is watched."""
        if self.lost is not None:
            return self.lost
        gates = [self.gates[REGIONS[region]] for region in OF_HALF[half]]
        if None in gates:
            return None
        return max((gate for gate in gates if gate is not None), key=gates.count)

    def limit_px(self, half: Half) -> float | None:
        """The smallest movement of a half of the face that would be announced now; None where a gate is shut."""
        watched = [REGIONS[region] for region in OF_HALF[half] if self.gates.get(REGIONS[region], "shut") is None]
        return min((self.threshold_px[region] for region in watched), default=None)


@dataclass(frozen=True, slots=True)
class Step:
    """What one face told the spotter."""

    motion: Motion | None = None
    """The sample of the signal; None where the face was not measured: the same picture again, or sooner than `max_rate_hz`."""
    candidate: Candidate | None = None
    """What became of a movement: announced, confirmed, retracted, or a macro-expression that ended."""
    rejected: Candidate | None = None
    """A movement that was not even announced; its phase is retracted, its reason the gate."""


class Spotter:
    """Finds the movements of one face, one `update` a frame. Deterministic: the same faces give the same steps.

    Holds the faces of the past two seconds, and those of a movement that is still held.
    """

    def __init__(self, settings: SpotterSettings | None = None) -> None:
        self._settings = settings or SpotterSettings()
        self._frame_gate = FrameGate(self._settings)
        self._signal = SignalMaker(self._settings)
        self._detector = EventDetector(self._settings)
        self._faces: deque[AlignedFace] = deque()
        self._measured_ns: int | None = None
        self._said = 0
        self._announced: dict[int, Candidate] = {}
        self._due: deque[Candidate] = deque()

    @property
    def state(self) -> State:
        return self._detector.state(self._faces[-1].t_capture_ns if self._faces else 0)

    @property
    def gated(self) -> Mapping[Gate, int]:
        """Gate -> movements (or frames, for duplicate_frame) that it rejected."""
        return MappingProxyType(self._detector.gated)

    def update(self, face: AlignedFace) -> Step:
        """Take the next face."""
        return self._with_candidate(self._take(face))

    def lost(self, t_capture_ns: int, reason: Gate = "face_lost") -> Step:
        """There is no usable face now: everything but the noise is forgotten, and what was announced is retracted.

        Of several events one is told at each call; call again until there is none where nothing follows.
        """
        self._restart(reason)
        self._frame_gate.reset()
        nothing: Mapping[str, float] = MappingProxyType({})
        return self._with_candidate(Step(Motion(t_capture_ns, nothing, nothing, MappingProxyType({}), lost=reason)))

    def _with_candidate(self, step: Step) -> Step:
        return replace(step, candidate=self._due.popleft()) if self._due else step

    def _take(self, face: AlignedFace) -> Step:
        gate = self._frame_gate.update(face)
        if gate == "duplicate_frame":
            self._detector.gated[gate] += 1
            return Step()
        if gate == "camera_stall":
            self._restart(gate)
        self._keep(face)
        if self._measured_ns is not None and face.t_capture_ns - self._measured_ns < 1e9 / self._settings.max_rate_hz * 0.99:
            return Step()
        return self._measure(face)

    def _restart(self, reason: Gate) -> None:
        self._tell(self._detector.restart(reason))
        self._faces.clear()
        self._signal.reset()
        self._measured_ns = None

    def _keep(self, face: AlignedFace) -> None:
        self._faces.append(face)
        keep_ms = self._settings.max_macro_ms + 500 if self._detector.holding else _KEEP_MS
        while self._faces[0].t_capture_ns < face.t_capture_ns - keep_ms * 1e6:
            self._faces.popleft()

    def _measure(self, face: AlignedFace) -> Step:
        self._measured_ns = face.t_capture_ns
        verdict = self._detector.update(self._signal.update(face), self._frame_gate.rate_hz)
        self._tell(verdict.decisions)
        rejected = None if verdict.rejected is None else self._as_candidate(verdict.rejected, f"{face.face_id}-rejected")
        return Step(_motion(face.t_capture_ns, verdict), rejected=rejected)

    def _tell(self, decisions: Iterable[Decision]) -> None:
        """Make candidates while their faces are at hand; each waits for a step of its own."""
        for decision in decisions:
            before = self._announced.pop(decision.event, None) if decision.event is not None else None
            if before is None:
                self._said += 1
            event_id = f"{self._faces[-1].face_id}-{self._said}" if before is None else before.event_id
            candidate = self._as_candidate(decision, event_id)
            if decision.phase == "provisional" and decision.event is not None:
                self._announced[decision.event] = candidate
            self._due.append(candidate)

    def _as_candidate(self, decision: Decision, event_id: str) -> Candidate:
        apex = self._face_at(decision.apex_ns)
        onset = self._face_at(decision.onset_ns)
        rise_ns = apex.t_capture_ns - onset.t_capture_ns
        before = self._face_at(onset.t_capture_ns - rise_ns)
        long_enough = onset.t_capture_ns - before.t_capture_ns >= rise_ns / 2 > 0
        return Candidate(
            event_id=event_id,
            face_id=apex.face_id,
            phase=decision.phase,
            onset=aligned_like(onset, apex),
            apex=apex,
            score=decision.score,
            offset_t_ns=decision.offset_ns,
            apex_t_ns=decision.apex_ns,
            reason=decision.reason,
            before=aligned_like(before, apex) if long_enough else None,
            after=aligned_like(self._faces[-1], apex) if decision.phase == "confirmed" else None,
            between=() if decision.phase == "retracted" else self._between(onset, apex, decision.offset_ns),
            kind=decision.kind,
        )

    def _between(self, onset: AlignedFace, apex: AlignedFace, offset_ns: int | None) -> tuple[AlignedFace, ...]:
        """The faces up to the offset, or up to now where it lies ahead, that a network of sequences wants.

        A movement is confirmed while its last part still goes back, so its last face is usually a tenth of a second early.
        """
        until_ns = max(self._faces[-1].t_capture_ns if offset_ns is None else offset_ns, apex.t_capture_ns)
        return tuple(aligned_like(self._face_at(t_ns), apex) for t_ns in instants(onset.t_capture_ns, until_ns))

    def _face_at(self, t_ns: int) -> AlignedFace:
        """The face nearest in time."""
        return min(self._faces, key=lambda face: abs(face.t_capture_ns - t_ns))


def _motion(t_ns: int, verdict: Verdict) -> Motion:
    return Motion(
        t_ns,
        MappingProxyType(dict(zip(REGIONS, map(float, verdict.displacement_px), strict=True))),
        MappingProxyType(dict(zip(REGIONS, map(float, verdict.threshold_px), strict=True))),
        MappingProxyType(dict(zip(REGIONS, verdict.gates, strict=True))),
        rejected=None if verdict.rejected is None else verdict.rejected.reason,
    )
