"""The command `ahmsa-worker`: the recogniser in this very process, until a signal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from configs.command import PrintConfig, Set, print_config, program, run_program
from streamer.commands.options import Checkpoint, Config, Curve, Debug, Device, Insecure, endpoint, exit_code_of, settings_of

if TYPE_CHECKING:
    from streamer.recognise.worker import WorkerTask
    from streamer.stream.internal import WorkerReady

app = program("The recogniser alone.")


def main() -> None:
    """Entry point of `ahmsa-worker`."""
    run_program(app)


@app.command()
def _worker(
    bind: Annotated[
        str, typer.Option(help="Endpoint to listen at; 0.0.0.0:5557 lets other machines ask.", callback=endpoint)
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
    settings = settings_of(config, changes, {"device": device})
    if print_settings:
        print_config(settings)
        return
    from streamer.recognise.worker import WorkerTask

    task = WorkerTask(bind, checkpoint, settings.recogniser, settings.device, curve=curve, insecure=insecure)
    raise typer.Exit(exit_code_of(lambda: serve_here(task)))


def serve_here(task: WorkerTask) -> None:
    """Answer until a signal. Raises StreamError where the endpoint is taken, CheckpointError or DeviceError before it starts,
    InterruptError at the end."""
    from streamer.live.interrupts import InterruptError, signals
    from streamer.recognise.worker import Worker, load_recogniser
    from streamer.stream.sockets import is_loopback

    worker = Worker(task.endpoint, task.curve, insecure=task.insecure)
    if task.curve is None and not is_loopback(worker.endpoint):
        sys.stderr.write(f"warning: anyone on that network can ask at {worker.endpoint}; faces travel to it unencrypted\n")

    def announce(ready: WorkerReady) -> None:
        sys.stdout.write(f"ready at {worker.endpoint}: model {ready.model} on {ready.device}; ask with --worker\n")
        sys.stdout.flush()

    try:
        # Seconds, in which a Ctrl-C need not be polite: nobody has asked anything yet.
        recogniser = load_recogniser(task)
        with signals(lambda: None) as caught:
            worker.serve(lambda: recogniser, lambda: bool(caught), announce)
    finally:
        worker.close()
    if caught:
        raise InterruptError(caught[0])
