"""The command `ahmsa-analyse`."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ahmsa.errors import UsageError
from ahmsa.work.scratch import scratch_folder
from ahmsa.work.threads import Supervised
from configs.command import program, run_program, say

if TYPE_CHECKING:
    from streamer.offline.analyse import Notify, Plan
    from streamer.offline.analyse_video import Given, Job

_LOOK_S = 0.5

app = program("From videos to tables of micro-expressions.")


def main() -> None:
    """Entry point of `ahmsa-analyse`."""
    run_program(app)


@app.command()
def _analyse(
    paths: Annotated[list[Path], typer.Argument(metavar="VIDEO|FOLDER...", help="Videos, or folders of videos.")],
    out: Annotated[Path, typer.Option(help="Folder for the tables and sessions; one that is there is gone on with.")],
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Videos at once on this machine. Default: all cores.", show_default=False)
    ] = None,
    cluster: Annotated[
        str | None, typer.Option(help="A Ray cluster instead: auto, or ray://host:10001.", show_default=False)
    ] = None,
    max_faces: Annotated[
        int | None, typer.Option(help="Faces that are followed at once. Default: 1.", show_default=False)
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Weights (.safetensors). Default: those that ship with the program.", show_default=False)
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps, for the recogniser.")] = "cpu",
    config: Annotated[Path | None, typer.Option(help="Settings in TOML, as for ahmsa-live.", show_default=False)] = None,
) -> None:
    """Write events.csv, faces.csv and files.csv about any number of videos, and a session for each.

    A folder of videos: `ahmsa-analyse videos/ --out out/study`

    Then a page about one of them: `ahmsa-report out/study/sessions/p01`

    Stopped or killed, the same command goes on where it was. A file that cannot be read is named, the others go on, and the
    command ends with 1.
    """
    from configs.load import load_settings
    from configs.schema import LiveSettings
    from streamer.offline.analyse import analyse, on_cluster, on_this_machine, plan
    from streamer.offline.analyse_video import Given
    from streamer.recognise.worker import check_recogniser

    if cluster is not None and jobs is not None:
        raise UsageError("--jobs is for this machine; a cluster has as many as it has cores")
    settings = load_settings(LiveSettings, config, {"face.max_faces": max_faces, "device": device})
    if cluster is None:
        check_recogniser(checkpoint, settings.device)
    given = Given(settings, checkpoint, settings.device)
    work = plan(paths, out, given)
    execute = on_cluster(cluster) if cluster is not None else on_this_machine(jobs or _cores())
    done = len(work.jobs) - len(work.open)
    if done:
        say(f"{done} of {len(work.jobs)} videos are done already", err=True)
    with _shown(work, given, watched=cluster is None) as (watched_given, notify):
        wrong = analyse(work, out, watched_given, execute, notify)
    say(f"{len(work.jobs)} videos: {out / 'events.csv'}, faces.csv and files.csv")
    for job, problem in wrong:
        say(f"{job.name}: {problem}", err=True)
    if wrong:
        say(f"{len(wrong)} of {len(work.jobs)} files are not, or not wholly, in the tables", err=True)
        raise typer.Exit(1)


def _cores() -> int:
    import os

    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _shown(work: Plan, given: Given, *, watched: bool) -> Iterator[tuple[Given, Notify]]:
    """A progress bar by seconds of video, with the time that is left; on what is no terminal, a line per video."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    if not sys.stderr.isatty():
        yield given, _print_line
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    lengths = {job.name: max(job.seconds, 1.0) for job in work.open}
    seen: dict[str, float] = dict.fromkeys(lengths, 0.0)
    with Progress(*columns, console=Console(stderr=True), transient=False) as progress:
        bar = progress.add_task(f"{len(work.open)} videos", total=sum(lengths.values()))

        def note(name: str, seconds: float) -> None:
            seen[name] = min(max(seconds, seen[name]), lengths[name])
            progress.update(bar, completed=sum(seen.values()))

        def notify(job: Job, problem: str | None) -> None:
            note(job.name, lengths[job.name])
            progress.print(f"{job.name}: {problem or 'done'}", markup=False)

        with progress_folder(note) as folder:
            yield replace(given, progress=folder if watched else None), notify


def _print_line(job: Job, problem: str | None) -> None:
    say(f"{job.name}: {problem or 'done'}", err=True)


@contextmanager
def progress_folder(note: Callable[[str, float], None]) -> Iterator[Path]:
    """A folder in which processes write how far they are; `note` gets it about twice a second."""
    ended = threading.Event()
    with scratch_folder() as folder:

        def look() -> None:
            while not ended.wait(_LOOK_S):
                for file in folder.glob("[!.]*"):
                    with contextlib.suppress(OSError, ValueError):
                        note(file.name, float(file.read_text()))

        thread = Supervised("progress", look)
        thread.start()
        try:
            yield folder
        finally:
            ended.set()
            thread.join(5.0)
