"""The command `ahmsa-spot selftest`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ahmsa.errors import DataError, SourceError, UsageError
from configs.command import say

if TYPE_CHECKING:
    from collections.abc import Callable

    from configs.schema import LiveSettings
    from streamer.acquire.sources import SourceSpec
    from streamer.selftest.measure import Measured, Plan, Progress
    from streamer.selftest.recording import Recording
    from streamer.selftest.summary import Summary


def selftest(
    files: Annotated[list[Path] | None, typer.Argument(help="More videos, after --video.")] = None,
    video: Annotated[list[Path] | None, typer.Option("--video", help="Video of a face; repeat it, or list more files.")] = None,
    camera: Annotated[int | None, typer.Option("--camera", help="Number of a camera.")] = None,
    demo: Annotated[bool, typer.Option("--demo", help="The built-in clip: a generated face.")] = False,
    seconds: Annotated[float, typer.Option("--seconds", min=5, max=300, help="How much of each is used.")] = 45.0,
    rounds: Annotated[
        int, typer.Option("--rounds", min=1, max=50, help="Copies with other movements; more narrow the intervals.")
    ] = 4,
    seed: Annotated[int, typer.Option("--seed", help="Draws movements and times.")] = 0,
    json: Annotated[Path | None, typer.Option("--json", help="File for the figures as JSON.")] = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", help="File for a picture (PNG) of the figures, without a face.")
    ] = None,
    keep: Annotated[Path | None, typer.Option("--keep", help="Folder in which to store the camera's video.")] = None,
    config: Annotated[Path | None, typer.Option("--config", help="Settings file (TOML), as for ahmsa-live.")] = None,
) -> None:
    """How small a movement would be found with this camera, this light and this person?

    Known movements of 0.5 to 3 px are put into copies of the video, and the very pipeline of ahmsa-live watches them and the
    untouched video. Look at the camera as you would at work. The video stays in memory, and is gone at the end unless --keep.
    """
    from configs.load import load_settings
    from configs.schema import LiveSettings
    from streamer.selftest.measure import Plan

    specs = _specs([*(video or []), *(files or [])], camera, demo, keep)
    settings = load_settings(LiveSettings, config, {})
    measured: list[Measured] = []
    problems: list[str] = []
    for spec in specs:
        try:
            measured.append(_measured(spec, settings, Plan(rounds=rounds, seed=seed), seconds, keep))
        except (DataError, SourceError) as error:
            if len(specs) == 1:
                raise
            problems.append(str(error))
            say(f"not measured: {error}", err=True)
    if not measured:
        raise DataError(f"none of the {len(specs)} recordings could be measured; the first: {problems[0]}")
    _report(measured, json, plot)


def _measured(spec: SourceSpec, settings: LiveSettings, plan: Plan, seconds: float, keep: Path | None) -> Measured:
    from streamer.acquire.video_file import turned_deg
    from streamer.selftest.measure import measure, watch_untouched

    with _progress() as start:
        recording = _recording(spec, settings, seconds, start)
        if keep is not None:
            _store(recording, keep)
        turned = turned_deg(Path(spec.where)) if spec.kind == "video" else 0
        untouched = watch_untouched(recording, settings, start(None), turned)
        return measure(recording, untouched, settings, plan, start(len(untouched.times_ns)))


def _recording(spec: SourceSpec, settings: LiveSettings, seconds: float, start: Callable[[int | None], Progress]) -> Recording:
    from streamer.acquire.sources import open_source
    from streamer.selftest.recording import FileRecording, record_source

    if spec.kind != "camera":
        return FileRecording(spec, settings.source, seconds)
    bar = start(round(seconds))
    with open_source(spec, settings.source) as source:
        return record_source(source, seconds, lambda done_s: bar("recording, seconds", int(done_s)))


def _store(recording: Recording, folder: Path) -> None:
    from streamer.session.video import VideoRecorder

    folder.mkdir(parents=True, exist_ok=True)
    recorder = VideoRecorder(folder, recording.name, 30.0)
    try:
        for frame in recording.frames():
            recorder.write(frame)
    finally:
        recorder.close()


def _report(measured: list[Measured], json: Path | None, plot: Path | None) -> None:
    import msgspec
    from rich.console import Console

    from ahmsa.files import write_whole
    from streamer.selftest.advice import advise
    from streamer.selftest.show import shown, write_plot
    from streamer.selftest.summary import summarise

    each = [summarise([one]) for one in measured]
    whole: Summary = each[0] if len(each) == 1 else summarise(measured, f"{len(each)} recordings")
    Console().print(shown(whole, each))
    if json is not None:
        said = {"summary": whole, "recordings": each, "advice": advise(whole)}
        write_whole(json, msgspec.json.format(msgspec.json.encode(said), indent=2))
        say(f"figures: {json}")
    if plot is not None:
        write_plot(whole, plot)
        say(f"plot: {plot}")


def _specs(videos: list[Path], camera: int | None, demo: bool, keep: Path | None) -> list[SourceSpec]:
    from streamer.acquire.sources import SourceSpec

    if sum((bool(videos), camera is not None, demo)) != 1:
        raise UsageError("give one kind of source: --camera N, --video FILE... or --demo")
    if keep is not None and camera is None:
        raise UsageError("--keep stores what a camera sees: use it with --camera")
    if camera is not None:
        return [SourceSpec("camera", str(camera))]
    return [SourceSpec("demo")] if demo else [SourceSpec("video", str(file)) for file in videos]


@contextmanager
def _progress() -> Iterator[Callable[[int | None], Progress]]:
    """Gives a maker of bars: total -> what takes steps; each step has its own bar, on the standard error."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:

        def start(total: int | None) -> Callable[[str, int], None]:
            tasks: dict[str, TaskID] = {}

            def step(name: str, number: int) -> None:
                if name not in tasks:
                    tasks[name] = bars.add_task(name, total=total)
                bars.update(tasks[name], completed=number + 1)

            return step

        yield start
