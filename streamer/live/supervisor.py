"""The live program: capture process, worker process and hub put together, watched over, and ended in order.

capture process --> hub (a thread of this process) --> subscribers: view, recorder, yours
                    hub <--> worker process, or a worker elsewhere
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Protocol

import msgspec

from ahmsa.errors import AhmsaError, CheckpointError, RunError, UsageError
from configs.schema import LiveSettings
from streamer.acquire.sources import SourceSpec, check_source
from streamer.live.capture_process import CaptureTask, run_capture
from streamer.live.hub import Hub
from streamer.live.interrupts import InterruptError, signals
from streamer.live.processes import Child, Death, Keeper, Target, end_children
from streamer.recognise.worker import WorkerTask, run_worker
from streamer.session.recorder import Recorder, RecorderThread
from streamer.stream.client import EmotionStream
from streamer.stream.markers import Answered, MarkerRequest
from streamer.stream.publisher import INPROC
from streamer.stream.schema import AnyMessage, RecordingState, StatusMessage
from streamer.stream.sockets import is_loopback, local_endpoint

if TYPE_CHECKING:
    from streamer.web.server import PageServer

_ANSWERS_S = 15.0
"""How long the last movements of a finished file may wait for their answers."""
_STEP_S = 0.05
_LAST_WORDS_S = 0.4


@dataclass(frozen=True, kw_only=True)
class LiveOptions:
    """What one run is told beside its settings."""

    source: SourceSpec
    settings: LiveSettings
    checkpoint: Path | None = None
    """None: the one that ships with the program."""
    duration_s: float | None = None
    """Counted from the first frame."""
    as_fast_as_possible: bool = False
    record: Path | None = None
    record_video: bool = False
    web_port: int | None = None
    """Loopback port of the page, 0 for any free one; None: no page, and no preview pictures."""
    debug: bool = False


Mark = Callable[[str], None]
"""Sets a marker with this text, now."""


class View(Protocol):
    """Someone who watches: a terminal, lines of text, or nobody."""

    @property
    def end_wanted(self) -> bool:
        """The person who watches has asked for the end."""
        ...

    def opened(self, endpoint: str, mark: Mark | None = None, page: str | None = None) -> None:
        """Where to subscribe, who sets markers (None where none can be set), and the address of the page where there is one."""
        ...

    def take(self, message: AnyMessage) -> None: ...
    def notice(self, text: str) -> None: ...
    def tick(self) -> None: ...
    def closed(self) -> None: ...


def run_live(options: LiveOptions, view: View) -> None:
    """Run until the source or the duration ends. Raises RunError where the job was not done, InterruptError after a signal."""
    # What is named wrongly is said at once, and in one sentence, before any process starts.
    check_source(options.source)
    if options.checkpoint is not None and not options.checkpoint.is_file():
        raise CheckpointError.missing(options.checkpoint)
    session = LiveSession(options, view.notice)
    # Signals outermost: one that comes while things are being undone must not leave them half undone.
    with signals(session.kill) as caught, session as live:
        view.opened(live.endpoint, live.mark, live.page)
        while (reason := live.over()) is None and not caught and not view.end_wanted:
            message = live.stream.next(_STEP_S)
            if message is not None:
                live.note(message)
                view.take(message)
            view.tick()
        live.finish(reason or ("interrupted" if caught else "ended by key"), view.take)
    if caught:
        raise InterruptError(caught[0])


class LiveSession:
    """Everything that runs, as a context: whatever happens inside, nothing is left behind."""

    def __init__(self, options: LiveOptions, notice: Callable[[str], None]) -> None:
        self._options, self._notice = options, notice
        self._settings = options.settings
        self._is_file = options.source.kind not in ("camera", "url")
        self._first_frame_s: float | None = None
        self._ended_s: float | None = None
        self._failure: AhmsaError | None = None
        self._reason = "failed"
        self._keepers: list[Keeper] = []
        self._recorder: RecorderThread | None = None
        self._folder: Path | None = None
        self._page: PageServer | None = None
        self._preview_endpoint: str | None = None
        self.id = f"{datetime.now(timezone.utc):%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"

    def __enter__(self) -> LiveSession:
        with contextlib.ExitStack() as on_the_way:
            self._start(on_the_way)
            self._cleanup = on_the_way.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._cleanup.close()

    @property
    def endpoint(self) -> str:
        """Where to subscribe."""
        return self._hub.endpoint

    @property
    def page(self) -> str | None:
        """Address of the page, with its token; None where there is none."""
        return None if self._page is None else self._page.address

    @property
    def children(self) -> list[Child]:
        return [keeper.child for keeper in self._keepers]

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
        for keeper in self._keepers:
            death = keeper.check()
            if death is not None:
                self._mourn(keeper, death)
        self._check_threads()
        self._check_crop()
        if self._failure is not None and not (self._is_file and self._hub.ended.is_set()):
            return "failed"
        if self._is_file and self._hub.ended.is_set():
            return self._source_ended()
        duration_s = self._options.duration_s
        if duration_s is not None and self._first_frame_s is not None and monotonic() - self._first_frame_s >= duration_s:
            return "duration"
        return None

    def finish(self, reason: str, take: Callable[[AnyMessage], None]) -> None:
        """End in order: capture, worker, hub, recorder. `take` gets the last messages. Raises where the job was not done."""
        unanswered = self._end_children()
        self._reason = reason if self._failure is None else "failed"
        self._hub.stop(self._reason)
        while (message := self.stream.next(0)) is not None:
            take(message)
        if self._failure is not None:
            raise self._failure
        if self._hub.refusals:
            sentence, times = self._hub.refusals.most_common(1)[0]
            raise RunError(f"the recogniser refused {times} movement(s): {sentence}")
        was_never_there = self._hub.worker_crop_px is None
        # A movement of the last moment may lack its answer when a duration is over; one without any recogniser may not.
        if unanswered and (reason == "source ended" or (reason == "duration" and was_never_there)):
            raise RunError(
                f"{unanswered} movement(s) got no answer from the recogniser at {self._worker_endpoint}; is it running?"
            )

    def kill(self) -> None:
        """The second Ctrl-C: no questions asked."""
        for child in self.children:
            child.kill()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self, cleanup: contextlib.ExitStack) -> None:
        """Start everything; `cleanup` learns how to undo it, last first. What `finish` has ended may be ended again."""
        options, stream = self._options, self._settings.stream
        recording: RecordingState = "video" if options.record_video else "events" if options.record else "off"
        self._folder = folder = Path(tempfile.mkdtemp(prefix="ahmsa-"))
        cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
        self._worker_endpoint = stream.worker or local_endpoint(folder, "worker")
        self._capture_endpoint = local_endpoint(folder, "capture")
        self._hub = Hub(
            stream,
            session=self.id,
            source=options.source.name,
            capture_endpoint=self._capture_endpoint,
            worker_endpoint=self._worker_endpoint,
            lossless=self._is_file,
            recording=recording,
        )
        cleanup.callback(self._hub.close)
        # Both listen before the first message, in this process, with queues without limit: they see every message.
        self.stream = EmotionStream(INPROC, topics=[""], high_water_mark=0, context=self._hub.context)
        cleanup.callback(self.stream.close)
        if options.record is not None:
            settings = msgspec.to_builtins(self._settings)
            recorder = Recorder(
                options.record, session=self.id, source=options.source.name, settings=settings, started=self._hub.started
            )
            self._recorder = thread = RecorderThread(recorder, self._hub.context, self._hub.marker_recorded)
            cleanup.callback(lambda: thread.close(self._reason))
        if options.web_port is not None:
            self._serve_page(options.web_port, local_endpoint(folder, "preview"), cleanup)
        self._warn()
        self._hub.start()
        cleanup.callback(lambda: self._hub.stop(self._reason))
        cleanup.callback(lambda: end_children(self.children))
        self._keep("capture", run_capture, self._capture_task, may_restart=not self._is_file)
        if stream.worker is None:
            self._keep("worker", run_worker, self._worker_task, may_restart=True)

    def _serve_page(self, port: int, preview_endpoint: str, cleanup: contextlib.ExitStack) -> None:
        from streamer.web.server import PageServer  # brings the web framework, which only the page needs

        self._page = PageServer(self._hub.context, port, preview_endpoint, self.mark)
        cleanup.callback(self._page.close)
        self._preview_endpoint = preview_endpoint

    def _keep(self, name: str, target: Target, make_task: Callable[[int], object], *, may_restart: bool) -> None:
        keeper = Keeper(name, target, make_task, may_restart=may_restart, leftovers=self._folder, debug=self._options.debug)
        self._keepers.append(keeper)

    def _capture_task(self, restarts: int) -> CaptureTask:
        options = self._options
        video = options.record if options.record_video else None
        return CaptureTask(
            source=options.source,
            settings=self._settings,
            endpoint=self._capture_endpoint,
            as_fast_as_possible=options.as_fast_as_possible,
            start=restarts,
            record_video=video,
            preview_endpoint=self._preview_endpoint,
        )

    def _worker_task(self, _: int) -> WorkerTask:
        return WorkerTask(
            endpoint=self._worker_endpoint,
            checkpoint=self._options.checkpoint,
            settings=self._settings.recogniser,
            device=self._settings.device,
        )

    def _warn(self) -> None:
        if not is_loopback(self._hub.endpoint):
            self._notice(f"the stream at {self._hub.endpoint} can be read by anyone on that network: it has no password")
        if not is_loopback(self._worker_endpoint):
            self._notice(f"pictures of faces are sent to {self._worker_endpoint}, unencrypted")

    def _mourn(self, keeper: Keeper, death: Death) -> None:
        again = "" if keeper.gave_up else "; it is being started again"
        if keeper.name == "capture":
            self._hub.source_is("offline", death.how)
        else:
            self._hub.worker_is("lost" if keeper.gave_up else "restarting", keeper.restarts + 1)
        if keeper.gave_up:
            self._fail(death)
        else:
            self._notice(f"the {death.name} process died ({death.how}){again}")

    def _fail(self, death: Death) -> None:
        kind = UsageError if death.exit_code == 2 else RunError
        sentence = death.how if death.explained else f"the {death.name} process died: {death.how}"
        self._failure = self._failure or kind(sentence)

    def _check_threads(self) -> None:
        parts = (self._hub, self._recorder, self._page)
        broken = next((part.failure for part in parts if part is not None and part.failure is not None), None)
        if broken is not None:
            raise RunError(f"the run cannot go on: {type(broken).__name__}: {broken}") from broken

    def _check_crop(self) -> None:
        theirs, ours = self._hub.worker_crop_px, self._settings.face.crop_px
        if theirs is not None and theirs != ours and self._failure is None:
            self._failure = CheckpointError(
                f"the recogniser's checkpoint was trained on {theirs} px crops, but face.crop_px is {ours}; set it to {theirs}"
            )

    def _source_ended(self) -> str | None:
        """The file is through: over as soon as the recogniser has answered what it was asked, or will not."""
        self._ended_s = self._ended_s or monotonic()
        gone = any(keeper.gave_up for keeper in self._keepers if keeper.name == "worker")
        if self._hub.unanswered and not gone and monotonic() - self._ended_s < _ANSWERS_S:
            return None
        return "source ended"

    def _end_children(self) -> int:
        """End capture first, so that its last words and their answers still arrive. Returns how many answers are missing."""
        for keeper in self._keepers:
            if keeper.name == "capture":
                keeper.child.ask_to_stop()
        until_s = monotonic() + _LAST_WORDS_S
        while monotonic() < until_s and (not self._hub.ended.is_set() or self._hub.unanswered):
            sleep(0.01)
        unanswered = self._hub.unanswered
        end_children(self.children)
        for keeper in self._keepers:
            # A file that turned out to be cut off: the capture process told its events first, and its error last.
            death = keeper.child.death()
            if death is not None and not death.killed and self._failure is None:
                self._fail(death)
        return unanswered
