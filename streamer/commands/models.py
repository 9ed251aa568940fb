"""The command `ahmsa-models`: the face models on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from configs.command import program, run_program, say

app = program("The face models: fetch them, and say where they lie.")


@app.command()
def _run(
    to: Annotated[
        Path | None, typer.Option(help="Put them into this folder, for a machine without a network.", show_default=False)
    ] = None,
) -> None:
    """Fetch the two face models (1.4 MB out of a download of 36 MB, once), check them and say where they lie.

    Every command that looks for faces does this by itself at its first run; this one is for machines that will have no network:
    `ahmsa-models --to models`, copy the folder there, and set AHMSA_MODELS to it.
    """
    from ahmsa.face.models import DETECTOR, FOLDER_VARIABLE, LANDMARKS, fetch, model_file

    if to is not None:
        fetch(to)
        say(f"the face models and their licence are in {to}; set {FOLDER_VARIABLE} to that folder where they are needed")
        return
    for name in (DETECTOR, LANDMARKS):
        say(f"{model_file(name)} (checked)")


def main() -> None:
    """Entry point of `ahmsa-models`."""
    run_program(app)
