"""The capture process: frames -> capture stage -> the hub. Its loop, and how it reports on itself."""

from __future__ import annotations

import contextlib
import dataclasses
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, monotonic_ns

import msgspec
import zmq

from ahmsa.types import Candidate, Frame
from configs.schema import LiveSettings
from streamer.acquire.capture import CaptureResult, CaptureStage, use_one_core
from streamer.acquire.preview import Preview
from streamer.acquire.sources import Source, SourceSpec, open_source
from streamer.acquire.status import status_message
from streamer.session.video import VideoKind, VideoRecorder
from streamer.stream.clocks import capture_clock
from streamer.stream.internal import CANDIDATE, CAPTURE_HWM, ENDED, MESSAGE, Stamps, parts_of
from streamer.stream.messages import MotionPace, motion_message
from streamer.stream.schema import CaptureClock, encode
from streamer.stream.sockets import connected, make_socket

_CHANGE_GAP_S = 0.1
_GRABS_KEPT = 512


@dataclass(frozen=True)
class CaptureTask:
    """What the capture process is given at its start."""

    source: SourceSpec
    settings: LiveSettings
    endpoint: str
    as_fast_as_possible: bool = False
    start: int = 0
    """How often this process was restarted: it is part of the event ids of later starts."""
    token: bytes = b""
    """Known to the hub and this process only."""
    event_prefix: str = ""
    """Put before every event id, where several sources share a session."""
    record_video: Path | None = None
    """Folder to keep the frames in; None keeps none."""
    video_kind: VideoKind = "exact"
    preview_endpoint: str | None = None
    """Where the page's server takes pictures; None where there is no page."""


def run_capture(task: CaptureTask, stopped: Callable[[], bool]) -> None:
    """Capture until the source ends or `stopped()`. Raises AhmsaError where the source fails; what was found is sent first."""
    use_one_core()
    settings = task.settings
    with (
        Outlet(task.endpoint, stopped, task.token) as outlet,
        open_source(task.source, settings.source, as_fast_as_possible=task.as_fast_as_possible) as source,
        CaptureStage(settings.face, settings.spotter) as stage,
        contextlib.ExitStack() as extras,
    ):
        outlet.may_drop = source.live
        video = None
        if task.record_video is not None:
            name = f"{source.name}-r{task.start}" if task.start else source.name
            video = VideoRecorder(task.record_video, name, source.nominal_hz, task.video_kind)
            extras.callback(video.close)
        preview = None
        if task.preview_endpoint is not None:
            preview = Preview(outlet.context, task.preview_endpoint, source.name)
            extras.callback(preview.close)
        loop = CaptureLoop(task, source, stage, outlet, video, preview)
        try:
            loop.run(stopped)
        finally:
            loop.finish()


class Outlet:
    """The PUSH socket to the hub. A live source's messages are dropped, and counted, rather than waited with."""

    def __init__(self, endpoint: str, stopped: Callable[[], bool], token: bytes = b"") -> None:
        """token: first part of every message, by which the hub recognises its sender."""
        self._token = token
        self.may_drop = False
        self.dropped = 0
        self._stopped = stopped
        self.context = zmq.Context()
        # The hub reads until `ended`; half a second is for what is on its way when the process ends by an error.
        self._socket = make_socket(self.context, zmq.PUSH, high_water_mark=CAPTURE_HWM, linger_ms=500)
        connected(self._socket, endpoint)

    def send(self, frames: list[bytes]) -> None:
        while not self._socket.poll(0 if self.may_drop else 100, zmq.POLLOUT):
            if self.may_drop or self._stopped():
                self.dropped += 1
                return
        self._socket.send_multipart([self._token, *frames])

    def __enter__(self) -> Outlet:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self.context.term()


class CaptureLoop:
    """Frames through the stage, and its results to the outlet."""

    def __init__(
        self,
        task: CaptureTask,
        source: Source,
        stage: CaptureStage,
        outlet: Outlet,
        video: VideoRecorder | None = None,
        preview: Preview | None = None,
    ) -> None:
        self._task, self._source, self._stage, self._outlet = task, source, stage, outlet
        self._video, self._preview = video, preview
        self._pace = MotionPace(task.settings.stream.motion_hz)
        self._grabbed_ns: OrderedDict[int, int] = OrderedDict()
        self._t_capture_ns = 0
        self._clock: CaptureClock | None = None
        self._result = CaptureResult([], [], {}, {}, {}, [], {})
        self._sent_state: tuple[object, ...] = ()
        self._sent_s = 0.0

    def run(self, stopped: Callable[[], bool]) -> None:
        for frame in self._source:
            if frame is not None:
                self._take(frame)
            self._report()
            if stopped():
                return

    def finish(self) -> None:
        """The source has ended: retract what is open, account for every frame, and notify the hub."""
        for candidate in self._stage.finish():
            self._send_candidate(candidate)
        self._send_status()
        self._outlet.send([ENDED])

    def _take(self, frame: Frame) -> None:
        # A camera stamps its frames on this clock; a file's frame arrives now.
        self._grabbed_ns[frame.index] = frame.t_capture_ns if self._source.live else monotonic_ns()
        while len(self._grabbed_ns) > _GRABS_KEPT:
            self._grabbed_ns.popitem(last=False)
        self._t_capture_ns = frame.t_capture_ns
        self._clock = self._clock or capture_clock(self._source, frame.t_capture_ns)
        if self._video is not None and self._video.kind != "face":
            self._video.write(frame)
        before = self._stage.processed
        result = self._stage.process(frame)
        if self._stage.processed > before:
            self._result = result
        if self._video is not None and self._video.kind == "face":
            self._video.write(frame, self._result.faces)
        for candidate in result.candidates:
            self._send_candidate(candidate)
        for face_id, motion in result.motions.items():
            if self._pace.lets_through(face_id, motion.t_capture_ns, always=motion.rejected is not None):
                message = motion_message(self._source.name, face_id, motion, result.states.get(face_id))
                self._outlet.send([MESSAGE, encode(message)])
        if self._preview is not None:
            self._preview.show(frame, self._result.faces)

    def _send_candidate(self, candidate: Candidate) -> None:
        now_ns = monotonic_ns()
        if self._task.start or self._task.event_prefix:
            again = f"-r{self._task.start}" if self._task.start else ""
            candidate = dataclasses.replace(candidate, event_id=f"{self._task.event_prefix}{candidate.event_id}{again}")
        stamps = Stamps(apex_grabbed_ns=self._grabbed_ns.get(candidate.apex.index, now_ns), spotted_ns=now_ns)
        self._outlet.send([CANDIDATE, *parts_of(candidate, stamps)])
        if self._preview is not None:
            self._preview.pair(candidate)

    def _report(self) -> None:
        """Send a status every so often, and soon after a change."""
        now_s = monotonic()
        state = (self._source.reason, self._result.gates, self._result.states)
        due_s = _CHANGE_GAP_S if state != self._sent_state else self._task.settings.stream.status_s
        if now_s - self._sent_s >= due_s:
            self._sent_state, self._sent_s = state, now_s
            self._send_status()

    def _send_status(self) -> None:
        status = status_message(self._source, self._stage, self._result, self._t_capture_ns, self._clock)
        if self._outlet.dropped:
            status = msgspec.structs.replace(status, edges={"capture->hub": self._outlet.dropped})
        self._outlet.send([MESSAGE, encode(status)])
