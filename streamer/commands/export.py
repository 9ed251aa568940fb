"""The command `ahmsa-export`."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from configs.command import program, run_program, say

app = program("A recorded session for other programs.")


class Format(str, Enum):
    bids = "bids"
    elan = "elan"
    textgrid = "textgrid"
    parquet = "parquet"
    csv = "csv"


def main() -> None:
    """Entry point of `ahmsa-export`."""
    run_program(app)


@app.command()
def _export(
    sessions: Annotated[list[Path], typer.Argument(metavar="SESSION...", help="Folders that --record or ahmsa-analyse made.")],
    to: Annotated[Format, typer.Option("--to", help="What the other program reads.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder to write into. Default: `export` in each session.", show_default=False)
    ] = None,
    subject: Annotated[
        str | None, typer.Option(help="BIDS: the subject's label. Default: the source's name.", show_default=False)
    ] = None,
    task: Annotated[str, typer.Option(help="BIDS: the task's label.")] = "ahmsa",
) -> None:
    """Write a session's movements, markers and gates as BIDS events, ELAN, Praat TextGrid, Parquet or CSV.

    For R or pandas: `ahmsa-export out/p01 --to csv`

    For ELAN, with its video linked: `ahmsa-export out/study/sessions/p01 --to elan`
    """
    from streamer.session.export.formats import export
    from streamer.session.session import load_session

    for folder in sessions:
        session = load_session(folder)
        for sentence in session.damaged:
            say(f"{sentence}; the line is left out", err=True)
        target = folder / "export" if out is None else out / folder.resolve().name if len(sessions) > 1 else out
        for path in export(session, to.value, target, subject=subject, task=task):
            say(str(path))
