"""The causal spotter of one face: faces in, candidates out."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ahmsa.types import AlignedFace, Candidate
from spotting.events import Decision, EventDetector, State
from spotting.gates import FrameGate
from spotting.settings import SpotterSettings
from spotting.signal import REGIONS, SignalMaker


@dataclass(frozen=True, slots=True)
class Motion:
    """The newest sample of the spotting signal."""

    t_capture_ns: int
    displacement_px: Mapping[str, float]
    """Region -> distance from rest, px of the crop, head motion removed."""
    threshold_px: Mapping[str, float]
    """Region -> the distance at which a movement opens."""
    gate: str | None
    """The gate that is shut, or None."""
    held_back: Candidate | None = None
    """A movement that a gate kept from being announced now; its phase is retracted, its reason the gate."""


class Spotter:
    """Finds the movements of one face, one `update` a frame. Deterministic: the same faces give the same candidates.

    Holds the faces of the past two seconds, and of an open movement its onset and apex.
    """

    def __init__(self, settings: SpotterSettings | None = None) -> None:
        self._settings = settings or SpotterSettings()
        self._frame_gate = FrameGate(self._settings)
        self._signal = SignalMaker(self._settings)
        self._detector = EventDetector(self._settings)
        self._faces: deque[AlignedFace] = deque()
        self._measured_ns: int | None = None
        self._events = 0
        self._announced: Candidate | None = None
        self.motion: Motion | None = None

    @property
    def open(self) -> bool:
        """A movement is open: its alignment must be held."""
        return self._detector.open

    @property
    def state(self) -> State:
        return self._detector.state(self._faces[-1].t_capture_ns if self._faces else 0)

    @property
    def gated(self) -> Mapping[str, int]:
        """Gate -> movements (or frames, for duplicate_frame) that it held back."""
        return MappingProxyType(self._detector.gated)

    def update(self, face: AlignedFace) -> Candidate | None:
        """Take the next face; returns what became of a movement, at most one transition a frame."""
        gate = self._frame_gate.update(face)
        if gate == "duplicate_frame":
            self._detector.count(gate)
            return None
        if gate == "camera_stall":
            return self._restart(face, gate)
        self._keep(face)
        if self._measured_ns is not None and face.t_capture_ns - self._measured_ns < 1e9 / self._settings.max_rate_hz * 0.99:
            return None
        return self._measure(face)

    def lost(self, t_capture_ns: int, reason: str = "face_lost") -> Candidate | None:
        """There is no usable face now: rest is forgotten, and an announced movement is retracted."""
        candidate = self._candidate(self._detector.restart(reason))
        self._forget()
        self._frame_gate.reset()
        self.motion = Motion(t_capture_ns, MappingProxyType({}), MappingProxyType({}), reason)
        return candidate

    def _restart(self, face: AlignedFace, reason: str) -> Candidate | None:
        candidate = self._candidate(self._detector.restart(reason))
        self._forget()
        self._keep(face)
        self._measure(face)
        return candidate

    def _forget(self) -> None:
        self._faces.clear()
        self._signal.reset()
        self._measured_ns = None

    def _keep(self, face: AlignedFace) -> None:
        self._faces.append(face)
        keep_ms = self._settings.max_macro_ms + 500 if self._detector.open or self._detector.holding else 2000
        while self._faces[0].t_capture_ns < face.t_capture_ns - keep_ms * 1e6:
            self._faces.popleft()

    def _measure(self, face: AlignedFace) -> Candidate | None:
        self._measured_ns = face.t_capture_ns
        sample = self._signal.update(face, quiet=self._detector.quiet, open_=self._detector.open)
        detector = self._detector
        decision = detector.update(sample, self._frame_gate.rate_hz)
        held_back = detector.held_back
        self.motion = Motion(
            face.t_capture_ns,
            MappingProxyType(dict(zip(REGIONS, map(float, detector.displacement_px), strict=True))),
            MappingProxyType(dict(zip(REGIONS, map(float, detector.threshold_px), strict=True))),
            detector.gate,
            None if held_back is None else self._as_candidate(held_back, f"{face.face_id}-held-back"),
        )
        return self._candidate(decision)

    def _candidate(self, decision: Decision | None) -> Candidate | None:
        if decision is None:
            return None
        if self._announced is None:
            self._events += 1
            candidate = self._as_candidate(decision, f"{self._faces[-1].face_id}-{self._events}")
        else:
            candidate = self._as_candidate(decision, self._announced.event_id)
        self._announced = candidate if decision.phase == "provisional" else None
        return candidate

    def _as_candidate(self, decision: Decision, event_id: str) -> Candidate:
        apex = self._face_at(decision.apex_ns)
        return Candidate(
            event_id=event_id,
            face_id=apex.face_id,
            phase=decision.phase,
            onset=self._face_at(decision.onset_ns, apex.anchor),
            apex=apex,
            score=decision.score,
            offset_t_ns=decision.offset_ns,
            apex_t_ns=decision.apex_ns,
            reason=decision.reason,
        )

    def _face_at(self, t_ns: int, anchor: int | None = None) -> AlignedFace:
        """The face nearest in time, of those under one alignment."""
        faces = (face for face in self._faces if anchor is None or face.anchor == anchor)
        return min(faces, key=lambda face: abs(face.t_capture_ns - t_ns))
