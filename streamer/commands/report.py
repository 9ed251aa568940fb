"""`ahmsa-report SESSION...`: a page about recorded sessions. (About training runs: train/commands/report.py.)"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ahmsa.errors import UsageError
from configs.command import program, run_program, say

app = program("A page about a recorded session.")


@app.command()
def _report(
    sessions: Annotated[list[Path], typer.Argument(metavar="SESSION...", help="Folders that --record or ahmsa-analyse made.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder to write into. Default: `report` in each session.", show_default=False)
    ] = None,
    video: Annotated[
        Path | None,
        typer.Option(help="The video, where it is not the one that was analysed or recorded.", show_default=False),
    ] = None,
    pictures: Annotated[
        bool, typer.Option("--pictures/--no-pictures", help="Pictures of faces, where there is a video.")
    ] = True,
) -> None:
    """Write report.html (one file, pictures inside) about a session: timeline, movements, markers, what was not seen and why.

    Where the session's video is at hand, the page shows onset, apex and flow of every movement, and overlay.mp4 lies beside it.

    Example: `ahmsa-report out/p01`
    """
    from streamer.session.report.report import videos_of, write_report
    from streamer.session.session import load_session

    if video is not None and len(sessions) > 1:
        raise UsageError("--video belongs to one session; name one")
    for folder in sessions:
        session = load_session(folder)
        target = folder / "report" if out is None else out / folder.resolve().name if len(sessions) > 1 else out
        videos = {session.record.source: video} if video is not None else videos_of(session)
        say(str(write_report(session, target, videos if pictures else {})))


def main() -> None:
    """Entry point for sessions; `configs/report.py` chooses it."""
    run_program(app)
