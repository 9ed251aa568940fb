"""The command `ahmsa-watch`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from configs.command import program, run_program
from streamer.commands.options import Curve, Debug
from streamer.commands.options import endpoint as as_endpoint

app = program("Read a running stream.")


def main() -> None:
    """Entry point of `ahmsa-watch`."""
    run_program(app)


@app.command()
def _watch(
    endpoint: Annotated[
        str,
        typer.Argument(
            help="Where `ahmsa-live` publishes: a port of this machine, HOST:PORT or tcp://HOST:PORT.", callback=as_endpoint
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
