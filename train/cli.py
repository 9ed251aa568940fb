"""`ahmsa-train`: leave one subject out, judge honestly, and export what will be used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ahmsa.errors import UsageError
from configs.command import program, run_program
from configs.load import load_settings, shipped
from configs.training import TrainSettings

if TYPE_CHECKING:
    from train.databases.base import MapSet
    from train.experiment import RunResults

_train = program("Train and judge AHMSA-Net on micro-expression databases.")


class Protocol(str, Enum):
    final = "final"
    nested = "nested"
    paper = "paper"


class Ablation(str, Enum):
    batch = "batch"
    levels = "levels"
    blocks = "blocks"


def train() -> None:
    """Entry point of `ahmsa-train`."""
    run_program(_train)


@_train.command()
def _run(
    maps: Annotated[Path, typer.Option(help="Folder of ready-made flow maps in the published layout.")],
    db: Annotated[str, typer.Option(help="smic, samm, casme2, or 3db: all three together.")] = "3db",
    preset: Annotated[str, typer.Option(help="A recipe in configs/presets: shipped, small, paper.")] = "shipped",
    settings: Annotated[
        Path | None, typer.Option(help="A TOML file instead of a preset; configs/train.toml shows every key.")
    ] = None,
    protocol: Annotated[
        Protocol,
        typer.Option(
            help="final: fixed epochs, last epoch. nested: the epoch is chosen inside the training subjects. "
            "paper: the best epoch on the test subject, OPTIMISTIC, as published scripts do."
        ),
    ] = Protocol.final,
    seeds: Annotated[int, typer.Option(min=1, max=100, help="Runs from different first weights; figures are their means.")] = 1,
    out: Annotated[Path | None, typer.Option(help="Run folder.  [default: runs/DB-PRESET]")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was stopped, or add seeds to it.")] = False,
    epochs: Annotated[int | None, typer.Option(min=1, help="Instead of the preset's.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    final: Annotated[bool, typer.Option("--final", help="After judging, fit all subjects and export the checkpoint.")] = False,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Where --final writes.  [default: checkpoint.safetensors in the run folder]")
    ] = None,
    ablation: Annotated[Ablation | None, typer.Option(help="One run for each step of an ablation of paper 4.5.")] = None,
) -> None:
    """Train on all subjects but one, for every subject, and judge on the one left out.

    Figures are pooled over all subjects; no choice ever sees a test subject, except under `--protocol paper`.

    Examples:

        ahmsa-train --maps flow3db --preset small                       minutes on two cores

        ahmsa-train --maps flow3db --seeds 3 --final                    judge three seeds, then export

        ahmsa-train --maps flow3db --seeds 3 --resume                   after a kill: the same figures

        ahmsa-train --maps flow3db --preset small --ablation blocks     a table over blocks per level
    """
    from ahmsa.device import resolve_device

    recipe = load_settings(TrainSettings, settings or _preset(preset), {"fit.epochs": epochs})
    data = _read(maps, db)
    folder = out or Path("runs") / f"{db}-{settings.stem if settings else preset}"
    where = resolve_device(device)
    if ablation is not None:
        _ablate(data, recipe, ablation, folder, seeds, resume, where)
        return
    results = _judge(data, recipe, folder, seeds, protocol is Protocol.nested, resume, where, folder.name)
    _show({folder.name: results}, protocol.value)
    if final:
        _export(data, results, checkpoint or folder / "checkpoint.safetensors", where)


def _export(data: MapSet, results: RunResults, path: Path, device: str) -> None:
    from train.export import export

    with _progress("all subjects") as (announce, advance):
        announce(results.preset.fit.epochs * results.preset.members * len(results.seeds))
        checkpoint = export(data, results, device=device, advance=advance)
    checkpoint.save(path)
    size = path.stat().st_size / 1e6
    typer.echo(f"{path}: model {checkpoint.id}, {len(checkpoint.members)} networks, {size:.1f} MB")


def _ablate(
    data: MapSet, recipe: TrainSettings, ablation: Ablation, folder: Path, seeds: int, resume: bool, device: str
) -> None:
    from train.ablations import variants

    results = {
        name: _judge(data, variant, folder / name, seeds, False, resume, device, name)
        for name, variant in variants(recipe, ablation.value).items()
    }
    _show(results, "final")


def _judge(
    data: MapSet, recipe: TrainSettings, folder: Path, seeds: int, nested: bool, resume: bool, device: str, title: str
) -> RunResults:
    from train.experiment import run

    with _progress(title) as (announce, advance):
        return run(
            data,
            recipe,
            folder,
            seeds=range(seeds),
            nested=nested,
            resume=resume,
            device=device,
            announce=announce,
            advance=advance,
        )


def _preset(name: str) -> Path:
    path = shipped(f"presets/{name}.toml")
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in path.parent.glob("*.toml")))
        raise UsageError(f"no preset {name!r}; choose one of {known}, or give a file with --settings.")
    return path


def _read(maps: Path, db: str) -> MapSet:
    from train.databases.maps import COMPOSITE, read_maps

    if db != "3db" and db not in COMPOSITE:
        raise UsageError(f"no ready-made maps of {db!r}; --db is 3db or one of {', '.join(COMPOSITE)}.")
    return read_maps(maps, COMPOSITE if db == "3db" else [db])


@contextmanager
def _progress(title: str) -> Iterator[tuple[Any, Any]]:
    """A bar with the time left, on the error stream so that tables can be piped: (announce(total), advance(count))."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("epochs"), TimeElapsedColumn())
    with Progress(*columns, TextColumn("left"), TimeRemainingColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=None)
        yield (lambda total: bar.update(task, total=total)), (lambda count: bar.advance(task, count))


def _show(results: dict[str, RunResults], headline: str) -> None:
    """The figures as a table; other protocols of the same run follow, the optimistic one with its warning."""
    from rich.console import Console
    from rich.table import Table

    from train.results import table_rows

    first = next(iter(results.values()))
    databases = list(first.protocols["final"].databases)
    table = Table(title=f"{first.data.name}: {len(first.data.subjects)} subjects, {first.data.samples} maps, UF1 / UAR")
    for column in (
        "run",
        "protocol",
        "mean of seeds",
        "95 % interval of UF1",
        *databases,
        "all seeds together",
        "calibration error",
    ):
        table.add_column(column)
    for name, result in results.items():
        rows = sorted(table_rows(result.protocols), key=lambda row: not row[0].startswith(headline))
        for protocol, figures in rows if len(results) == 1 else rows[:1]:
            low, high = figures.interval.uf1
            table.add_row(
                name,
                protocol,
                f"{figures.uf1:.3f} / {figures.uar:.3f}",
                f"{low:.3f} - {high:.3f}",
                *(
                    f"{figures.databases[database]['uf1']:.3f} / {figures.databases[database]['uar']:.3f}"
                    for database in databases
                ),
                f"{figures.together.uf1:.3f} / {figures.together.uar:.3f}",
                f"{figures.calibration_error:.3f}",
            )
    Console().print(table)
