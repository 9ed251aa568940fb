"""`ahmsa-data`: look at a database, and turn its frames into flow maps."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ahmsa.databases.root import data_root, keep_root
from configs.command import program, run_program, say
from train.commands.demo import faces_root
from train.commands.options import Apex, Classes, Database, Root, SkipBad
from train.commands.tables import show_check

app = program("Databases: check what is on disk against the official totals, and make flow maps of it.")


@app.command()
def check(
    db: Database,
    data: Root = None,
    classes: Classes = 3,
    official: Annotated[
        Path | None, typer.Option("--official", help="A published class list (combined_3class_gt.csv) to compare key by key.")
    ] = None,
) -> None:
    """Count clips and subjects, compare them with the official totals and name every problem with its file and row.

    Exit code 1 where anything differs.

        ahmsa-data check --db casme2 --data /data/CASME2

        ahmsa-data check --db 3db --data /data --official combined_3class_gt.csv
    """
    from train.prepare.check import check as run_check

    result = run_check(db, faces_root(db, data), classes, official)
    show_check(result)
    if not result.passed:
        raise typer.Exit(1)


@app.command()
def root(
    folder: Annotated[Path | None, typer.Argument(help="The folder below which the databases lie.", show_default=False)] = None,
) -> None:
    """Say once where the databases lie, or see what was said.

    ahmsa-data root /data
    """
    say(str(data_root() if folder is None else keep_root(folder)))


@app.command()
def prepare(
    db: Database,
    data: Root = None,
    classes: Classes = 3,
    apex: Apex = "middle",
    crop_px: Annotated[
        int, typer.Option("--crop", min=64, max=512, help="Side of the aligned crop, px; live uses the same.")
    ] = 128,
    layout: Annotated[str, typer.Option("--layout", help="Map layout: whole, quad or five.")] = "whole",
    cache: Annotated[Path, typer.Option("--cache", help="Where maps are kept, in a folder per database and settings.")] = Path(
        "runs/maps"
    ),
    jobs: Annotated[int, typer.Option("--jobs", min=0, help="Processes; 0 takes one per core, at most 8.")] = 0,
    skip_bad: SkipBad = False,
) -> None:
    """Turn frames into flow maps: dlib landmarks, one alignment per clip, TV-L1 flow from onset to apex, optical strain.

    Finished maps are kept; a run that was killed goes on where it stopped. A contact sheet of all maps is written beside them.

        ahmsa-data prepare --db smic --data /data/SMIC --apex flow-peak
    """
    from train.commands.maps import prepared_maps
    from train.prepare.contact_sheet import write_contact_sheet

    how = {"crop_px": crop_px, "flow": {"layout": layout}, "apex_rule": apex}
    prepared = prepared_maps(db, faces_root(db, data, jobs), how, classes=classes, skip_bad=skip_bad, jobs=jobs, cache=cache)
    sheet = prepared.folder / "contact.png"
    write_contact_sheet(sheet, prepared.maps)
    say(f"{len(prepared.maps)} maps of {len(prepared.maps.subjects)} subjects in {prepared.folder}; look at {sheet}")


def main() -> None:
    """Entry point of `ahmsa-data`; without a command it shows its help, as `ahmsa-spot` does."""
    if len(sys.argv) == 1:
        sys.argv.append("--help")
    run_program(app)
