"""Options that several commands share: where the faces are, and how maps are made of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_DATA = typer.Option(
    "--data",
    help="The folder that holds the database as distributed.  [default: what `ahmsa-data root` or AHMSA_DATA says]",
    show_default=False,
)

Database = Annotated[
    str,
    typer.Option("--db", help="smic, samm, casme2, casme3, 3db (the first three below one folder), or demo: generated faces."),
]
Root = Annotated[Path | None, _DATA]
Maps = Annotated[Path | None, typer.Option("--maps", help="Folder of ready-made flow maps in the published layout.")]
Classes = Annotated[int, typer.Option("--classes", help="With --data: 3, or 4 or 7 for casme3.")]
Apex = Annotated[
    str,
    typer.Option("--apex", help="With --data: apex where none is annotated (all of SMIC): middle, or flow-peak (slower)."),
]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="With --data: leave out clips that cannot be used, naming each.")]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or mps.")]
