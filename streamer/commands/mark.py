"""The command `ahmsa-mark`."""

from __future__ import annotations

from time import monotonic_ns
from typing import Annotated

import typer

from configs.command import program, run_program, say
from streamer.commands.options import Debug
from streamer.commands.options import endpoint as as_endpoint

_BEGAN_NS = monotonic_ns()
"""Importing the rest takes longer than a marker may be off."""

app = program("Say in the record what happened outside the picture.")


def main() -> None:
    """Entry point of `ahmsa-mark`."""
    run_program(app)


@app.command()
def _mark(
    text: Annotated[str, typer.Argument(help="What happened.")],
    value: Annotated[float | None, typer.Argument(help="A number that goes with it: a trial, a code.")] = None,
    endpoint: Annotated[str | None, typer.Option(help="Where markers are taken. Default: 5558.", callback=as_endpoint)] = None,
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
    say(f"{kept}: {text} at {reply.session_s:.3f} s, {reply.utc}")
