"""The capture stage: frames in; faces, candidates and the reasons for silence out. No sockets, no clock of its own but for
timings: live processes and replay run this very class."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol

import cv2
import numpy as np
from threadpoolctl import threadpool_limits

from ahmsa.face.tracker import Detector, FaceTracker
from ahmsa.images.distinct import FrameRate, is_same_picture
from ahmsa.settings import FaceSettings
from ahmsa.types import HALVES, AlignedFace, ByteImage, Candidate, Frame, Gate, Half
from spotting.advice import Reading, face_reading
from spotting.settings import SpotterSettings
from spotting.spotter import Motion, Spotter, Step
from streamer.acquire.watched import Watched, WatchedMinute

_LOST_AFTER_MS = 200.0
"""A face may be unusable for this long before its spotter forgets it: one blurred frame is no reason to start anew."""
_TIMINGS_KEPT = 512
_RATE_KNOWN_NS = 500_000_000


@dataclass(frozen=True, slots=True)
class CaptureResult:
    """What one frame brought."""

    faces: list[AlignedFace]
    candidates: list[Candidate]
    """Steps in the life of movements, at most one per face."""
    motions: dict[int, Motion]
    """Face id -> this frame's sample of the spotting signal."""
    steps: dict[int, Step]
    """Face id -> all that the spotter said of this frame."""
    states: dict[int, str]
    """Face id -> calibrating, watching, open or refractory."""
    shut: list[tuple[int | None, Reading]]
    """Face id (None: the whole picture) and gate, why nothing can be spotted now: no_face, too_small, turned_away, too_dark,
    blurred, low_frame_rate."""
    calibration_left_ms: dict[int, float]
    """Face id -> neutral time still needed, for faces that are calibrating."""

    @property
    def gates(self) -> list[str]:
        """Names of the shut gates, each once."""
        return list(dict.fromkeys(reading.gate for _, reading in self.shut))


class RollingTimes:
    """Durations of the newest few hundred calls."""

    def __init__(self) -> None:
        self._ms: deque[float] = deque(maxlen=_TIMINGS_KEPT)

    def add(self, duration_ms: float) -> None:
        self._ms.append(duration_ms)

    def percentile_ms(self, percent: float) -> float:
        return float(np.percentile(self._ms, percent)) if self._ms else 0.0

    @property
    def newest_ms(self) -> float:
        return self._ms[-1] if self._ms else 0.0

    @property
    def p50_ms(self) -> float:
        return self.percentile_ms(50)

    @property
    def p95_ms(self) -> float:
        return self.percentile_ms(95)


def use_one_core() -> None:
    """Keep the numerical libraries of this process to one thread. The stage's matrices are small: with more threads they spend
    twice the time, most of it waiting for each other."""
    threadpool_limits(1)
    cv2.setNumThreads(1)


class Spotting(Protocol):
    """What the stage needs of spotting.spotter.Spotter, one per face."""

    @property
    def state(self) -> str: ...

    @property
    def gated(self) -> Mapping[Gate, int]: ...

    def update(self, face: AlignedFace) -> Step:
        """Take the next face."""
        ...

    def lost(self, t_capture_ns: int, reason: Gate = "face_lost") -> Step:
        """There is no usable face now."""
        ...


class CaptureStage:
    """Tracker, one spotter per face, quality gates and the account of frames. The same frames give the same results.

    `processed` + the sum of `dropped` is the number of frames that were handed in.
    """

    def __init__(
        self,
        face: FaceSettings,
        spotter: SpotterSettings,
        detector: Detector | None = None,
        make_spotter: Callable[[SpotterSettings], Spotting] = Spotter,
    ) -> None:
        self._face_settings, self._spotter_settings = face, spotter
        self._make_spotter = make_spotter
        self._tracker = FaceTracker(face, detector)
        self._forget_ns = (2 * face.forget_ms + 1000) * 1e6  # later than the tracker, so that no id meets a second spotter
        self._watched: dict[int, _Watched] = {}
        self._past_gated: Counter[Gate] = Counter()
        self._newest: ByteImage | None = None
        self._rate = FrameRate()
        self._shut: list[tuple[int | None, Reading]] = []
        self.processed = 0
        self.dropped: Counter[str] = Counter()
        """Reason -> frames that were passed over: `duplicate`, the same picture again."""
        self.timings = {"face": RollingTimes(), "spot": RollingTimes(), "capture": RollingTimes()}
        """Stage -> time per frame; `capture` is the whole of `process`."""

    def process(self, frame: Frame) -> CaptureResult:
        """Take the next frame."""
        if is_same_picture(frame.image, self._newest):
            self.dropped["duplicate"] += 1
            return self._result([], {})
        self._newest = frame.image
        self._rate.add(frame.t_capture_ns)
        with self._timed("capture"):
            with self._timed("face"):
                faces = self._tracker.update(frame)
            with self._timed("spot"):
                steps = self._spot(faces, frame.t_capture_ns)
        self.processed += 1
        self._shut = self._shut_gates(faces)
        return self._result(faces, steps)

    def finish(self, reason: Gate = "source_ended") -> list[Candidate]:
        """The source has ended: what is still open is retracted."""
        now_ns = self._rate.newest_ns
        candidates = []
        for one in self._watched.values():
            while (last := one.say_lost(now_ns, reason).candidate) is not None:
                candidates.append(last)
        return candidates

    @property
    def distinct_hz(self) -> float:
        """Distinct frames per second over the past second of the source's own time; 0 while unknown."""
        return self._rate.hz

    def halves(self, face_id: int) -> dict[Half, tuple[Watched, float | None]]:
        """Half of a face -> how much of the last minute it was watched, and the smallest movement that would open now (px of
        the 128 px crop; None while a gate is shut)."""
        one = self._watched[face_id]
        return {half: (watched, one.limit_px(half)) for half, watched in one.minute.halves().items()}

    @property
    def gated(self) -> Mapping[Gate, int]:
        """Gate -> movements that it rejected, over all faces so far."""
        total = self._past_gated.copy()
        for one in self._watched.values():
            total.update(one.spotter.gated)
        return total

    def close(self) -> None:
        self._tracker.close()

    def __enter__(self) -> CaptureStage:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _spot(self, faces: list[AlignedFace], now_ns: int) -> dict[int, Step]:
        steps = {}
        seen = {face.face_id: face for face in faces}
        for face_id in seen.keys() - self._watched.keys():
            self._watched[face_id] = _Watched(self._make_spotter(self._spotter_settings), now_ns, now_ns, now_ns)
        for face_id, one in sorted(self._watched.items()):
            steps[face_id] = one.take(seen.get(face_id), now_ns)
            one.minute.see(now_ns, one.gates(seen.get(face_id)))
        self._forget_gone(now_ns)
        return steps

    def _forget_gone(self, now_ns: int) -> None:
        """Drop the spotters of faces whose id will not come back."""
        for face_id, one in list(self._watched.items()):
            if now_ns - one.seen_ns > self._forget_ns:
                self._past_gated.update(one.spotter.gated)
                del self._watched[face_id]

    def _result(self, faces: list[AlignedFace], steps: dict[int, Step]) -> CaptureResult:
        candidates = [step.candidate for step in steps.values() if step.candidate is not None]
        motions = {face_id: step.motion for face_id, step in steps.items() if step.motion is not None}
        states: dict[int, str] = {face_id: one.spotter.state for face_id, one in self._watched.items()}
        left_ms = {
            face_id: max(0.0, self._spotter_settings.calibration_ms - one.used_ms)
            for face_id, one in self._watched.items()
            if states[face_id] == "calibrating"
        }
        return CaptureResult(faces, candidates, motions, steps, states, self._shut, left_ms)

    def _shut_gates(self, faces: list[AlignedFace]) -> list[tuple[int | None, Reading]]:
        shut: list[tuple[int | None, Reading]] = [] if faces else [(None, Reading("no_face"))]
        for face in faces:
            reading = face_reading(face.quality, self._face_settings)
            if reading is not None:
                shut.append((face.face_id, reading))
        least_hz = self._spotter_settings.min_rate_hz
        if self._rate.span_ns >= _RATE_KNOWN_NS and self.distinct_hz < least_hz:
            shut.append((None, Reading("low_frame_rate", self.distinct_hz, least_hz)))
        return shut

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        start_ns = time.perf_counter_ns()
        yield
        self.timings[stage].add((time.perf_counter_ns() - start_ns) / 1e6)


@dataclass(eq=False)
class _Watched:
    """A face's spotter, when the face was last seen, and when it was last good enough to be judged."""

    spotter: Spotting
    seen_ns: int
    used_ns: int
    since_ns: int
    """From here on it was good enough without a break."""
    lost: bool = False
    has_more: bool = False
    """Its spotter may have more to say of the loss."""
    said_lost: set[str] = field(default_factory=set)
    """Events of which it was said since."""
    motion: Motion | None = None
    """The newest sample of its signal."""
    minute: WatchedMinute = field(default_factory=WatchedMinute)

    def gates(self, face: AlignedFace | None) -> dict[Half, Gate | None]:
        """What keeps each half of the face from being watched now."""
        for_both: Gate | None = "face_lost" if face is None else face.quality.problem
        if for_both is None and self.spotter.state == "calibrating":
            for_both = "calibrating"
        motion = self.motion
        return {half: for_both or (None if motion is None else motion.gate_of(half)) for half in HALVES}

    def limit_px(self, half: Half) -> float | None:
        return None if self.motion is None or self.lost else self.motion.limit_px(half)

    @property
    def used_ms(self) -> float:
        """How long it has been good enough without a break."""
        return (self.used_ns - self.since_ns) / 1e6

    def take(self, face: AlignedFace | None, now_ns: int) -> Step:
        step = self._step(face, now_ns)
        self.motion = step.motion or self.motion
        return step

    def _step(self, face: AlignedFace | None, now_ns: int) -> Step:
        self.seen_ns = now_ns if face is not None else self.seen_ns
        problem = "face_lost" if face is None else face.quality.problem
        if face is not None and problem is None:
            if self.lost:
                self.since_ns = now_ns
            self.used_ns, self.lost = now_ns, False
            self.said_lost.clear()
            return self.spotter.update(face)
        if (self.lost and not self.has_more) or now_ns - self.used_ns <= _LOST_AFTER_MS * 1e6:
            return Step()
        self.lost = True
        return self.say_lost(now_ns, problem or "face_lost")

    def say_lost(self, now_ns: int, reason: Gate) -> Step:
        """Tell the spotter that the face is lost. Of several events that it retracts it tells one at a time; what it says
        twice is passed over."""
        step = self.spotter.lost(now_ns, reason)
        self.has_more = step.candidate is not None and step.candidate.event_id not in self.said_lost
        if step.candidate is None:
            return step
        self.said_lost.add(step.candidate.event_id)
        return step if self.has_more else Step()
