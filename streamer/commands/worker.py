"""What `ahmsa-worker` does: the recogniser in this very process, until a signal."""

from __future__ import annotations

import sys

from streamer.live.interrupts import InterruptError, signals
from streamer.recognise.worker import Worker, WorkerTask, load_recogniser
from streamer.stream.internal import WorkerReady
from streamer.stream.sockets import is_loopback


def serve_here(task: WorkerTask) -> None:
    """Answer until a signal. Raises StreamError where the endpoint is taken, CheckpointError or DeviceError before it starts,
    InterruptError at the end."""
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
