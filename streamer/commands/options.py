"""Options of the commands around the live program: how they are declared and checked, and what they make of settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ahmsa.errors import UsageError
from streamer.stream.endpoint import full_endpoint

if TYPE_CHECKING:
    from configs.schema import LiveSettings

_PAGE_PORT = 8765
_VIDEO_KINDS = ("exact", "h264", "face")


def source_option(*names: str, help: str, min: int | None = None) -> Any:
    return typer.Option(*names, help=help, rich_help_panel="What to watch: one or more of these", min=min, show_default=False)


def output_option(*names: str, help: str, max: int | None = None, metavar: str | None = None, callback: Any = None) -> Any:
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


def model_option(*names: str, help: str, callback: Any = None) -> Any:
    return typer.Option(*names, help=help, rich_help_panel="Who recognises", show_default=False, callback=callback)


def endpoint(given: str | None) -> str | None:
    return None if given is None else full_endpoint(given)


def endpoints(given: list[str] | None) -> list[str] | None:
    return None if given is None else [full_endpoint(one) for one in given]


_DEBUG_HELP = "Show tracebacks, and what libraries write to the screen."
Checkpoint = Annotated[Path | None, model_option(help="Weights (.safetensors). Default: those that ship with the program.")]
Device = Annotated[str | None, model_option(help="auto, cpu, cuda or mps. Default: auto.")]
Curve = Annotated[
    Path | None, output_option(help="Folder of keys (ahmsa-keys): encrypt, and let in only those who have keys of it.")
]
Insecure = Annotated[
    bool,
    output_option(
        "--insecure", help="Let other machines in without password and encryption, where --publish or --bind says so."
    ),
]
Config = Annotated[Path | None, typer.Option(help="Settings in TOML; --print-config shows every key.", show_default=False)]
Debug = Annotated[bool, typer.Option("--debug", help=_DEBUG_HELP)]


def settings_of(config: Path | None, changes: list[str] | None, options: Mapping[str, object]) -> LiveSettings:
    """The file's settings, changed by `--set`, changed by the options that were given."""
    from configs.load import assignments, load_settings
    from configs.schema import LiveSettings

    given = {name: value for name, value in options.items() if value is not None}
    return load_settings(LiveSettings, config, {**assignments(changes or ()), **given})


def exit_code_of(run: Callable[[], None]) -> int:
    """Run: 0, or what a signal makes of it; an interrupted run ends without words."""
    from streamer.live.interrupts import InterruptError

    try:
        run()
    except InterruptError as interrupt:
        return interrupt.exit_code
    return 0


def with_bare_options(arguments: list[str]) -> list[str]:
    """Give a bare `--web` its default port and a bare `--record-video` its kind: an option has a value always, or never."""
    given = list(arguments)
    for place, argument in enumerate(arguments):
        following = arguments[place + 1 : place + 2]
        if argument == "--web" and not (following and following[0].isdecimal()):
            given[place] = f"--web={_PAGE_PORT}"
        if argument == "--record-video" and not (following and following[0] in _VIDEO_KINDS):
            given[place] = "--record-video=exact"
    return given


def check_video(kind: str | None, record: Path | None) -> None:
    if kind is not None and kind not in _VIDEO_KINDS:
        raise UsageError(f"--record-video {kind} is unknown; use {', '.join(_VIDEO_KINDS)}")
    if kind is not None and record is None:
        raise UsageError("--record-video needs --record DIR, where the pictures are kept")


def named_sources(asked: Mapping[str, Any]) -> list[tuple[Any, str]]:
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


def refuse(given: Mapping[str, object], why: str) -> None:
    """Options that would change nothing are a mistake, and not passed over in silence."""
    named = [f"--{name}" for name, value in given.items() if value is not None]
    if named:
        raise UsageError(f"{' and '.join(named)} {why}")
