"""`ahmsa-report SESSION`: the page, its pictures as files, and with a video what it looked like."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ahmsa.files import write_whole
from streamer.session.report.crossings import crossings_without_event
from streamer.session.report.page import Pictures, page
from streamer.session.report.timeline import strips
from streamer.session.session import Session

PAGE, OVERLAY = "report.html", "overlay.mp4"


def write_report(session: Session, folder: Path, videos: Mapping[str, Path] | None = None) -> Path:
    """Write report.html and its pictures into `folder`; returns the page.

    videos: source -> its video; with one, the page shows onset, apex and flow of the source's movements, and overlay.mp4 (of
    several sources overlay-<source>.mp4) lies beside it. Raises RunError where something cannot be written, SourceError where
    a video cannot be read.
    """
    crossings = crossings_without_event(session)
    timelines = {face: list(strips(session, face, crossings)) for face in session.signals}
    for (source, face_id), found in timelines.items():
        for number, strip in enumerate(found, start=1):
            write_whole(folder / f"timeline-{source}-{face_id}-{number:03d}.png", strip.png, private=True)
    pictures = _pictures(session, folder, videos or {})
    for one in pictures.events:
        write_whole(folder / f"event-{one.event_id}.png", one.png, private=True)
    write_whole(folder / PAGE, page(session, timelines, crossings, pictures), private=True)
    return folder / PAGE


def videos_of(session: Session) -> dict[str, Path]:
    """Source -> the video that it was read from or was recorded as; without those that have none, or whose has gone."""
    sources = session.record.source.split()
    found = {source: session.folder / f"{source}.mkv" for source in sources}
    if len(sources) == 1 and session.record.video is not None and not found[sources[0]].is_file():
        found[sources[0]] = Path(session.record.video)
    return {source: path for source, path in found.items() if path.is_file()}


def _pictures(session: Session, folder: Path, videos: Mapping[str, Path]) -> Pictures:
    if not videos:
        return Pictures()
    from streamer.session.report.pictures import pictures_of  # brings the tracker and the flow

    pictures = Pictures()
    for source, video in videos.items():
        overlay = folder / (OVERLAY if len(videos) == 1 else f"overlay-{source}.mp4")
        mine = pictures_of(session, source, video, overlay)
        pictures.events.extend(mine.events)
        pictures.overlays.extend(mine.overlays)
    return pictures
