"""The program as a library: what `ahmsa.analyse` and `ahmsa.watch` do. One process, one thread, no sockets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from ahmsa.errors import SourceError
from ahmsa.face.tracker import Detector
from ahmsa.work.scratch import scratch_folder
from configs.schema import LiveSettings
from spotting.settings import SpotterSettings
from spotting.spotter import Spotter
from streamer.acquire.capture import CaptureStage, Spotting
from streamer.acquire.sources import Source, SourceSpec, open_source
from streamer.offline.analyse_video import Given, record_source
from streamer.offline.replay import events
from streamer.recognise.worker import Recognising, WorkerTask, load_recogniser
from streamer.session.recorder import Recorder
from streamer.session.session import Session, SessionEvent, load_session
from streamer.stream.schema import EmotionMessage, SpotMessage

AnySource = Source | str | Path | int


def analyse(
    video: Source | str | Path,
    *,
    out: Path | str | None = None,
    settings: LiveSettings | None = None,
    checkpoint: Path | None = None,
    device: str = "auto",
    detector: Detector | None = None,
    spotter: Callable[[SpotterSettings], Spotting] = Spotter,
    recogniser: Recognising | None = None,
) -> Session:
    """The micro-expressions of a video file, or of a source of your own.

    out: a new folder to keep the session in, as `ahmsa-live --record` does; without one nothing is kept. detector, spotter and
    recogniser: your own instead of FaceMesh, the spotter and the network; a spotter is made for each face. Raises SourceError
    where the video cannot be read to its end, and any other AhmsaError as the commands do.
    """
    given = Given(settings or LiveSettings(), checkpoint, device)
    with (
        _opened(video, given.settings, as_fast_as_possible=True) as source,
        scratch_folder() as scratch,
    ):
        answering = recogniser or load_recogniser(WorkerTask("", checkpoint, given.settings.recogniser, device))
        stage = CaptureStage(given.settings.face, given.settings.spotter, detector, spotter)
        folder = scratch / "session" if out is None else Path(out)
        kept = msgspec.to_builtins(given.settings)
        recorder = Recorder(folder, session=source.name, source=source.name, settings=kept, video=str(video))
        problem = record_source(source, stage, answering, recorder, given, source.name)
        if problem is not None:
            raise SourceError(problem)
        return load_session(folder)


def watch(
    source: AnySource = 0,
    *,
    settings: LiveSettings | None = None,
    checkpoint: Path | None = None,
    device: str = "auto",
    detector: Detector | None = None,
    spotter: Callable[[SpotterSettings], Spotting] = Spotter,
    recogniser: Recognising | None = None,
) -> Iterator[SessionEvent]:
    """The confirmed micro-expressions of a camera (its number), an address, a file or a source of your own, as they come.

    Everything happens between two `next`: a slow loop loses camera frames. `ahmsa-live` and `ahmsa.stream` have processes of
    their own for that. Close the iterator to let go of the camera.
    """
    chosen = settings or LiveSettings()
    with (
        _opened(source, chosen, as_fast_as_possible=False) as opened,
        CaptureStage(chosen.face, chosen.spotter, detector, spotter) as stage,
    ):
        answering = recogniser or load_recogniser(WorkerTask("", checkpoint, chosen.recogniser, device))
        spots: dict[str, SpotMessage] = {}
        for message in events(opened, stage, answering, session=opened.name):
            if isinstance(message, SpotMessage):
                spots[message.event_id] = message
            elif isinstance(message, EmotionMessage):
                yield SessionEvent(spots.pop(message.event_id, None), message)


@contextmanager
def _opened(source: AnySource, settings: LiveSettings, *, as_fast_as_possible: bool) -> Iterator[Source]:
    """What is named, open; a source of the caller's own is the caller's to close."""
    if isinstance(source, int):
        spec = SourceSpec("camera", str(source))
    elif isinstance(source, str) and "://" in source:
        spec = SourceSpec("url", source)
    elif isinstance(source, str | Path):
        spec = SourceSpec("images" if Path(source).is_dir() else "video", str(source))
    else:
        yield source
        return
    with open_source(spec, settings.source, as_fast_as_possible=as_fast_as_possible) as opened:
        yield opened
