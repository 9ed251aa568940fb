"""`ahmsa-evaluate`: how well a checkpoint does on given data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ahmsa.errors import UsageError
from configs.command import program, run_program, say
from train.commands.maps import frames_root, prepared_maps, ready_made
from train.commands.options import Apex, Classes, Database, Device, Maps, Root, SkipBad

if TYPE_CHECKING:
    from ahmsa.model.checkpoint import Checkpoint
    from train.experiment.evaluate import Evaluation, Judgement
    from train.map_set import MapSet

app = program("Judge a checkpoint on given data.")


@app.command()
def _evaluate(
    checkpoint: Annotated[Path | None, typer.Argument(help="A .safetensors file.  [default: the shipped one]")] = None,
    maps: Maps = None,
    db: Database = "3db",
    data: Root = None,
    classes: Classes = 3,
    apex: Apex = "middle",
    skip_bad: SkipBad = False,
    json: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write every number to this file.")] = None,
    device: Device = "auto",
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
    from ahmsa.files import require_writable, write_whole
    from ahmsa.model.checkpoint import Checkpoint, shipped
    from train.experiment.evaluate import evaluate

    model = Checkpoint.load(checkpoint or shipped())
    where = resolve_device(device)
    if json is not None:
        require_writable(json)
    root = frames_root(db, maps, data)
    given = ready_made(maps or Path(), db) if root is None else _prepared(model, db, root, classes, apex, skip_bad)
    result = evaluate(model, given, where)
    if result.warning:
        typer.secho(f"WARNING: {result.warning}", err=True, fg="red", bold=True)
    _show(result)
    if json is not None:
        write_whole(json, msgspec.json.format(msgspec.json.encode(result), indent=1))
        say(str(json))


def _prepared(model: Checkpoint, db: str, root: Path, classes: int, apex: str, skip_bad: bool) -> MapSet:
    """Maps made as the checkpoint's training maps were."""
    import msgspec

    if classes != len(model.labels):  # known before hours of preparing
        raise UsageError(
            f"model {model.id} answers {len(model.labels)} classes ({', '.join(model.labels)}), but --classes is {classes}; "
            f"give --classes {len(model.labels)}, or another checkpoint."
        )
    how = {"crop_px": model.crop_px, "flow": msgspec.to_builtins(model.flow), "apex_rule": apex, "inputs": model.net.inputs}
    return prepared_maps(db, root, how, classes=classes, skip_bad=skip_bad).maps


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
