"""The command `ahmsa-live`. Heavy imports wait until it really runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from ahmsa.errors import AhmsaError
from configs.command import PrintConfig, Set, print_config, program, run_program, say
from streamer.commands.options import (
    Checkpoint,
    Config,
    Curve,
    Debug,
    Device,
    Insecure,
    check_video,
    endpoint,
    endpoints,
    exit_code_of,
    model_option,
    named_sources,
    output_option,
    refuse,
    settings_of,
    source_option,
    with_bare_options,
)

if TYPE_CHECKING:
    from streamer.live.options import View
    from streamer.session.video import VideoKind
    from streamer.view.board import Board

app = program("From a camera to a stream of micro-expressions.")


def main() -> None:
    """Entry point of `ahmsa-live`."""
    sys.argv[1:] = with_bare_options(sys.argv[1:])
    run_program(app)


@app.command()
def _live(
    camera: Annotated[list[int] | None, source_option(help="Number of a camera: see --list-cameras.", min=0)] = None,
    video: Annotated[list[Path] | None, source_option(help="A video file: .mp4, .avi, .mkv.")] = None,
    url: Annotated[list[str] | None, source_option(help="A network camera: rtsp://... or http://....")] = None,
    images: Annotated[list[Path] | None, source_option(help="A folder of numbered images.")] = None,
    demo: Annotated[bool, source_option("--demo", help="The built-in clip; needs no camera, ends with its own score.")] = False,
    replay: Annotated[
        Path | None, source_option(help="Publish a session again that --record has kept; with --web also on the page.")
    ] = None,
    list_cameras: Annotated[bool, typer.Option("--list-cameras", help="List the cameras, and end.")] = False,
    as_fast_as_possible: Annotated[
        bool, typer.Option("--as-fast-as-possible", help="Do not wait for a file's own speed; no frame is lost.")
    ] = False,
    max_faces: Annotated[
        int | None, typer.Option(help="Faces that are followed at once. Default: 1.", show_default=False)
    ] = None,
    duration: Annotated[
        float | None, typer.Option(min=0.1, help="End so many seconds after the first frame.", show_default=False)
    ] = None,
    config: Config = None,
    changes: Set = None,
    print_settings: PrintConfig = False,
    debug: Debug = False,  # noqa: ARG001 (run_program acts on it)
    publish: Annotated[
        str | None,
        output_option(help="Endpoint of the stream. Default: 5556, on this machine only.", callback=endpoint),
    ] = None,
    markers: Annotated[
        str | None,
        output_option(
            help="Endpoint at which `ahmsa-mark` sets markers, on this machine only. Default: the stream's port + 2.",
            callback=endpoint,
        ),
    ] = None,
    markers_lsl: Annotated[
        list[str] | None, output_option(help="Take the samples of this LSL stream as markers; may be given again.")
    ] = None,
    lsl: Annotated[
        bool,
        output_option("--lsl", help="Events and signal as LSL streams too, for the whole local network. Needs ahmsa[lsl]."),
    ] = False,
    curve: Curve = None,
    insecure: Insecure = False,
    record: Annotated[
        Path | None, output_option(help="Keep events.jsonl, motion.csv and session.json in a new folder. No images.")
    ] = None,
    record_video: Annotated[
        str | None,
        output_option(
            help="With --record: keep the pictures too. exact: 42 GB an hour at 640 x 480, gives the same events again; h264: "
            "small, not exact; face: h264 of the face alone. Tell those who are filmed.",
            metavar="[exact|h264|face]",
        ),
    ] = None,
    web: Annotated[
        int | None,
        output_option(
            help="A page to look at, on this machine only: live picture, signal, movements. Default port: 8765.",
            max=65535,
            metavar="[PORT]",
        ),
    ] = None,
    headless: Annotated[bool, output_option("--headless", help="No screen: publish and record only.")] = False,
    screenshot: Annotated[Path | None, output_option(help="Write the screen as it is at the end as SVG.")] = None,
    worker: Annotated[
        list[str] | None,
        model_option(
            help="A recogniser elsewhere: the endpoint of its `ahmsa-worker --bind`. Several share the movements.",
            callback=endpoints,
        ),
    ] = None,
    workers: Annotated[int | None, model_option(help="Recognisers to start here, a process each. Default: 1.")] = None,
    checkpoint: Checkpoint = None,
    device: Device = None,
) -> None:
    """Watch faces, and publish their micro-expressions.

    Without a camera: `ahmsa-live --demo`

    With one: `ahmsa-live --camera 0`

    Several at once, in one session: `ahmsa-live --camera 0 --camera 1 --workers 2`

    A file, as fast as it goes, and kept: `ahmsa-live --video talk.mp4 --as-fast-as-possible --record out/talk`

    Recognised by a GPU elsewhere: `ahmsa-live --camera 0 --worker tcp://gpu-box:5557 --curve keys`

    Subscribe in a second terminal: `ahmsa-watch`; look at it in a browser: `ahmsa-live --demo --web`

    Ends with 0 when the job was done, 1 when it could not be, 2 when it was asked for wrongly, 130 after Ctrl-C.
    """
    if list_cameras:
        _print_cameras()
        return
    overrides = {
        "stream.publish": publish,
        "stream.curve": None if curve is None else str(curve),
        "stream.insecure": insecure or None,
        "stream.markers": markers,
        "stream.worker": worker or None,
        "stream.workers": workers,
        "device": device,
        "face.max_faces": max_faces,
    }
    settings = settings_of(config, changes, overrides)
    if print_settings:
        print_config(settings)
        return
    asked = {"camera": camera, "video": video, "url": url, "images": images, "demo": demo or None, "replay": replay}
    sources = named_sources(asked)
    check_video(record_video, record)
    recognising = {"checkpoint": checkpoint, "device": device}
    if replay is not None:
        fresh = {
            "record": record,
            "lsl": lsl or None,
            "markers": markers,
            "markers-lsl": markers_lsl or None,
            "duration": duration,
            "max-faces": max_faces,
            "worker": worker or None,
            "workers": workers,
            **recognising,
        }
        refuse(
            fresh,
            "cannot be combined with --replay, which publishes what was found before; for a video use --video",
        )
    if worker:
        refuse(
            {"workers": workers, **recognising},
            "cannot be combined with --worker: give it to `ahmsa-worker` there",
        )
    from streamer.view.board import Board

    board = Board()
    view = _view(board, headless=headless)
    run: Callable[[], None]
    if replay is not None:
        from streamer.live.republish import republish

        run = partial(republish, replay, settings.stream, view, as_fast_as_possible=as_fast_as_possible, web_port=web)
    else:
        from ahmsa.face.models import fetch_if_missing
        from streamer.acquire.sources import SourceSpec
        from streamer.live.options import LiveOptions
        from streamer.live.supervisor import run_live

        fetch_if_missing(partial(say, err=True))
        options = LiveOptions(
            sources=tuple(SourceSpec(kind, where) for kind, where in sources),
            settings=settings,
            checkpoint=checkpoint,
            duration_s=duration,
            as_fast_as_possible=as_fast_as_possible,
            record=record,
            record_video=cast("VideoKind | None", record_video),
            web_port=web,
            lsl=lsl,
            markers_lsl=tuple(markers_lsl or ()),
            debug=_is_debug(),
        )
        run = partial(run_live, options, view)
    try:
        exit_code = _show(run, view)
    except AhmsaError:
        _sum_up(board, demo=False)
        raise
    _sum_up(board, demo=demo and exit_code == 0)
    if demo and record is not None:
        _write_truth(record)
    if screenshot is not None:
        _save_screen(board, screenshot)
    raise typer.Exit(exit_code)


def _view(board: Board, *, headless: bool) -> View:
    """The view that fits where the output goes."""
    from streamer.view.lines import LineView, QuietView

    if headless:
        return QuietView(board, say)
    # The screen is drawn with block characters: a terminal that cannot show them gets lines.
    if not sys.stdout.isatty() or "utf" not in (sys.stdout.encoding or "").lower():
        return LineView(board, say)
    from streamer.view.terminal import TerminalView

    return TerminalView(board)


def _show(run: Callable[[], None], view: View) -> int:
    """Run under a view; the exit code."""
    try:
        return exit_code_of(run)
    finally:
        view.closed()


def _sum_up(board: Board, *, demo: bool) -> None:
    """The last lines: what there was, and for the demo its score."""
    from streamer.view.lines import totals

    lines = totals(board)
    for line in lines:
        say(line)
    if demo and lines:
        from streamer.view.demo_score import demo_score

        say(demo_score(board.emotions, board.source.now_ns / 1e9))


def _write_truth(folder: Path) -> None:
    from streamer.view.demo_score import write_demo_truth

    write_demo_truth(folder)


def _save_screen(board: Board, file: Path) -> None:
    from streamer.view.terminal import save_svg

    save_svg(board, file)


def _print_cameras() -> None:
    from streamer.acquire.sources import list_cameras

    cameras = list_cameras()
    for camera in cameras:
        say(f"{camera.index}  {camera.name}")
    if not cameras:
        say("no camera found: plug one in, or try --demo")


def _is_debug() -> bool:
    return os.environ.get("AHMSA_DEBUG") == "1"
