"""`ahmsa-report SESSION`: the page, its pictures as files, and with a video what it looked like."""

from __future__ import annotations

from pathlib import Path

from ahmsa.files import write_whole
from streamer.session.report.crossings import crossings_without_event
from streamer.session.report.page import Pictures, page
from streamer.session.report.timeline import strips
from streamer.session.session import Session

PAGE, OVERLAY = "report.html", "overlay.mp4"


def write_report(session: Session, folder: Path, video: Path | None = None) -> Path:
    """Write report.html and its pictures into `folder`; returns the page. With a video: pictures of every movement's onset,
    apex and flow, and overlay.mp4. Raises RunError where something cannot be written, SourceError where the video cannot be
    read."""
    crossings = crossings_without_event(session)
    timelines = {face: list(strips(session, face, crossings)) for face in session.signals}
    for (source, face_id), found in timelines.items():
        for number, strip in enumerate(found, start=1):
            write_whole(folder / f"timeline-{source}-{face_id}-{number:03d}.png", strip.png, private=True)
    pictures = Pictures()
    if video is not None:
        from streamer.session.report.pictures import pictures_of

        pictures = pictures_of(session, video, folder / OVERLAY)
        for one in pictures.events:
            write_whole(folder / f"event-{one.event_id}.png", one.png, private=True)
    write_whole(folder / PAGE, page(session, timelines, crossings, pictures), private=True)
    return folder / PAGE


def video_of(session: Session) -> Path | None:
    """The video that a session was made from, or has recorded; None where there is none, or it has gone."""
    recorded = session.folder / f"{session.record.source}.mkv"
    named = Path(session.record.video) if session.record.video is not None else recorded
    return next((path for path in (recorded, named) if path.is_file()), None)
