"""The command `ahmsa-keys`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from configs.command import program, run_program, say
from streamer.commands.options import Debug

app = program("Keys for the machines of a study.")


def main() -> None:
    """Entry point of `ahmsa-keys`."""
    run_program(app)


@app.command()
def _keys(
    folder: Annotated[Path, typer.Argument(help="Where the keys are, or shall be.")],
    client: Annotated[
        str | None,
        typer.Option(help="Make one more client of the keys that are there, by this name.", show_default=False),
    ] = None,
    debug: Debug = False,  # noqa: ARG001 (run_program acts on it)
) -> None:
    """Make keys: for the machines that publish and recognise, and for those that read.

    All of a study: `ahmsa-keys keys`, then copy the folder to each machine, and say `--curve keys` to every command

    Somebody who shall read, and no more: `ahmsa-keys keys --client anna`, then give away the folder `keys/clients/anna`
    """
    from streamer.stream.curve import make_keys

    for path in make_keys(folder, client):
        say(path)
