"""The whole program in one process and one thread: source -> capture stage -> recogniser -> messages.

`ahmsa-live` puts process borders between the same stages; here one can read, step through and test what happens to a frame.
From the same file both give the same messages, in the same order per topic. A replay waits for nothing, so its messages carry
no latencies; only the publication times differ from one replay to the next.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from ahmsa.types import Candidate
from streamer.acquire.capture import CaptureResult, CaptureStage
from streamer.acquire.status import status_message
from streamer.stream.clocks import SessionClock, capture_clock
from streamer.stream.internal import Stamps
from streamer.stream.messages import MotionPace, Stamper, answer_of, emotion_message, motion_message, spot_message
from streamer.stream.schema import AnyMessage, CaptureClock, SourceState, StatusMessage

if TYPE_CHECKING:
    from streamer.acquire.sources import Source
    from streamer.recognise.worker import Recognising


def events(
    source: Source,
    stage: CaptureStage,
    recogniser: Recognising,
    *,
    motion_hz: float = 30.0,
    status_s: float | None = None,
    session: str = "replay",
) -> Iterator[AnyMessage]:
    """Everything that a source has to tell, as `spot`, `motion` and `emotion` messages in the order of its frames.

    status_s: with a `status` every so many seconds of the source's own time, and at its end; None: without.
    """
    clock = SessionClock()
    stamper = Stamper(session, clock)
    for draft in _drafts(source, stage, recogniser, MotionPace(motion_hz), clock, _Reports(source, stage, status_s)):
        yield stamper.stamp(draft)


class _Reports:
    """Status messages, by the source's own time."""

    def __init__(self, source: Source, stage: CaptureStage, every_s: float | None) -> None:
        self._source, self._stage, self._every_s = source, stage, every_s
        self._newest: CaptureResult | None = None
        self._t_ns = self._reported_ns = 0

    def due(self, t_capture_ns: int, result: CaptureResult, clock: CaptureClock) -> Iterator[StatusMessage]:
        self._newest, self._t_ns = result, t_capture_ns
        if self._every_s is not None and (not self._reported_ns or t_capture_ns - self._reported_ns >= self._every_s * 1e9):
            self._reported_ns = t_capture_ns
            yield from self.last(clock)

    def last(self, clock: CaptureClock | None, state: SourceState = "online") -> Iterator[StatusMessage]:
        if self._every_s is not None and self._newest is not None:
            status = status_message(self._source, self._stage, self._newest, self._t_ns, clock)
            yield msgspec.structs.replace(status, state=state)


def _drafts(
    source: Source, stage: CaptureStage, recogniser: Recognising, pace: MotionPace, clock: SessionClock, reports: _Reports
) -> Iterator[AnyMessage]:
    times: CaptureClock | None = None
    for frame in source:
        if frame is None:
            continue
        if times is None:
            times = capture_clock(source, frame.t_capture_ns)
            clock.learn(source.name, times)
        result = stage.process(frame)
        yield from reports.due(frame.t_capture_ns, result, times)
        for candidate in result.candidates:
            yield from _life(source.name, candidate, recogniser)
        for face_id, motion in result.motions.items():
            if pace.lets_through(face_id, motion.t_capture_ns, always=motion.rejected is not None):
                yield motion_message(source.name, face_id, motion, result.states.get(face_id))
    for candidate in stage.finish():
        yield from _life(source.name, candidate, recogniser)
    yield from reports.last(times, "ended")


def _life(source: str, candidate: Candidate, recogniser: Recognising) -> Iterator[AnyMessage]:
    """One step in the life of a movement, and what it meant once it is confirmed."""
    yield msgspec.structs.replace(spot_message(source, candidate, Stamps()), latency_ms={})
    if candidate.phase == "confirmed":
        [recognition] = recogniser.recognise([candidate.pair])
        answer = answer_of(candidate, recognition.emotion, recognition.flow_map, recogniser.model_id, recognise_ms=0.0)
        yield emotion_message(source, candidate, answer, latency_ms={})
