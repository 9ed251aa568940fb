"""`ahmsa-spot`: when does the face move? Intervals as CSV, a plot that shows why, and scores as the field scores."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ahmsa.errors import SourceError, UsageError
from configs.command import PrintConfig, Set, print_config, program, run_program, say
from streamer.selftest.cli import selftest

if TYPE_CHECKING:
    from configs.schema import LiveSettings
    from spotting.evaluate.record import Record
    from spotting.evaluate.scoring import Interval, Score
    from streamer.acquire.sources import SourceSpec

VIDEOS = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv")
IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff")
_PUBLISHED = "as published scorers count (one prediction may hit several labels)"
_COMMANDS = ("run", "eval", "bench", "selftest")

app = program(
    "Spot movements of a face: when did it move, and was it a micro-expression?\n\n"
    "    ahmsa-spot talk.mp4 --plot             intervals of one video, and a picture of why\n\n"
    "    ahmsa-spot frames/ --fps 200           a folder of images (or of videos)\n\n"
    "    ahmsa-spot --camera 0 --seconds 30     half a minute of a camera\n\n"
    "    ahmsa-spot eval --pred out.csv --truth labels.csv --fps 30\n\n"
    "    ahmsa-spot bench --quick               the benchmark on generated faces\n\n"
    "    ahmsa-spot selftest --camera 0         how small a movement would be found here?"
)


@app.command("run")
def spot(
    source: Annotated[Path | None, typer.Argument(help="A video, a folder of images, or a folder of videos.")] = None,
    camera: Annotated[int | None, typer.Option("--camera", help="Number of a camera instead of a file.")] = None,
    demo: Annotated[bool, typer.Option("--demo", help="The built-in clip instead of a file.")] = False,
    out: Annotated[Path | None, typer.Option("--out", help="CSV to write; spots.csv in the current folder without it.")] = None,
    plot: Annotated[bool, typer.Option("--plot", help="Also write a PNG per video beside the CSV.")] = False,
    fps: Annotated[float | None, typer.Option("--fps", min=1, help="Frame rate of a folder of images (30 without it).")] = None,
    seconds: Annotated[float | None, typer.Option("--seconds", min=1, help="Stop after so many seconds of the source.")] = None,
    config: Annotated[Path | None, typer.Option("--config", help="Settings file (TOML), as for ahmsa-live.")] = None,
    changes: Set = None,
    print_settings: PrintConfig = False,
) -> None:
    """Write one CSV row per movement: video, onset, apex, offset (frames), the same in ms, type, score, gate.

    Rows with a gate were rejected by it, as a blink or a turn of the head is; `eval` passes over them.
    """
    from configs.load import assignments, load_settings
    from configs.schema import LiveSettings
    from spotting.evaluate.tables import write_rows

    settings = load_settings(LiveSettings, config, {**assignments(changes or ()), **({"source.fps": fps} if fps else {})})
    if print_settings:
        print_config(settings)
        return
    specs = _specs(source, camera, demo)
    table = out or Path("spots.csv")
    rows = []
    for spec in specs:
        record = _watch(spec, settings, seconds)
        rows += [movement.row(spec.name) for movement in record.movements]
        say(f"{spec.name}: {_counted(record)}")
        if plot:
            say(f"plot: {_plot(record, spec.name, table)}")
    write_rows(rows, table)
    say(f"table: {table}")


@app.command("eval")
def evaluate(
    pred: Annotated[Path, typer.Option("--pred", help="CSV of predictions, as written by this program.")],
    truth: Annotated[Path, typer.Option("--truth", help="CSV of labels: onset, apex, offset (frames) or the same with _ms.")],
    fps: Annotated[float, typer.Option("--fps", min=1, max=10_000, help="Frame rate of the videos.")],
    minutes: Annotated[
        float | None,
        typer.Option("--minutes", min=0.01, max=1e6, help="Length of all videos together, for false alarms a minute."),
    ] = None,
) -> None:
    """Score predictions: strictly one to one at an overlap of half (IoU 0.5), and in the looser way of published tables.

    Columns of both files: video (not needed for a single one), onset, apex, offset, and of the labels type (micro or macro),
    label and amplitude_px where they are known.
    """
    from spotting.evaluate.scoring import score_published, score_strict
    from spotting.evaluate.tables import read_intervals

    predicted, labels = _same_video(read_intervals(pred, fps), read_intervals(truth, fps))
    for line in _score_lines(score_strict(predicted, labels, frame_ms=1000 / fps), "strict, one to one", minutes):
        say(line)
    looser = score_published(predicted, labels, frame_ms=1000 / fps)
    say("")
    for line in _score_lines(looser, _PUBLISHED, None):
        say(line)


@app.command("bench")
def bench(
    quick: Annotated[bool, typer.Option("--quick", help="A few generated minutes instead of more than an hour.")] = False,
    db: Annotated[str | None, typer.Option("--db", help="samm-lv or casme2-long instead of generated faces.")] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder of that database, where `ahmsa-data root` does not say it.")
    ] = None,
    plots: Annotated[Path | None, typer.Option("--plots", help="Folder for plots.")] = None,
) -> None:
    """Measure the spotter: on generated faces with known movements, or on a database of long videos.

    ahmsa-spot bench --quick

    ahmsa-spot bench --db samm-lv --data /data/SAMM_longvideos
    """
    if db is not None:
        from ahmsa.databases.root import data_root

        _bench_database(db, data_root(data), plots)
        return
    from spotting.benchmark.run import table

    for line in table("quick" if quick else "full", plots):
        say(line)


app.command("selftest")(selftest)


def main() -> None:
    """`ahmsa-spot VIDEO` is short for `ahmsa-spot run VIDEO`."""
    first = sys.argv[1] if len(sys.argv) > 1 else "--help"
    if first not in (*_COMMANDS, "-h", "--help", "--version", "--install-completion", "--show-completion"):
        sys.argv.insert(1, "run")
    elif len(sys.argv) == 1:
        sys.argv.append("--help")
    run_program(app)


def _specs(source: Path | None, camera: int | None, demo: bool) -> list[SourceSpec]:
    from streamer.acquire.sources import SourceSpec

    if sum((source is not None, camera is not None, demo)) != 1:
        raise UsageError("give one source: a video, a folder, --camera N or --demo")
    if camera is not None:
        return [SourceSpec("camera", str(camera))]
    if demo or source is None:
        return [SourceSpec("demo")]
    if not source.is_dir():
        return [SourceSpec("video", str(source))]
    files = sorted(source.iterdir())
    if any(file.suffix.lower() in IMAGES for file in files):
        return [SourceSpec("images", str(source))]
    videos = [SourceSpec("video", str(file)) for file in files if file.suffix.lower() in VIDEOS]
    if not videos:
        raise SourceError(f"{source} holds neither images nor videos: give a folder of frames, or of video files")
    return videos


def _watch(spec: SourceSpec, settings: LiveSettings, seconds: float | None) -> Record:
    """Everything found in a source; what is unusual about it is said on the standard error."""
    from streamer.acquire.input_check import InputCheck
    from streamer.acquire.sources import open_source
    from streamer.acquire.video_file import turned_deg
    from streamer.offline.spot_database import spot_source

    check = InputCheck(settings.spotter, turned_deg=turned_deg(Path(spec.where)) if spec.kind == "video" else 0)
    with open_source(spec, settings.source, as_fast_as_possible=True) as source:
        record = spot_source(source, settings, seconds, check)
    for sentence in filter(None, (*check.remarks, check.problem)):
        say(f"{spec.name}: {sentence}", err=True)
    return record


def _plot(record: Record, name: str, table: Path, truth: Iterable[Interval] = ()) -> Path:
    from spotting.evaluate.plots import plot_record

    path = table.with_name(f"{table.stem}-{name}.png")
    plot_record(record, path, name, truth)
    return path


def _counted(record: Record) -> str:
    kept = [movement.kind for movement in record.movements if not movement.gate]
    gates = sorted({movement.gate for movement in record.movements if movement.gate})
    held = ", ".join(f"{gate} {sum(m.gate == gate for m in record.movements)}" for gate in gates) or "none"
    return f"{kept.count('micro')} micro, {kept.count('macro')} macro; rejected: {held}"


def _same_video(predicted: list[Interval], labels: list[Interval]) -> tuple[list[Interval], list[Interval]]:
    """Where one of the files names no video and the other only one, they mean the same."""
    from dataclasses import replace

    names = {interval.video for interval in (*predicted, *labels)} - {""}
    if len(names) > 1 or all(interval.video for interval in (*predicted, *labels)):
        return predicted, labels
    name = next(iter(names), "")
    return [replace(p, video=name) for p in predicted], [replace(label, video=name) for label in labels]


def _score_lines(score: Score, title: str, minutes: float | None) -> list[str]:
    import numpy as np

    lines = [title, "         F1     TP   FP   FN"]
    for name, counts in (*score.counts.items(), ("all", score.all)):
        lines.append(f"{name:6s} {counts.f1:.4f} {counts.tp:4d} {counts.fp:4d} {counts.fn:4d}")
    if score.any_kind is not None:
        together = score.any_kind
        lines.append(
            f'all, whatever the kind: {together.f1:.4f} {together.tp:4d} {together.fp:4d} {together.fn:4d} (MEGC\'s "all")'
        )
        lines.append("(micro, macro and all above pair each kind with its own)")
    errors = np.abs(score.apex_errors_ms())
    if len(errors):
        lines.append(f"apex error of micro hits: median {np.median(errors):.0f} ms, mean {errors.mean():.0f} ms")
    for (low, high), (hits, labels) in score.recall_by_amplitude().items():
        lines.append(f"recall at {low:g}-{high:g} px: {hits}/{labels}")
    if minutes is not None:
        lines.append(f"false alarms a minute: micro {score.false_alarms_per_minute(minutes):.2f}")
    if not np.isnan(score.strs()):
        lines.append(f"STRS: {score.strs():.4f}")
    return lines


def _bench_database(db: str, data: Path, plots: Path | None) -> None:
    from ahmsa.databases.catalogue import read_long_videos
    from configs.schema import LiveSettings
    from spotting.evaluate.scoring import labels_of, score_published, score_strict
    from streamer.offline.spot_database import spot_videos

    found = read_long_videos(db, data)
    for problem in (*found.problems, *found.notes):
        say(problem, err=True)
    predicted: list[Interval] = []
    minutes = 0.0
    for name, intervals, length in spot_videos(found, LiveSettings(), plots):
        predicted += intervals
        minutes += length
        say(f"{name}: {len(intervals)} movements in {length:.1f} min", err=True)
    labels = [interval for video in found.videos for interval in labels_of(video)]
    frame_ms = 1000 / found.videos[0].fps if found.videos else 0.0
    for line in _score_lines(score_strict(predicted, labels, frame_ms=frame_ms), f"{db}, strict, one to one", minutes):
        say(line)
    looser = score_published(predicted, labels, frame_ms=frame_ms)
    for line in ("", *_score_lines(looser, _PUBLISHED, None)):
        say(line)
