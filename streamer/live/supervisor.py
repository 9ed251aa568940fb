"""The live program: capture processes, workers and hub put together, watched over, and ended in order.

capture processes --> hub (a thread of this process) --> recorder, subscribers: view, yours
                      hub <--> worker processes, or workers elsewhere
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
from collections.abc import Callable
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from time import monotonic, sleep
from types import TracebackType
from typing import TYPE_CHECKING

import msgspec

from ahmsa.errors import CheckpointError, RunError
from ahmsa.work.scratch import scratch_folder
from configs.schema import StreamSettings
from streamer.acquire.sources import check_source
from streamer.live.capture_process import CaptureTask, run_capture
from streamer.live.care import Care
from streamer.live.hub import Hub
from streamer.live.interrupts import InterruptError, output_gone, signals
from streamer.live.jobs import SourceJob, WorkerJob, distinct, error_of
from streamer.live.options import LiveOptions, View
from streamer.live.processes import Child, Keeper, Target, end_children
from streamer.live.source_line import SourceEdge
from streamer.recognise.worker import WorkerTask, check_recogniser, run_worker
from streamer.session.recorder import Recorder
from streamer.stream.client import EmotionStream
from streamer.stream.clocks import SessionClock
from streamer.stream.markers import Answered, MarkerRequest
from streamer.stream.publisher import INPROC
from streamer.stream.schema import AnyMessage, RecordingState, StatusMessage
from streamer.stream.sockets import is_loopback, local_endpoint

if TYPE_CHECKING:
    from streamer.lsl.markers import LslMarkers
    from streamer.lsl.outlets import LslOutlets
    from streamer.web.server import PageServer

_ENDING_S = 5.0
_STEP_S = 0.05
_DRAIN_S = 0.4


def run_live(options: LiveOptions, view: View) -> None:
    """Run until the sources or the duration end. Raises RunError where the job was not done, InterruptError after a signal and
    where the terminal has gone."""
    # What is named wrongly is said at once, and in one sentence, before any process starts.
    for source in options.sources:
        check_source(source)
    if not _elsewhere(options.settings.stream):
        check_recogniser(options.checkpoint, options.settings.device)
    session = LiveSession(options, view.notice)

    def force() -> None:
        session.kill()
        view.forced()

    # Signals outermost: one that comes while things are being undone must not leave them half undone.
    with signals(force) as caught, session as live:
        try:
            view.opened(live.endpoint, live.mark, live.page)
            while not caught and (reason := live.over()) is None and not view.end_wanted:
                message = live.stream.next(_STEP_S)
                if message is not None:
                    live.note(message)
                    view.take(message)
                view.tick()
            live.finish("interrupted" if caught else reason or "ended by key", view.take)
        except RunError:
            # What a signal to the whole group did to the children is no failure of the run.
            if not caught:
                raise
        except OSError as error:
            live.finish("interrupted", _nobody_watches)
            raise output_gone(error) from None
    if caught:
        raise InterruptError(caught[0])


class LiveSession:
    """Everything that runs, as a context: whatever happens inside, nothing is left behind."""

    def __init__(self, options: LiveOptions, notice: Callable[[str], None]) -> None:
        self._options, self._notice = options, notice
        self._settings = options.settings
        self._first_frame_s: float | None = None
        self._ended_s: float | None = None
        self._reason = "failed"
        self._folder: Path | None = None
        self._page: PageServer | None = None
        self._lsl: list[LslOutlets | LslMarkers] = []
        self._preview_endpoint: str | None = None
        self.id = f"{datetime.now(timezone.utc):%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"

    def __enter__(self) -> LiveSession:
        with contextlib.ExitStack() as on_the_way:
            self._start(on_the_way)
            self._cleanup = on_the_way.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._cleanup.__exit__(kind, error, trace)

    @property
    def endpoint(self) -> str:
        """Where to subscribe."""
        return self._hub.endpoint

    @property
    def children(self) -> list[Child]:
        """The processes that it has started."""
        return self._care.children

    @property
    def page(self) -> str | None:
        """Address of the page, with its token; None where there is none."""
        return None if self._page is None else self._page.address

    def mark(
        self,
        text: str,
        value: float | None = None,
        *,
        source: str = "keyboard",
        t_monotonic_ns: int | None = None,
        answered: Answered | None = None,
    ) -> None:
        """Set a marker, from any thread; `answered` is called from the hub's thread once it is in the record, or refused."""
        self._hub.mark(MarkerRequest(text=text, value=value, source=source, t_monotonic_ns=t_monotonic_ns), answered)

    def note(self, message: AnyMessage) -> None:
        """Learn from the stream when the first frame was there."""
        if isinstance(message, StatusMessage) and message.processed and self._first_frame_s is None:
            self._first_frame_s = monotonic()

    def over(self) -> str | None:
        """Look after everything; returns why the run is over, or None. Raises RunError where something of our own broke."""
        self._hub.check()
        if self._page is not None:
            self._page.check()
        for lsl in self._lsl:
            lsl.check()
        self._care.look()
        self._check_crop()
        if self._care.failure is not None:
            return "failed"
        jobs = self._care.sources
        ended = [job.is_file and self._hub.has_ended(job.name) for job in jobs]
        if all(has_ended or job.failure for has_ended, job in zip(ended, jobs, strict=True)):
            return self._sources_ended() if any(ended) else "failed"
        duration_s = self._options.duration_s
        if duration_s is not None and self._first_frame_s is not None and monotonic() - self._first_frame_s >= duration_s:
            return "duration"
        return None

    def finish(self, reason: str, take: Callable[[AnyMessage], None]) -> None:
        """End in order: capture, worker, hub, recorder. `take` gets the last messages. Raises where the job was not done."""
        unanswered, waiting_s = self._end_children()
        failure = self._care.failure or next((job.failure for job in self._care.sources if job.failure), None)
        self._reason = reason if failure is None or reason == "interrupted" else "failed"
        self._hub.stop(self._reason)
        while (message := self.stream.next(0)) is not None:
            take(message)
        if failure is not None:
            raise failure
        if self._hub.refusals:
            [(sentence, times), *others] = self._hub.refusals.most_common()
            also = f" (and {sum(count for _, count in others)} for other reasons)" if others else ""
            raise RunError(f"the recogniser refused {times} movement(s): {sentence}{also}")
        was_never_there = self._hub.worker_crop_px is None
        # A movement of the last moment may lack its answer when a run is ended; one without any recogniser may not, nor one
        # that has waited for long.
        waits_long = waiting_s > self._options.answers_s / 2
        is_lost = reason == "source ended" or (reason == "duration" and was_never_there) or waits_long
        if unanswered and is_lost:
            said = f" (it said: {self._hub.complaint})" if self._hub.complaint else ""
            where = " and ".join(self._worker_endpoints)
            raise RunError(f"{unanswered} movement(s) got no answer from the recogniser at {where}; is it running?{said}")

    def kill(self) -> None:
        """The second Ctrl-C: no questions asked."""
        for child in self._care.children:
            child.kill()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self, cleanup: contextlib.ExitStack) -> None:
        """Start everything; `cleanup` learns how to undo it, last first. What `finish` has ended may be ended again."""
        options, stream = self._options, self._settings.stream
        recording: RecordingState = "video" if options.record_video else "events" if options.record else "off"
        self._folder = folder = cleanup.enter_context(scratch_folder())
        own = [] if stream.worker else range(stream.workers)
        self._worker_endpoints = _elsewhere(stream) or [local_endpoint(folder, f"worker{number}") for number in own]
        specs = distinct(list(options.sources))
        jobs: list[SourceJob] = []
        for number, spec in enumerate(specs):
            edge = SourceEdge(
                name=spec.name,
                endpoint=local_endpoint(folder, f"capture{number}"),
                lossless=spec.kind not in ("camera", "url"),
                token=secrets.token_bytes(16),
            )
            jobs.append(SourceJob(spec, edge, f"{spec.name}-" if len(specs) > 1 else ""))
        record, clock = None, SessionClock()
        if options.record is not None:
            settings = msgspec.to_builtins(self._settings)
            names = " ".join(job.name for job in jobs)
            recorder = Recorder(options.record, session=self.id, source=names, settings=settings, started=clock.start)
            cleanup.push(partial(self._close_record, recorder))
            record = recorder.take
        self._hub = Hub(
            stream,
            session=self.id,
            sources=[job.edge for job in jobs],
            worker_endpoints=self._worker_endpoints,
            recording=recording,
            record=record,
            clock=clock,
        )
        cleanup.callback(self._hub.close)
        self._care = Care(self._hub, stream.status_s, self._notice)
        # It listens before the first message, in this process, with a queue without limit: it sees every message.
        self.stream = EmotionStream(INPROC, topics=[""], high_water_mark=0, context=self._hub.context)
        cleanup.callback(self.stream.close)
        if options.web_port is not None:
            self._serve_page(options.web_port, local_endpoint(folder, "preview"), cleanup)
        self._connect_lsl(cleanup)
        self._warn()
        self._hub.start()
        cleanup.callback(lambda: self._hub.stop(self._reason))
        cleanup.callback(lambda: end_children(self._care.children))
        self._care.sources = jobs
        for job in jobs:
            name = "capture" if len(jobs) == 1 else f"capture {job.name}"
            make_task = partial(self._capture_task, job)
            job.keeper = self._keep(name, run_capture, make_task, may_restart=not job.is_file)
        for number in own:
            name = "worker" if stream.workers == 1 else f"worker {number + 1}"
            keeper = self._keep(name, run_worker, partial(self._worker_task, number), may_restart=True)
            self._care.workers.append(WorkerJob(number, keeper))

    def _close_record(self, recorder: Recorder, kind: type[BaseException] | None, *_: object) -> None:
        """Raises RunError where the end could not be written, unless the run has failed already."""
        if not recorder.close(self._reason) and kind is None:
            raise RunError(
                f"the end of the session could not be written into {recorder.folder}; what was written before is kept"
            )

    def _serve_page(self, port: int, preview_endpoint: str, cleanup: contextlib.ExitStack) -> None:
        from streamer.web.server import PageServer  # brings the web framework, which only the page needs

        self._page = PageServer(self._hub.context, port, preview_endpoint, self.mark)
        cleanup.callback(self._page.close)
        self._preview_endpoint = preview_endpoint

    def _connect_lsl(self, cleanup: contextlib.ExitStack) -> None:
        from streamer.lsl.markers import LslMarkers
        from streamer.lsl.outlets import LslOutlets

        if self._options.lsl:
            self._lsl.append(LslOutlets(self._hub.context))
            self._notice("LSL announces events and signal to the whole local network: anyone on it can read them")
        self._lsl += [LslMarkers(name, self._hub.mark) for name in self._options.markers_lsl]
        for lsl in self._lsl:
            cleanup.callback(lsl.close)
            lsl.start()

    def _keep(self, name: str, target: Target, make_task: Callable[[int], object], *, may_restart: bool) -> Keeper:
        return Keeper(name, target, make_task, may_restart=may_restart, leftovers=self._folder, debug=self._options.debug)

    def _capture_task(self, job: SourceJob, restarts: int) -> CaptureTask:
        options = self._options
        job.activity_at_start = self._hub.activity_of(job.name)
        return CaptureTask(
            source=job.spec,
            settings=self._settings,
            endpoint=job.edge.endpoint,
            token=job.edge.token,
            event_prefix=job.prefix,
            as_fast_as_possible=options.as_fast_as_possible,
            start=restarts,
            record_video=options.record if options.record_video else None,
            video_kind=options.record_video or "exact",
            preview_endpoint=self._preview_endpoint,
        )

    def _worker_task(self, number: int, _: int) -> WorkerTask:
        return WorkerTask(
            endpoint=self._worker_endpoints[number],
            checkpoint=self._options.checkpoint,
            settings=self._settings.recogniser,
            device=self._settings.device,
        )

    def _warn(self) -> None:
        if self._settings.stream.curve is not None:
            return
        if not is_loopback(self._hub.endpoint):
            self._notice(f"the stream at {self._hub.endpoint} can be read by anyone on that network: it has no password")
        for endpoint in self._worker_endpoints:
            if not is_loopback(endpoint):
                self._notice(f"pictures of faces are sent to {endpoint}, unencrypted")

    def _check_crop(self) -> None:
        theirs, ours = self._hub.worker_crop_px, self._settings.face.crop_px
        if theirs is not None and theirs != ours and self._care.failure is None:
            self._care.failure = CheckpointError(
                f"the recogniser's checkpoint was trained on {theirs} px crops, but face.crop_px is {ours}; set it to {theirs}"
            )

    def _sources_ended(self) -> str | None:
        """The files are through: over as soon as the recogniser has answered what it was asked, or will not."""
        self._ended_s = self._ended_s or monotonic()
        gone = bool(self._care.workers) and not self._care.has_workers
        if self._hub.unanswered and not gone and monotonic() - self._ended_s < self._options.answers_s:
            return None
        # Its process ends by itself, and may have something to say about the file: that it is cut off.
        ending = any(job.is_file and job.keeper is not None and job.keeper.child.alive for job in self._care.sources)
        if ending and monotonic() - self._ended_s < _ENDING_S:
            return None
        return "source ended"

    def _end_children(self) -> tuple[int, float]:
        """End capture first, so that its last candidates and their answers still arrive. Returns how many answers are missing,
        and for how long nothing has been answered."""
        for job in self._care.sources:
            if job.keeper is not None:
                job.keeper.child.ask_to_stop()
        until_s = monotonic() + _DRAIN_S
        while monotonic() < until_s and not self._all_is_published():
            sleep(0.01)
        unanswered, waiting_s = self._hub.unanswered, self._hub.waiting_s
        end_children(self._care.children)
        for job in self._care.sources:
            # A file that turned out to be cut off: the capture process sent its events first, and its error last.
            death = job.keeper.child.death() if job.keeper is not None else None
            if death is not None and not death.killed and job.failure is None:
                job.failure = error_of(death)
        return unanswered, waiting_s

    def _all_is_published(self) -> bool:
        return all(self._hub.has_ended(job.name) for job in self._care.sources) and not self._hub.unanswered


def _elsewhere(stream: StreamSettings) -> list[str]:
    """Endpoints of recognisers that run elsewhere."""
    return [stream.worker] if isinstance(stream.worker, str) else list(stream.worker or ())


def _nobody_watches(_: AnyMessage) -> None:
    """The terminal has gone."""
