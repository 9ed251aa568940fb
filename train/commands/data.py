"""`ahmsa-data`: look at a database, and turn its frames into flow maps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from configs.command import program, run_program

if TYPE_CHECKING:
    from train.prepare.check import Check

app = program("Databases: check what is on disk against the official totals, and make flow maps of it.")

Database = Annotated[
    str, typer.Option("--db", help="smic, samm, casme2, casme3 or 3db (smic, samm and casme2 below one folder).")
]
Data = Annotated[Path, typer.Option("--data", help="The folder that holds the database as distributed: workbook and frames.")]
Classes = Annotated[int, typer.Option("--classes", help="3, or 4 or 7 for casme3.")]


@app.command()
def check(
    db: Database,
    data: Data,
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

    result = run_check(db, data, classes, official)
    _show(result)
    if not result.passed:
        raise typer.Exit(1)


@app.command()
def prepare(
    db: Database,
    data: Data,
    classes: Classes = 3,
    apex_rule: Annotated[
        str, typer.Option("--apex", help="Apex where none is annotated (all of SMIC): middle, or flow-peak (slower).")
    ] = "middle",
    crop_px: Annotated[
        int, typer.Option("--crop", min=64, max=512, help="Side of the aligned crop, px; live uses the same.")
    ] = 128,
    layout: Annotated[str, typer.Option("--layout", help="Map layout: whole, quad or five.")] = "whole",
    cache: Annotated[Path, typer.Option("--cache", help="Where maps are kept, in a folder per database and settings.")] = Path(
        "runs/maps"
    ),
    jobs: Annotated[int, typer.Option("--jobs", min=0, help="Processes; 0 takes one per core, at most 8.")] = 0,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave out clips that cannot be used, naming each.")] = False,
) -> None:
    """Turn frames into flow maps: dlib landmarks, one alignment per clip, TV-L1 flow from onset to apex, optical strain.

    Finished maps are kept; a run that was killed goes on where it stopped. A contact sheet of all maps is written beside them.

        ahmsa-data prepare --db smic --data /data/SMIC --apex flow-peak
    """
    import msgspec

    from ahmsa.errors import SettingsError
    from ahmsa.processes import default_jobs
    from train.prepare.contact_sheet import write_contact_sheet
    from train.prepare.prepared_maps import PrepareSettings
    from train.prepare.prepared_maps import prepare as run_prepare

    asked = {"crop_px": crop_px, "flow": {"layout": layout}, "apex_rule": apex_rule}
    try:
        settings = msgspec.convert(asked, PrepareSettings)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{error}; see ahmsa-data prepare --help") from None
    with progress_bar("flow maps") as progress:
        prepared = run_prepare(
            db,
            data,
            settings,
            classes=classes,
            cache_folder=cache,
            jobs=jobs or default_jobs(),
            skip_bad=skip_bad,
            progress=progress,
        )
    sheet = prepared.folder / "contact.png"
    write_contact_sheet(sheet, prepared.maps)
    for remark in prepared.remarks():
        typer.echo(remark, err=True)
    typer.echo(f"{len(prepared.maps)} maps of {len(prepared.maps.subjects)} subjects in {prepared.folder}; look at {sheet}")


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """A bar with the time left, on standard error; call what it gives with (done, total)."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _show(result: Check) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(soft_wrap=True, highlight=False)
    for path in result.read_from:
        console.print(f"read {escape(str(path))}")
    table = Table("database", "what", "found", "official", "")
    for line in result.lines:
        table.add_row(line.database, line.what, str(line.found), str(line.official), "ok" if line.agrees else "[red]differs[/]")
    console.print(table)
    for problem in result.problems:
        console.print(f"{'[red]problem[/]' if problem.fatal else 'note'} {escape(str(problem))}")
    for difference in result.differences:
        console.print(f"[red]list[/] {escape(difference)}")


def main() -> None:
    """Entry point of `ahmsa-data`."""
    run_program(app)
