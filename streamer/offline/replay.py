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
from streamer.acquire.capture import CaptureStage
from streamer.stream.clocks import SessionClock, capture_clock
from streamer.stream.internal import Stamps
from streamer.stream.messages import MotionPace, Stamper, answer_of, emotion_message, motion_message, spot_message
from streamer.stream.schema import AnyMessage

if TYPE_CHECKING:
    from streamer.acquire.sources import Source
    from streamer.recognise.worker import Recognising


def events(
    source: Source, stage: CaptureStage, recogniser: Recognising, *, motion_hz: float = 30.0, session: str = "replay"
) -> Iterator[AnyMessage]:
    """Everything that a source has to tell, as `spot`, `motion` and `emotion` messages in the order of its frames."""
    clock = SessionClock()
    stamper = Stamper(session, clock)
    for draft in _drafts(source, stage, recogniser, MotionPace(motion_hz), clock):
        yield stamper.stamp(draft)


def _drafts(
    source: Source, stage: CaptureStage, recogniser: Recognising, pace: MotionPace, clock: SessionClock
) -> Iterator[AnyMessage]:
    first_ns: int | None = None
    for frame in source:
        if frame is None:
            continue
        if first_ns is None:
            first_ns = frame.t_capture_ns
            clock.learn(source.name, capture_clock(source, first_ns))
        result = stage.process(frame)
        for candidate in result.candidates:
            yield from _life(source.name, candidate, recogniser)
        for face_id, motion in result.motions.items():
            if pace.lets_through(face_id, motion.t_capture_ns):
                yield motion_message(source.name, face_id, motion)
    for candidate in stage.finish():
        yield from _life(source.name, candidate, recogniser)


def _life(source: str, candidate: Candidate, recogniser: Recognising) -> Iterator[AnyMessage]:
    """One step in the life of a movement, and what it meant once it is confirmed."""
    yield msgspec.structs.replace(spot_message(source, candidate, Stamps()), latency_ms={})
    if candidate.phase == "confirmed":
        [recognition] = recogniser.recognise([candidate])
        answer = answer_of(candidate, recognition.emotion, recognition.flow_map, recogniser.model_id, recognise_ms=0.0)
        yield emotion_message(source, candidate, answer, latency_ms={})
