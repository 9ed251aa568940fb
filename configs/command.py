"""What every command shares: a typer program whose errors are one sentence and whose exit codes mean something.

Exit codes: 0 done, 1 the run could not do its job, 2 the command line or settings are wrong, 128 + n ended by signal n.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import signal
import sys
from collections.abc import Callable
from functools import wraps
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Annotated, Any, TextIO, TypeVar

import typer

from ahmsa.errors import AhmsaError, UsageError
from ahmsa.extras import missing_extra
from ahmsa.printable import printable
from ahmsa.work.signals import answered

# typer brings a click of its own, or uses the one that is installed: this class is the right one in both cases.
_CommandLineError: Any = typer.BadParameter.__mro__[2]
_NOBODY_READS = {errno.EIO: 128 + 1, errno.EPIPE: 128 + 13}
"""Error of writing where the terminal was closed, or the reader of a pipe has gone: the exit code, as of SIGHUP and SIGPIPE."""
_INTERRUPTED = 128 + signal.SIGINT

_LONGEST_SAID = 10_000
"""Characters: a path is never cut, for the next program may read it."""

_Function = TypeVar("_Function", bound=Callable[..., Any])

if TYPE_CHECKING:
    import msgspec

Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="TABLE.KEY=VALUE", help="One setting by its name; may be given again.", show_default=False),
]
PrintConfig = Annotated[bool, typer.Option("--print-config", help="Print every setting as it would be used, as TOML, and end.")]
"""Options of every command that has settings."""


def print_config(settings: msgspec.Struct) -> None:
    """What `--print-config` does: the settings as a TOML file with every key, its range and its effect."""
    from configs.as_toml import toml_text

    typer.echo(toml_text(settings), nl=False)


def say(text: object, *, err: bool = False) -> None:
    """Print one line, as every command does. Names of files, and what stands in files, may hold what steers a terminal."""
    typer.echo(printable(text, _LONGEST_SAID), err=err)


def program(help: str) -> typer.Typer:
    """An empty typer program in the house style; every command of it has `--version` and `-h`, and completes in the shell."""
    return _Program(
        help=help,
        no_args_is_help=False,
        rich_markup_mode="markdown",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


class _Program(typer.Typer):
    def command(self, *args: Any, **options: Any) -> Callable[[_Function], _Function]:
        register = super().command(*args, **options)

        def registered(function: _Function) -> _Function:
            register(_with_version(function))
            return function

        return registered

    def __call__(self, *args: Any, **options: Any) -> Any:
        if len(self.registered_commands) > 1 and self.registered_callback is None:
            self.callback(help=self.info.help)(_with_version(lambda: None))
        return super().__call__(*args, **options)


def _with_version(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same command with an option more."""

    @wraps(function)
    def command(*args: Any, **options: Any) -> Any:
        options.pop("version")
        return function(*args, **options)

    known = signature(function, eval_str=True)  # typer finds what is Annotated only where it is no text
    option = Parameter("version", Parameter.KEYWORD_ONLY, default=False, annotation=_Version)
    command.__signature__ = known.replace(parameters=[*known.parameters.values(), option])  # type: ignore[attr-defined]
    command.__annotations__ = {**function.__annotations__, "version": _Version}
    return command


def _tell_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"ahmsa {version('ahmsa')}")
        raise typer.Exit


_Version = Annotated[
    bool,
    typer.Option("--version", is_eager=True, callback=_tell_version, help="Print the version, and end.", show_default=False),
]


def run_program(app: Callable[..., object]) -> None:
    """Run a typer program; show an error of ours, and one of the operating system, as one sentence with its exit code.

    `--debug` anywhere on the command line, or AHMSA_DEBUG=1, shows the traceback instead.
    """
    debug = _is_debug()
    for stream in (sys.stdout, sys.stderr):
        # An output that has no character for `…` shows a question mark instead of ending the run.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    with answered(_interrupt) as caught:
        try:
            code = _with_extras_named(app) or 0
            sys.stdout.flush()
        except (typer.Abort, _CommandLineError) as error:
            code = _exit_code(error)
        except (OSError, AhmsaError, KeyboardInterrupt) as error:
            if debug and not _is_gone(error):
                raise
            code = _exit_code(error)
        except SystemExit as end:
            # So typer ends a command whose output nobody reads any more.
            if not isinstance(end.__context__, BrokenPipeError):
                raise
            code = _exit_code(end.__context__)
    if caught and code == _INTERRUPTED:
        code = 128 + caught[0]
    raise SystemExit(code)


def _interrupt(_: list[int]) -> None:
    """Every signal that asks for the end is a KeyboardInterrupt, so that what was begun is undone."""
    raise KeyboardInterrupt


def _with_extras_named(app: Callable[..., object]) -> Any:
    try:
        return app(standalone_mode=False)
    except ModuleNotFoundError as error:
        raise missing_extra(error.name or "") or error from None
    except UnicodeEncodeError as error:
        foreign = next((argument for argument in sys.argv[1:] if not _is_text(argument)), None)
        if foreign is None:
            raise
        raise UsageError(f"{foreign} is no text in UTF-8; type it anew, or give the file another name") from error


def _is_text(argument: str) -> bool:
    """Not so where it holds bytes that are no UTF-8, which Python passes on as halves of surrogate pairs."""
    try:
        argument.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_debug() -> bool:
    """Whether tracebacks were asked for; the option itself is taken off the command line."""
    if "--debug" in sys.argv:
        sys.argv.remove("--debug")
        os.environ["AHMSA_DEBUG"] = "1"  # for the command itself, and for processes that it starts
    return os.environ.get("AHMSA_DEBUG") == "1"


def _is_gone(error: BaseException) -> bool:
    """Whoever looked at the output does not any more."""
    return isinstance(error, OSError) and error.errno in _NOBODY_READS


def _exit_code(error: BaseException) -> int:
    """Print the error's sentence, where it has one and somebody reads; the exit code."""
    if isinstance(error, OSError):
        # What was not written stays in the buffers, and Python would complain again when it flushes them at the end.
        for stream in (sys.stdout, sys.stderr) if _is_gone(error) else (sys.stdout,):
            _drop(stream)
        if not _is_gone(error):
            _say(_os_sentence(error))
        return _NOBODY_READS.get(error.errno or 0, 1)
    if isinstance(error, AhmsaError):
        _say(str(error))
        return error.exit_code
    if isinstance(error, _CommandLineError):
        _say(f"{printable(error.format_message())} (see --help)")
        return int(error.exit_code)
    return _INTERRUPTED


def _say(sentence: str) -> None:
    """The last words, where they can be written."""
    try:
        say(f"error: {sentence}", err=True)
    except OSError:
        _drop(sys.stderr)


def _os_sentence(error: OSError) -> str:
    """`No space left on device: out/table.csv`."""
    return printable(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}")


def _drop(stream: TextIO) -> None:
    """Whatever is written from now on goes nowhere."""
    with contextlib.suppress(OSError, ValueError):  # no file of the operating system
        descriptor = stream.fileno()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, descriptor)
        os.close(nowhere)
