"""The spotter on a database of long videos, scored as the field scores."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ahmsa.databases.long_videos import LongVideos
from configs.schema import LiveSettings
from spotting.evaluate.plots import plot_record
from spotting.evaluate.record import Record
from spotting.evaluate.scoring import Interval, labels_of
from spotting.spotter import Step
from streamer.acquire.capture import CaptureStage, use_one_core
from streamer.acquire.sources import SourceSpec, open_source

if TYPE_CHECKING:
    from streamer.acquire.input_check import InputCheck
    from streamer.acquire.sources import Source


def spot_videos(found: LongVideos, settings: LiveSettings, plots: Path | None) -> Iterator[tuple[str, list[Interval], float]]:
    """(video, predictions, minutes) one after the other; predictions in ms after the video's first frame."""
    for video in found.videos:
        source_settings = msgspec.structs.replace(settings.source, fps=video.fps)
        with open_source(SourceSpec("images", str(video.frames.path)), source_settings, as_fast_as_possible=True) as source:
            record = spot_source(source, settings)
        if plots is not None:
            plot_record(record, plots / f"{video.name}.png", video.name, labels_of(video))
        predicted = [
            Interval(video.name, spot.onset_ms, spot.apex_ms, spot.offset_ms, spot.kind)
            for spot in record.movements
            if not spot.gate
        ]
        yield video.name, predicted, len(video.frames) / video.fps / 60


def spot_source(
    source: Source, settings: LiveSettings, seconds: float | None = None, check: InputCheck | None = None
) -> Record:
    """Everything that the spotter says about a source, or about its first seconds; `check` is told of every frame."""
    use_one_core()
    record, first_ns = Record(), None
    with CaptureStage(settings.face, settings.spotter) as stage:
        for frame in source:
            if frame is None:
                continue
            first_ns = frame.t_capture_ns if first_ns is None else first_ns
            if seconds is not None and frame.t_capture_ns - first_ns > seconds * 1e9:
                break
            processed = stage.processed
            result = stage.process(frame)
            if check is not None and stage.processed > processed:
                check.see(frame.t_capture_ns, [face.face_id for face in result.faces])
            for step in result.steps.values():
                record.take(step)
        for candidate in stage.finish():
            record.take(Step(candidate=candidate))
    return record
