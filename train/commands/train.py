"""`ahmsa-train`: leave one subject out, judge honestly, and export what will be used."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from ahmsa.databases.readers.demo import NAME as DEMO
from ahmsa.errors import UsageError
from configs.command import PrintConfig, Set, print_config, program, run_program, say
from configs.load import assignments, load_settings, shipped
from configs.training import TrainSettings
from train.commands import demo
from train.commands.maps import frames_root, prepared_maps, ready_made
from train.commands.options import Apex, Classes, Database, Device, Maps, Root, SkipBad
from train.commands.progress import epochs_bar
from train.commands.tables import show_ablation, show_run

if TYPE_CHECKING:
    from train.execution.tasks import Executor
    from train.experiment.runner import RunResults
    from train.map_set import MapSet

_train = program("Train and judge AHMSA-Net on micro-expression databases.")


class Protocol(str, Enum):
    final = "final"
    nested = "nested"
    paper = "paper"


class Ablation(str, Enum):
    batch = "batch"
    levels = "levels"
    blocks = "blocks"


def main() -> None:
    """Entry point of `ahmsa-train`."""
    run_program(_train)


@_train.command()
def _run(
    db: Database = "3db",
    maps: Maps = None,
    data: Root = None,
    classes: Classes = 3,
    apex: Apex = "middle",
    skip_bad: SkipBad = False,
    preset: Annotated[
        str | None,
        typer.Option(
            help="A recipe in configs/presets: shipped, small, paper, svm, ststnet.  [default: shipped; small for --db demo]",
            show_default=False,
        ),
    ] = None,
    settings: Annotated[
        Path | None, typer.Option(help="A TOML file with what it changes of the preset; --print-config shows every key.")
    ] = None,
    changes: Set = None,
    print_settings: PrintConfig = False,
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
    device: Device = "auto",
    final: Annotated[bool, typer.Option("--final", help="After judging, fit all subjects and export the checkpoint.")] = False,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Where --final writes.  [default: checkpoint.safetensors in the run folder]")
    ] = None,
    ablation: Annotated[Ablation | None, typer.Option(help="One run for each step of an ablation of paper 4.5.")] = None,
    baselines: Annotated[
        bool, typer.Option("--baselines/--no-baselines", help="Judge an SVM and STSTNet's streams on the same folds too.")
    ] = True,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Processes on the CPU; the figures do not depend on it.  [default: one per core]")
    ] = None,
    cluster: Annotated[
        str | None, typer.Option(metavar="auto|ray://HOST:PORT", help="Do the work on a Ray cluster (extra: ahmsa[cluster]).")
    ] = None,
) -> None:
    """Train on all subjects but one, for every subject, and judge on the one left out.

    Figures are pooled over all subjects; no choice ever sees a test subject, except under `--protocol paper`. The report lies
    in the run folder (see also `ahmsa-report`).

    Examples:

        ahmsa-train --db demo                                           the whole way on generated faces, up to the live program

        ahmsa-train --maps flow3db --preset small                       minutes on two cores

        ahmsa-train --maps flow3db --seeds 3 --final                    judge three seeds, then export

        ahmsa-train --maps flow3db --seeds 3 --resume                   after a kill: the same figures

        ahmsa-train --maps flow3db --preset small --ablation blocks     a table over blocks per level

        ahmsa-train --db casme3 --data CASME3 --classes 4               from the frames themselves

        ahmsa-train --maps flow3db --preset svm                         a baseline by itself

        ahmsa-train --maps flow3db --cluster auto                       on all machines of this Ray cluster
    """
    from ahmsa.device import resolve_device
    from ahmsa.files import require_writable
    from train.experiment.runner import open_folder
    from train.models.registry import model_of

    plays = db == DEMO and maps is None
    final = final or plays
    name = preset or ("small" if plays else "shipped")
    overrides = {**assignments(changes or ()), **({"fit.epochs": epochs} if epochs else {})}
    recipe = load_settings(TrainSettings, settings, overrides, preset=_preset(name))
    if print_settings:
        print_config(recipe)
        return
    model = model_of(recipe)
    if final and not model.is_exported:
        raise UsageError(f"--final exports AHMSA-Net, and no {recipe.model}: leave it away, and this model is judged")
    # Whatever can be wrong with the command line shows here, and not after an hour of preparing.
    where = resolve_device(device)
    folder = out or Path("runs") / (db if plays else f"{db}-{settings.stem if settings else name}")
    way = _Way(seeds, protocol is Protocol.nested, resume or plays, where, _executor(cluster, where, jobs))
    target = checkpoint or folder / "checkpoint.safetensors"
    if maps is None and ablation is None:
        open_folder(folder, _for_classes(recipe, classes), way.resume)
    if final:
        require_writable(target)
    root = demo.faces_checked(data, jobs) if plays else frames_root(db, maps, data)
    if root is None:
        read = ready_made(maps or Path(), db)
    else:
        how = {"apex_rule": apex, "inputs": recipe.net.inputs}
        read = prepared_maps(db, root, how, classes=classes, skip_bad=skip_bad, jobs=jobs).maps
    recipe = _for_classes(recipe, len(read.label_names))
    if ablation is not None:
        _ablate(read, recipe, ablation, folder, way)
        return
    results = _judge(read, recipe, folder, way, folder.name)
    beside = _judge_baselines(read, folder, way) if baselines and model.is_exported else {}
    show_run(results, protocol.value, beside)
    _report(folder)
    if final:
        _export(read, results, target, where)
    if plays:
        demo.play_live(target)


@dataclass(frozen=True)
class _Way:
    """How the runs of one command are done."""

    seeds: int
    nested: bool
    resume: bool
    device: str
    execute: Executor | None


def _for_classes(recipe: TrainSettings, classes: int) -> TrainSettings:
    return msgspec.structs.replace(recipe, net=msgspec.structs.replace(recipe.net, classes=classes))


def _executor(cluster: str | None, device: str, jobs: int | None) -> Executor | None:
    if cluster is not None:
        from train.execution.cluster import on_cluster

        return on_cluster(cluster, device)
    if device != "cpu":
        return None
    from ahmsa.work.processes import default_jobs
    from train.execution.cores import on_cores

    return on_cores(jobs or default_jobs())


def _export(data: MapSet, results: RunResults, path: Path, device: str) -> None:
    from train.experiment.export import export

    with epochs_bar("all subjects") as (announce, advance):
        announce(results.preset.fit.epochs * results.preset.members * len(results.seeds))
        checkpoint = export(data, results, device=device, advance=advance)
    checkpoint.save(path)
    size = path.stat().st_size / 1e6
    say(f"{path}: model {checkpoint.id}, {len(checkpoint.members)} networks, {size:.1f} MB")


def _ablate(data: MapSet, recipe: TrainSettings, ablation: Ablation, folder: Path, way: _Way) -> None:
    from train.experiment.ablations import variants

    results = {
        name: _judge(data, variant, folder / name, replace(way, nested=False), name)
        for name, variant in variants(recipe, ablation.value).items()
    }
    show_ablation(results)
    _report(folder)


def _judge_baselines(data: MapSet, folder: Path, way: _Way) -> dict[str, RunResults]:
    """The baselines on the same folds; they belong to the run and go on with it."""
    from train.experiment.baselines import BASELINES, FOLDER, baseline_seeds, baseline_settings

    found = {}
    for name in BASELINES:
        settings = baseline_settings(name, len(data.label_names))
        own = replace(way, nested=False, resume=True, seeds=baseline_seeds(settings, way.seeds))
        found[name] = _judge(data, settings, folder / FOLDER / name, own, name)
    return found


def _report(folder: Path) -> None:
    from train.report.gather import gather
    from train.report.write import write_report

    write_report(gather([folder]), folder / "report")
    say(f"{folder / 'report' / 'report.html'}, report.md and report.json beside it")


def _judge(data: MapSet, recipe: TrainSettings, folder: Path, way: _Way, title: str) -> RunResults:
    from train.experiment.runner import run

    with epochs_bar(title) as (announce, advance):
        return run(
            data,
            recipe,
            folder,
            seeds=range(way.seeds),
            nested=way.nested,
            resume=way.resume,
            device=way.device,
            execute=way.execute,
            announce=announce,
            advance=advance,
        )


def _preset(name: str) -> Path:
    path = shipped(f"presets/{name}.toml")
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in path.parent.glob("*.toml")))
        raise UsageError(f"no preset {name!r}; choose one of {known}, or give a file with --settings.")
    return path
