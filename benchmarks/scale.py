"""`python -m benchmarks scale`: how many sources, faces and subscribers one program holds, and where it bends.

Sources are network cameras of 640 x 480 at 30 fps, played by a process of its own on the same machine, which takes its share of
the processor. A source is held where no frame was dropped but repeats. AHMSA_BENCH_SCALE_S sets how long each step runs (20).
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import zmq

from streamer.stream.client import EmotionStream
from streamer.stream.schema import SpotMessage, StatusMessage, decode

STEP_S = float(os.environ.get("AHMSA_BENCH_SCALE_S", "20"))
SOURCES = (1, 2, 4, 6, 8, 12)
FACES = (1, 2, 3, 4)
SUBSCRIBERS = (1, 20, 100, 200)
PLOT = Path(__file__).parent.parent / "docs" / "pictures" / "scale.png"
_BIN = Path(sys.executable).parent
_WARM_S = 5.0
_START_S = 90.0
_MIB = 2**20


@dataclass(frozen=True)
class Step:
    """What one run of the program did."""

    sources: int
    captured: int
    dropped: int
    """Frames that were lost because processing fell behind."""
    held: int
    """Sources that lost none, at 29 frames a second and more."""
    rate_hz: float
    """Frames processed a second, all sources together."""
    spot_p50_ms: float
    spot_p95_ms: float
    memory_mib: float
    """Private memory of all processes."""
    processor: float
    """Cores in use, all processes of the program."""


def section() -> str:
    steps = [_run(count) for count in SOURCES]
    faces = [(count, _run(1, faces=count)) for count in FACES]
    readers = [(count, _subscribers(count)) for count in SUBSCRIBERS]
    _plot(steps)
    lines = [
        "## Scale",
        "",
        f"Network cameras of 640 x 480 at 30 fps, {STEP_S:.0f} s a step; what plays them takes its share of the same "
        "cores. Held: no frame lost and at least 29 processed a second. `spot`: apex grabbed to published.",
        "",
        "| sources | held | frames lost | processed a second | `spot` p50, p95 ms | memory, MiB | cores |",
        "|---|---|---|---|---|---|---|",
        *(_row(step) for step in steps),
        "",
        f"Memory a source: {_slope(steps):.0f} MiB. ![Where it bends](pictures/scale.png)",
        "",
        "| faces in one source | processed a second | frames lost | cores |",
        "|---|---|---|---|",
        *(f"| {count} | {step.rate_hz:.1f} | {step.dropped} | {step.processor:.2f} |" for count, step in faces),
        "",
        "| subscribers of everything | published to received, p50, p95 ms | lost |",
        "|---|---|---|",
        *(f"| {count} | {p50:.1f}, {p95:.1f} | {lost} |" for count, (p50, p95, lost) in readers),
    ]
    return "\n".join(lines)


def _run(count: int, faces: int = 1) -> Step:
    """The program on so many cameras, watched from outside."""
    with tempfile.TemporaryDirectory() as name, _cameras(faces) as url, ExitStack() as held:
        endpoint = f"ipc://{name}/stream"
        # One address with another name each: the same server plays to all of them.
        sources = [part for number in range(count) for part in ("--url", f"{url}?camera={number}")]
        program = held.enter_context(
            _running("ahmsa-live", *sources, "--headless", "--publish", endpoint, "--max-faces", str(faces))
        )
        stream = held.enter_context(EmotionStream(endpoint, ["status.", "spot."], high_water_mark=0))
        before = _statuses(stream, count, _START_S)
        _watch(stream, _WARM_S)
        before.update(_statuses(stream, count, _START_S))
        processor = _Processor(program.pid)
        after, spots = _watch(stream, STEP_S)
        cores, memory = processor.cores(), processor.memory_mib()
    ends = {name: (before[name], after.get(name, before[name])) for name in before}
    lost = {name: end.dropped.get("queue_full", 0) - start.dropped.get("queue_full", 0) for name, (start, end) in ends.items()}
    rates = {name: _rate_hz(start, end) for name, (start, end) in ends.items()}
    return Step(
        sources=count,
        captured=sum(end.captured - start.captured for start, end in ends.values()),
        dropped=sum(lost.values()),
        held=sum(lost[name] == 0 and rates[name] >= 29 for name in ends),
        rate_hz=sum(rates.values()),
        spot_p50_ms=float(np.percentile(spots, 50)) if spots else float("nan"),
        spot_p95_ms=float(np.percentile(spots, 95)) if spots else float("nan"),
        memory_mib=memory,
        processor=cores,
    )


def _rate_hz(start: StatusMessage, end: StatusMessage) -> float:
    """Frames processed a second between two statuses, by their own times: there is one about every second only."""
    return (end.processed - start.processed) / max((end.t_publish_ns - start.t_publish_ns) / 1e9, 1e-9)


def _subscribers(count: int) -> tuple[float, float, int]:
    """p50 and p95 of publication to receipt in ms, and messages lost, over so many readers of everything."""
    with tempfile.TemporaryDirectory() as name, _cameras(1) as url:
        endpoint = f"ipc://{name}/stream"
        with _running("ahmsa-live", "--url", url, "--headless", "--publish", endpoint), ExitStack() as held:
            readers = [held.enter_context(EmotionStream(endpoint, [""])) for _ in range(count)]
            _statuses(readers[0], 1, _START_S)
            poller = zmq.Poller()
            for reader in readers:
                poller.register(reader._socket, zmq.POLLIN)
            by_socket = {reader._socket: reader for reader in readers}
            late_ms: list[float] = []
            until_s = time.monotonic() + STEP_S
            while time.monotonic() < until_s:
                for ready, _ in poller.poll(100):
                    received = by_socket[ready].receive(0)
                    now_ns = time.monotonic_ns()
                    if received is not None:
                        message = decode(received[1])
                        by_socket[ready]._noted(*received)
                        late_ms.append((now_ns - message.t_publish_ns) / 1e6)
            lost = sum(reader.lost.total() for reader in readers)
    return float(np.percentile(late_ms, 50)), float(np.percentile(late_ms, 95)), lost


def _statuses(stream: EmotionStream, count: int, timeout_s: float) -> dict[str, StatusMessage]:
    """The newest status of every source, once all have frames."""
    found: dict[str, StatusMessage] = {}
    until_s = time.monotonic() + timeout_s
    while len(found) < count:
        message = stream.next(max(0.1, until_s - time.monotonic()))
        if message is None or time.monotonic() > until_s:
            raise TimeoutError(f"only {len(found)} of {count} sources came up")
        if isinstance(message, StatusMessage) and message.processed:
            found[message.source] = message
    return found


def _watch(stream: EmotionStream, seconds: float) -> tuple[dict[str, StatusMessage], list[float]]:
    """The last status of every source, and how late provisional movements were told."""
    newest: dict[str, StatusMessage] = {}
    spots: list[float] = []
    until_s = time.monotonic() + seconds
    while time.monotonic() < until_s:
        message = stream.next(0.1)
        if isinstance(message, StatusMessage):
            newest[message.source] = message
        elif isinstance(message, SpotMessage) and message.phase == "provisional":
            spots.append(message.latency_ms["spot"])
    return newest, spots


class _Processor:
    """What a program and its children take."""

    def __init__(self, pid: int) -> None:
        self._all = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        self._began_s, self._spent = time.monotonic(), self._times()

    def cores(self) -> float:
        now = self._times()
        spent_s = sum(now[pid] - self._spent.get(pid, 0.0) for pid in now)
        return spent_s / (time.monotonic() - self._began_s)

    def memory_mib(self) -> float:
        return sum(one.memory_full_info().uss for one in self._all if one.is_running()) / _MIB

    def _times(self) -> Counter[int]:
        return Counter({one.pid: sum(one.cpu_times()[:2]) for one in self._all if one.is_running()})


@contextmanager
def _cameras(faces: int) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "benchmarks.camera_server", str(port), str(faces)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            if server.stdout.readline().strip() != "ready":
                raise RuntimeError("the cameras did not start")
            yield f"http://127.0.0.1:{port}/"
        finally:
            server.kill()


@contextmanager
def _running(name: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([_BIN / name, *arguments], stdout=subprocess.DEVNULL) as program:
        try:
            yield program
        finally:
            program.terminate()
            program.wait(timeout=30)


def _row(step: Step) -> str:
    return (
        f"| {step.sources} | {step.held} | {step.dropped} of {step.captured} | {step.rate_hz:.0f} | "
        f"{step.spot_p50_ms:.0f}, {step.spot_p95_ms:.0f} | {step.memory_mib:.0f} | {step.processor:.2f} |"
    )


def _slope(steps: Sequence[Step]) -> float:
    counts, memory = [step.sources for step in steps], [step.memory_mib for step in steps]
    return float(np.polyfit(counts, memory, 1)[0]) if len(steps) > 1 else memory[0]


def _plot(steps: Sequence[Step]) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    counts = [step.sources for step in steps]
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.2))
    left.plot(counts, [30 * count for count in counts], "--", color="grey", label="all frames")
    left.plot(counts, [step.rate_hz for step in steps], "o-", label="processed a second")
    left.set_xlabel("sources at 30 fps")
    left.legend()
    right.plot(counts, [step.spot_p50_ms for step in steps], "o-", label="spot p50, ms")
    right.plot(counts, [step.spot_p95_ms for step in steps], "s--", label="spot p95, ms")
    right.set_xlabel("sources at 30 fps")
    right.legend()
    figure.tight_layout()
    PLOT.parent.mkdir(exist_ok=True)
    figure.savefig(PLOT, dpi=110)
    pyplot.close(figure)
