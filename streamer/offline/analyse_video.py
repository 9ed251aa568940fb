"""One video from its first frame to its last, as the files of a session. Done by a process of this machine or of a cluster."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import msgspec

from ahmsa.errors import AhmsaError, RunError, SourceError
from ahmsa.files import write_whole
from ahmsa.work.scratch import scratch_folder
from configs.schema import LiveSettings
from streamer.acquire.capture import CaptureStage, use_one_core
from streamer.acquire.sources import Source, SourceSpec, open_source
from streamer.offline.replay import events
from streamer.recognise.worker import Recognising, WorkerTask, load_recogniser
from streamer.session.recorder import Recorder
from streamer.stream.schema import StatusMessage, WorkerStatus, encode, topic_of

STATUS_S = 1.0


@dataclass(frozen=True)
class Job:
    """One video of an analysis."""

    name: str
    """As in the tables: unique, and the name of its session's folder."""
    video: Path
    fingerprint: str
    seconds: float = 0.0
    """Its length by its header; 0 where unknown."""


@dataclass(frozen=True)
class Given:
    """What is the same for every video."""

    settings: LiveSettings
    checkpoint: Path | None = None
    device: str = "cpu"
    progress: Path | None = None
    """Folder in which a file of each video's name holds how many of its seconds are done; None: nobody wants to know."""


@dataclass(frozen=True)
class Analysed:
    """What came of it."""

    problem: str | None
    """What was wrong with the file, in one sentence."""
    files: dict[str, bytes] = field(default_factory=dict)
    """File name -> content of its session; empty where nothing could be read."""


def analyse_video(given: Given, job: Job, recogniser: Recognising | None = None) -> Analysed:
    """The same events as `ahmsa-live --video`. An error of the file is part of the answer; others are raised.

    recogniser: one of your own; None: that of the checkpoint.
    """
    use_one_core()
    settings = given.settings
    recogniser = recogniser or _recogniser(given.checkpoint, settings, given.device)
    try:
        source = open_source(SourceSpec("video", str(job.video)), settings.source, as_fast_as_possible=True)
    except SourceError as error:
        return Analysed(str(error))
    with source, scratch_folder() as scratch:
        folder = scratch / "session"
        recorder = Recorder(
            folder,
            session=job.name,
            source=source.name,
            settings=msgspec.to_builtins(settings),
            video=str(job.video),
            fingerprint=job.fingerprint,
        )
        stage = CaptureStage(settings.face, settings.spotter)
        problem = record_source(source, stage, recogniser, recorder, given, job.name)
        return Analysed(problem, {path.name: path.read_bytes() for path in sorted(folder.iterdir())})


def record_source(
    source: Source, stage: CaptureStage, recogniser: Recognising, recorder: Recorder, given: Given, session: str
) -> str | None:
    """Everything that a source has to tell, into a session's files; closes the stage and the recorder. Returns what was wrong
    with the source, or None. Raises RunError where the files cannot be written: what is there of them is no session."""
    worker = WorkerStatus(state="ready", device=recogniser.device, model=recogniser.model_id)
    problem = None
    with contextlib.ExitStack() as on_failure:
        on_failure.callback(recorder.close, "failed")
        with stage:
            told = events(
                source, stage, recogniser, motion_hz=given.settings.stream.motion_hz, status_s=STATUS_S, session=session
            )
            while True:
                try:
                    message = next(told, None)
                except AhmsaError as error:
                    problem = str(error)
                    break
                if message is None:
                    break
                if isinstance(message, StatusMessage):
                    message = msgspec.structs.replace(message, worker=worker, recording="events")
                    if given.progress is not None:
                        write_whole(given.progress / session, f"{message.t_capture_ns / 1e9:.1f}")
                recorder.take(topic_of(message), encode(message))
        on_failure.pop_all()
    if not recorder.close("source ended" if problem is None else "failed", problem):
        raise RunError(f"{recorder.folder} cannot be written to its end: make room there, and run again")
    return problem


@lru_cache(maxsize=1)
def _recogniser(checkpoint: Path | None, settings: LiveSettings, device: str) -> Recognising:
    """One for all videos of a process."""
    return load_recogniser(WorkerTask("", checkpoint, settings.recogniser, device))
