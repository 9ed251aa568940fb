"""The commands `ahmsa-live`, `ahmsa-watch` and `ahmsa-worker`. Heavy imports wait until a command really runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from time import monotonic_ns
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from ahmsa.errors import AhmsaError, UsageError
from configs.command import PrintConfig, Set, print_config, program, run_program
from streamer.stream.endpoint import full_endpoint

if TYPE_CHECKING:
    from configs.schema import LiveSettings
    from streamer.live.supervisor import View
    from streamer.session.video import VideoKind
    from streamer.view.board import Board

_BEGAN_NS = monotonic_ns()
"""Importing the rest takes longer than a marker may be off."""

_PAGE_PORT = 8765
_VIDEO_KINDS = ("exact", "h264", "face")

_live = program("From a camera to a stream of micro-expressions.")
_watch = program("Read a running stream.")
_worker = program("The recogniser alone.")
_keys = program("Keys for the machines of a study.")
_mark = program("Say in the record what happened outside the picture.")


def live() -> None:
    """Entry point of `ahmsa-live`."""
    sys.argv[1:] = _with_bare_options(sys.argv[1:])
    run_program(_live)


def watch() -> None:
    """Entry point of `ahmsa-watch`."""
    run_program(_watch)


def worker() -> None:
    """Entry point of `ahmsa-worker`."""
    run_program(_worker)


def keys() -> None:
    """Entry point of `ahmsa-keys`."""
    run_program(_keys)


def mark() -> None:
    """Entry point of `ahmsa-mark`."""
    run_program(_mark)


def _source(*names: str, help: str, min: int | None = None) -> Any:
    return typer.Option(*names, help=help, rich_help_panel="What to watch: one or more of these", min=min, show_default=False)


def _output(*names: str, help: str, max: int | None = None, metavar: str | None = None, callback: Any = None) -> Any:
    return typer.Option(
        *names,
        help=help,
        rich_help_panel="Where it goes",
        show_default=False,
        min=None if max is None else 0,
        max=max,
        metavar=metavar,
        callback=callback,
    )


def _model(*names: str, help: str, callback: Any = None) -> Any:
    return typer.Option(*names, help=help, rich_help_panel="Who recognises", show_default=False, callback=callback)


def _endpoint(given: str | None) -> str | None:
    return None if given is None else full_endpoint(given)


def _endpoints(given: list[str] | None) -> list[str] | None:
    return None if given is None else [full_endpoint(one) for one in given]


_DEBUG_HELP = "Show tracebacks, and what libraries write to the screen."
Checkpoint = Annotated[Path | None, _model(help="Weights (.safetensors). Default: those that ship with the program.")]
Device = Annotated[str | None, _model(help="auto, cpu, cuda or mps. Default: auto.")]
Curve = Annotated[Path | None, _output(help="Folder of keys (ahmsa-keys): encrypt, and let in only those who have keys of it.")]
Insecure = Annotated[
    bool,
    _output("--insecure", help="Let other machines in without password and encryption, where --publish or --bind says so."),
]
Config = Annotated[Path | None, typer.Option(help="Settings in TOML; --print-config shows every key.", show_default=False)]
Debug = Annotated[bool, typer.Option("--debug", help=_DEBUG_HELP)]


@_live.command()
def _run_live(
    camera: Annotated[list[int] | None, _source(help="Number of a camera: see --list-cameras.", min=0)] = None,
    video: Annotated[list[Path] | None, _source(help="A video file: .mp4, .avi, .mkv.")] = None,
    url: Annotated[list[str] | None, _source(help="A network camera: rtsp://... or http://....")] = None,
    images: Annotated[list[Path] | None, _source(help="A folder of numbered images.")] = None,
    demo: Annotated[bool, _source("--demo", help="The built-in clip; needs no camera, ends with its own score.")] = False,
    replay: Annotated[Path | None, _source(help="Publish a session again that --record has kept.")] = None,
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
        _output(help="Endpoint of the stream. Default: 5556, on this machine only.", callback=_endpoint),
    ] = None,
    markers: Annotated[
        str | None,
        _output(
            help="Endpoint at which `ahmsa-mark` sets markers, on this machine only. Default: the stream's port + 2.",
            callback=_endpoint,
        ),
    ] = None,
    markers_lsl: Annotated[
        list[str] | None, _output(help="Take the samples of this LSL stream as markers; may be given again.")
    ] = None,
    lsl: Annotated[
        bool, _output("--lsl", help="Events and signal as LSL streams too, for the whole local network. Needs ahmsa[lsl].")
    ] = False,
    curve: Curve = None,
    insecure: Insecure = False,
    record: Annotated[
        Path | None, _output(help="Keep events.jsonl, motion.csv and session.json in a new folder. No images.")
    ] = None,
    record_video: Annotated[
        str | None,
        _output(
            help="With --record: keep the pictures too. exact: 42 GB an hour at 640 x 480, gives the same events again; h264: "
            "small, not exact; face: h264 of the face alone. Tell those who are filmed.",
            metavar="[exact|h264|face]",
        ),
    ] = None,
    web: Annotated[
        int | None,
        _output(
            help="A page to look at, on this machine only: live picture, signal, movements. Default port: 8765.",
            max=65535,
            metavar="[PORT]",
        ),
    ] = None,
    headless: Annotated[bool, _output("--headless", help="No screen: publish and record only.")] = False,
    screenshot: Annotated[Path | None, _output(help="Write the screen as it is at the end as SVG.")] = None,
    worker: Annotated[
        list[str] | None,
        _model(
            help="A recogniser elsewhere: the endpoint of its `ahmsa-worker --bind`. Several share the movements.",
            callback=_endpoints,
        ),
    ] = None,
    workers: Annotated[int | None, _model(help="Recognisers to start here, a process each. Default: 1.")] = None,
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
    settings = _settings(config, changes, overrides)
    if print_settings:
        print_config(settings)
        return
    asked = {"camera": camera, "video": video, "url": url, "images": images, "demo": demo or None, "replay": replay}
    sources = _named_sources(asked)
    _check_video(record_video, record)
    recognising = {"checkpoint": checkpoint, "device": device}
    if replay is not None:
        fresh = {
            "record": record,
            "web": web,
            "duration": duration,
            "max-faces": max_faces,
            "worker": worker or None,
            "workers": workers,
            **recognising,
        }
        _refuse(
            fresh,
            "cannot be combined with --replay, which publishes what was found before; for a video use --video",
        )
    if worker:
        _refuse(
            {"workers": workers, **recognising},
            "cannot be combined with --worker: give it to `ahmsa-worker` there",
        )
    from streamer.view.board import Board

    board = Board()
    view = _view(board, headless=headless)
    run: Callable[[], None]
    if replay is not None:
        from streamer.live.republish import republish

        run = partial(republish, replay, settings.stream, view, as_fast_as_possible=as_fast_as_possible)
    else:
        from ahmsa.face.models import fetch_if_missing
        from streamer.acquire.sources import SourceSpec
        from streamer.live.supervisor import LiveOptions, run_live

        fetch_if_missing(partial(typer.echo, err=True))
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


@_watch.command()
def _run_watch(
    endpoint: Annotated[
        str,
        typer.Argument(
            help="Where `ahmsa-live` publishes: a port of this machine, HOST:PORT or tcp://HOST:PORT.", callback=_endpoint
        ),
    ] = "tcp://127.0.0.1:5556",
    json: Annotated[bool, typer.Option("--json", help="One JSON line per message, as it was published: for a pipe.")] = False,
    topic: Annotated[
        list[str] | None,
        typer.Option(
            help="Only topics that start so; may be given again. Default: emotion. spot. marker., and as lines what changes.",
            show_default=False,
        ),
    ] = None,
    timeout: Annotated[
        float | None, typer.Option(min=0.1, help="End with an error after so many silent seconds.", show_default=False)
    ] = None,
    stay: Annotated[bool, typer.Option("--stay", help="Do not end with the session: wait for the next one.")] = False,
    curve: Curve = None,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of the messages, and end.")] = False,
    debug: Debug = False,  # noqa: ARG001 (run_program acts on it)
) -> None:
    """Print what happens in a running `ahmsa-live`, as it comes, until the session ends.

    On this machine: `ahmsa-watch`, and with `--stay` over several sessions

    Elsewhere: `ahmsa-watch tcp://laptop:5556`

    Into a pipe: `ahmsa-watch --json --topic emotion. | jq .label`
    """
    from streamer.stream import schema as wire
    from streamer.view import watch

    if schema:
        sys.stdout.write(wire.json_schema_text())
        return
    watch.watch(endpoint, topic, as_json=json, timeout_s=timeout, stay=stay, curve=curve)


@_mark.command()
def _run_mark(
    text: Annotated[str, typer.Argument(help="What happened.")],
    value: Annotated[float | None, typer.Argument(help="A number that goes with it: a trial, a code.")] = None,
    endpoint: Annotated[str | None, typer.Option(help="Where markers are taken. Default: 5558.", callback=_endpoint)] = None,
    source: Annotated[str, typer.Option(help="Who says so.")] = "mark",
    timeout: Annotated[float, typer.Option(min=0.1, help="End with an error after so many seconds without an answer.")] = 5.0,
    debug: Debug = False,  # noqa: ARG001 (run_program acts on it)
) -> None:
    """Set a marker in a running session; ends when it is in the record.

    The marker has the time at which this command began to run. `ahmsa-mark "film 3"`

    With a number: `ahmsa-mark trial 17`
    """
    from streamer.stream.markers import marker_endpoint, set_marker
    from streamer.stream.schema import DEFAULT_ENDPOINT

    number = int(value) if value is not None and value.is_integer() else value
    where = endpoint or marker_endpoint(DEFAULT_ENDPOINT)
    reply = set_marker(where, text, number, source=source, t_monotonic_ns=_BEGAN_NS, timeout_s=timeout)
    kept = "recorded" if reply.recorded else "published (nothing is recorded)"
    typer.echo(f"{kept}: {text} at {reply.session_s:.3f} s, {reply.utc}")


@_worker.command()
def _run_worker(
    bind: Annotated[
        str, typer.Option(help="Endpoint to listen at; 0.0.0.0:5557 lets other machines ask.", callback=_endpoint)
    ] = "tcp://127.0.0.1:5557",
    curve: Curve = None,
    insecure: Insecure = False,
    checkpoint: Checkpoint = None,
    device: Device = None,
    config: Config = None,
    changes: Set = None,
    print_settings: PrintConfig = False,
    debug: Debug = False,  # noqa: ARG001 (run_program acts on it)
) -> None:
    """Recognise for `ahmsa-live --worker`, here or on another machine.

    On a machine with a GPU: `ahmsa-worker --bind tcp://0.0.0.0:5557 --curve keys --device cuda`

    The keys are made by `ahmsa-keys keys`, and copied to the machines that belong together.
    """
    settings = _settings(config, changes, {"device": device})
    if print_settings:
        print_config(settings)
        return
    from streamer.commands.worker import serve_here
    from streamer.recognise.worker import WorkerTask

    task = WorkerTask(bind, checkpoint, settings.recogniser, settings.device, curve=curve, insecure=insecure)
    raise typer.Exit(_exit_code(lambda: serve_here(task)))


def _check_video(kind: str | None, record: Path | None) -> None:
    if kind is not None and kind not in _VIDEO_KINDS:
        raise UsageError(f"--record-video {kind} is unknown; use {', '.join(_VIDEO_KINDS)}")
    if kind is not None and record is None:
        raise UsageError("--record-video needs --record DIR, where the pictures are kept")


def _with_bare_options(arguments: list[str]) -> list[str]:
    """Give a bare `--web` its default port and a bare `--record-video` its kind: an option has a value always, or never."""
    given = list(arguments)
    for place, argument in enumerate(arguments):
        following = arguments[place + 1 : place + 2]
        if argument == "--web" and not (following and following[0].isdecimal()):
            given[place] = f"--web={_PAGE_PORT}"
        if argument == "--record-video" and not (following and following[0] in _VIDEO_KINDS):
            given[place] = "--record-video=exact"
    return given


@_keys.command()
def _run_keys(
    folder: Annotated[Path, typer.Argument(help="Where the keys are, or shall be.")],
    client: Annotated[
        str | None,
        typer.Option(help="Make one more client of the keys that are there, by this name.", show_default=False),
    ] = None,
    debug: Debug = False,  # noqa: ARG001 (run_program acts on it)
) -> None:
    """Make keys: for the machines that publish and recognise, and for those that read.

    All of a study: `ahmsa-keys keys`, then copy the folder to each machine, and say `--curve keys` to every command

    Somebody who shall read, and no more: `ahmsa-keys keys --client anna`, then give away the folder `keys/clients/anna`
    """
    from streamer.stream.curve import make_keys

    for path in make_keys(folder, client):
        typer.echo(path)


def _named_sources(asked: Mapping[str, Any]) -> list[tuple[Any, str]]:
    """Kind and place of every source that was named. A replay stands alone: what it publishes is a session of its own."""
    named = {name: value if isinstance(value, list) else [value] for name, value in asked.items() if value}
    if not named:
        raise UsageError("name what to watch: --camera, --video, --url, --images, --demo or --replay (none given)")
    if "replay" in named and len(named) > 1:
        raise UsageError(f"--replay stands alone: {' and '.join(f'--{name}' for name in named)} were given")
    found = [(kind, "" if value is True else str(value)) for kind, values in named.items() for value in values]
    twice = next((one for one in found if found.count(one) > 1), None)
    if twice is not None:
        raise UsageError(f"--{' '.join(twice)} is named twice")
    return found


def _refuse(given: Mapping[str, object], why: str) -> None:
    """Options that would change nothing are a mistake, and not passed over in silence."""
    named = [f"--{name}" for name, value in given.items() if value is not None]
    if named:
        raise UsageError(f"{' and '.join(named)} {why}")


def _settings(config: Path | None, changes: list[str] | None, options: Mapping[str, object]) -> LiveSettings:
    """The file's settings, changed by `--set`, changed by the options that were given."""
    from configs.load import assignments, load_settings
    from configs.schema import LiveSettings

    given = {name: value for name, value in options.items() if value is not None}
    return load_settings(LiveSettings, config, {**assignments(changes or ()), **given})


def _view(board: Board, *, headless: bool) -> View:
    """The view that fits where the output goes."""
    from streamer.view.lines import LineView, QuietView

    if headless:
        return QuietView(board, typer.echo)
    # The screen is drawn with block characters: a terminal that cannot show them gets lines.
    if not sys.stdout.isatty() or "utf" not in (sys.stdout.encoding or "").lower():
        return LineView(board, typer.echo)
    from streamer.view.terminal import TerminalView

    return TerminalView(board)


def _show(run: Callable[[], None], view: View) -> int:
    """Run under a view; the exit code."""
    try:
        return _exit_code(run)
    finally:
        view.closed()


def _exit_code(run: Callable[[], None]) -> int:
    """Run: 0, or what a signal makes of it; an interrupted run ends without words."""
    from streamer.live.interrupts import InterruptError

    try:
        run()
    except InterruptError as interrupt:
        return interrupt.exit_code
    return 0


def _sum_up(board: Board, *, demo: bool) -> None:
    """The last lines: what there was, and for the demo its score."""
    from streamer.view.lines import totals

    lines = totals(board)
    for line in lines:
        typer.echo(line)
    if demo and lines:
        from streamer.view.demo_score import demo_score

        typer.echo(demo_score(board.emotions, board.source.now_ns / 1e9))


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
        typer.echo(f"{camera.index}  {camera.name}")
    if not cameras:
        typer.echo("no camera found: plug one in, or try --demo")


def _is_debug() -> bool:
    return os.environ.get("AHMSA_DEBUG") == "1"
