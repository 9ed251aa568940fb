"""`ahmsa-evaluate`: how well a checkpoint does on given data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ahmsa.errors import UsageError
from configs.command import program, run_program

if TYPE_CHECKING:
    from ahmsa.model.checkpoint import Checkpoint
    from train.experiment.evaluate import Evaluation, Judgement
    from train.map_set import MapSet

app = program("Judge a checkpoint on given data.")


@app.command()
def _evaluate(
    checkpoint: Annotated[Path | None, typer.Argument(help="A .safetensors file.  [default: the shipped one]")] = None,
    maps: Annotated[Path | None, typer.Option(help="Folder of ready-made flow maps in the published layout.")] = None,
    db: Annotated[str, typer.Option(help="smic, samm, casme2, casme3, or 3db.")] = "3db",
    data: Annotated[Path | None, typer.Option(help="Root of the raw database instead of --maps.")] = None,
    classes: Annotated[int, typer.Option(help="3, or 4 or 7 for casme3; with --data.")] = 3,
    apex: Annotated[
        str, typer.Option(help="With --data, where no apex is annotated (all of SMIC): middle or flow-peak.")
    ] = "middle",
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="With --data: leave out clips that cannot be used.")] = False,
    json: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write every number to this file.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
) -> None:
    """UF1, UAR, accuracy, confusion and calibration error of a checkpoint, in full and per database.

    Warns when the data holds subjects that the checkpoint was trained on: such figures say nothing about new faces.

    Examples:

        ahmsa-evaluate --maps flow3db                                      the shipped checkpoint

        ahmsa-evaluate mine.safetensors --maps flow3db --json mine.json

        ahmsa-evaluate mine.safetensors --db casme2 --data /data/CASME2    raw frames, prepared as the checkpoint wants them
    """
    import msgspec

    from ahmsa.device import resolve_device
    from ahmsa.files import write_whole
    from ahmsa.model.checkpoint import Checkpoint, shipped
    from train.experiment.evaluate import evaluate
    from train.published_maps import read_ready_made

    if (maps is None) == (data is None):
        raise UsageError("give either --maps DIR or --data ROOT: what shall the checkpoint be judged on?")
    model = Checkpoint.load(checkpoint or shipped())
    where = resolve_device(device)
    given = read_ready_made(maps, db) if maps else _prepared(model, db, data or Path(), classes, apex, skip_bad)
    result = evaluate(model, given, where)
    if result.warning:
        typer.secho(f"WARNING: {result.warning}", err=True, fg="red", bold=True)
    _show(result)
    if json is not None:
        write_whole(json, msgspec.json.format(msgspec.json.encode(result), indent=1))
        typer.echo(str(json))


def _prepared(model: Checkpoint, db: str, root: Path, classes: int, apex: str, skip_bad: bool) -> MapSet:
    """Maps made as the checkpoint's training maps were."""
    import msgspec

    from ahmsa.processes import default_jobs
    from train.commands.data import progress_bar
    from train.prepare.prepared_maps import PrepareSettings, prepare

    if classes != len(model.labels):  # known before hours of preparing
        raise UsageError(
            f"model {model.id} answers {len(model.labels)} classes ({', '.join(model.labels)}), but --classes is {classes}; "
            f"give --classes {len(model.labels)}, or another checkpoint."
        )
    asked = {"crop_px": model.crop_px, "flow": msgspec.to_builtins(model.flow), "apex_rule": apex}
    try:
        settings = msgspec.convert(asked, PrepareSettings)
    except msgspec.ValidationError as error:
        raise UsageError(f"{error}; see ahmsa-evaluate --help") from None
    with progress_bar("flow maps") as progress:
        prepared = prepare(db, root, settings, classes=classes, jobs=default_jobs(), skip_bad=skip_bad, progress=progress)
    for remark in prepared.remarks():
        typer.echo(remark, err=True)
    return prepared.maps


def _show(result: Evaluation) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    shown = [("all subjects", result.full)]
    if result.unseen is not None:
        shown.append(("subjects it was not trained on", result.unseen))
    for name, judgement in shown:
        table = Table(title=f"model {result.model} on {judgement.subjects} subjects: {name}")
        for column in ("", "maps", "UF1", "UAR", "accuracy"):
            table.add_column(column, no_wrap=True)
        for row in _rows(judgement):
            table.add_row(*row)
        console.print(table)
        console.print(f"expected calibration error {judgement.calibration_error:.3f}")
        console.print(_confusion(result.labels, judgement))


def _rows(judgement: Judgement) -> list[list[str]]:
    scores, edges = judgement.scores, judgement.interval
    rows = [["all", str(scores.samples), f"{scores.uf1:.3f}", f"{scores.uar:.3f}", f"{scores.accuracy:.3f}"]]
    intervals = (f"{low:.3f}-{high:.3f}" for low, high in (edges.uf1, edges.uar, edges.accuracy))
    rows.append(["95 % interval", "", *intervals])
    for name, own in judgement.databases.items():
        rows.append([name, str(own.samples), f"{own.uf1:.3f}", f"{own.uar:.3f}", f"{own.accuracy:.3f}"])
    return rows


def _confusion(labels: list[str], judgement: Judgement) -> object:
    from rich.table import Table

    table = Table("true / predicted", *labels, title="confusion")
    for label, counts in zip(labels, judgement.scores.confusion, strict=True):
        table.add_row(label, *map(str, counts))
    return table


def main() -> None:
    """Entry point of `ahmsa-evaluate`."""
    run_program(app)
