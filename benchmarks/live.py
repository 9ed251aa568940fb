"""The running program: how late an answer is, what it takes in memory, how long it needs to start.

The recogniser is measured as its clients see it: a candidate goes to the worker process, its answer comes back. The whole
program is measured from outside, by a subscriber, on clips of the generator. AHMSA_BENCH_MINUTES sets how long memory is
watched (1.5).
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import psutil
import torch
import zmq

from ahmsa.model.checkpoint import Checkpoint, shipped
from ahmsa.model.recogniser import Recogniser
from ahmsa.synth import Scenario, SyntheticClip, SyntheticFaces, write_video
from ahmsa.types import Candidate
from spotting.spotter import Spotter
from streamer.stream.client import EmotionStream
from streamer.stream.internal import CANDIDATE, HELLO, parts_of
from streamer.stream.schema import AnyMessage, EmotionMessage, MotionMessage, SpotMessage, StatusMessage

QUESTIONS = 60
CLIP = Scenario(seed=11, duration_s=60.0, micro_per_minute=20, amplitude_px=(1.0, 3.0), nuisances={"sway": 0.7, "blink": 0.7})
MEMORY_MINUTES = float(os.environ.get("AHMSA_BENCH_MINUTES", "1.5"))
_BIN = Path(sys.executable).parent
_MIB = 2**20
_READY_S = 60.0


def section() -> str:
    """Markdown: answers, whole program, start, memory."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        candidates = _candidates()
        rows = [*_alone_rows(candidates), _asked_row(candidates, folder)]
        told, lateness = _whole_program(folder)
        memory = _memory(folder)
    return "\n".join(
        [
            "## Live: from an apex to an answer",
            "",
            f"{QUESTIONS} candidates of the generator, one after the other, CPU. Goal: p50 at most 150 ms, and 5 ms for the "
            "network alone, one map on one thread.",
            "",
            "| candidate -> answer | p50 ms | p95 ms |",
            "|---|---|---|",
            *rows,
            "",
            f"`ahmsa-live` on a {CLIP.duration_s:.0f} s clip at 30 fps with {told} movements, at its own speed; from true apex "
            "to the message's publication. Goal for `spot` provisional: p50 at most 150 ms.",
            "",
            "| message | hits | p50 ms | p95 ms |",
            "|---|---|---|---|",
            *lateness,
            "",
            "| start | median s | goal |",
            "|---|---|---|",
            *_start_rows(),
            "",
            memory,
        ]
    )


def _candidates() -> list[Candidate]:
    """Confirmed candidates, as the spotter hands them out."""
    faces = SyntheticFaces(CLIP)
    spotter = Spotter()
    found = []
    for face in faces:
        candidate = spotter.update(face).candidate
        if candidate is not None and candidate.phase == "confirmed":
            found.append(candidate)
    return [found[number % len(found)] for number in range(QUESTIONS)]


def _alone_rows(candidates: Sequence[Candidate]) -> list[str]:
    """The alternative that the process border is measured against: the same recogniser called in this process."""
    torch.set_num_threads(1)  # as in the worker
    checkpoint = Checkpoint.load(shipped())
    recogniser = Recogniser(checkpoint, device="cpu")
    recogniser.warm_up()
    maps = [answer.flow_map.uvs[None] for answer in recogniser.recognise([c.pair for c in candidates])]
    return [
        _row("network alone", [_timed_ms(partial(checkpoint.predict, m)) for m in maps]),
        _row("called in one process", [_timed_ms(partial(recogniser.recognise, [c.pair])) for c in candidates]),
    ]


def _asked_row(candidates: Sequence[Candidate], folder: Path) -> str:
    endpoint = f"ipc://{folder}/worker"
    context = zmq.Context()
    socket = context.socket(zmq.DEALER)
    socket.connect(endpoint)

    def ask(frames: list[bytes]) -> None:
        socket.send_multipart(frames)
        if not socket.poll(int(_READY_S * 1000)):
            raise TimeoutError("the worker does not answer")
        socket.recv()

    def ask_of(candidate: Candidate) -> None:
        ask([CANDIDATE, *parts_of(candidate)])

    with _running("ahmsa-worker", "--bind", endpoint, "--device", "cpu"):
        ask([HELLO])
        spent = [_timed_ms(partial(ask_of, c)) for c in candidates]
        context.destroy(linger=0)
    return _row("asked of `ahmsa-worker` over ipc", spent)


def _whole_program(folder: Path) -> tuple[int, list[str]]:
    """Number of true movements, and table rows of how late they were told."""
    clip = SyntheticClip(CLIP)
    write_video(clip, folder / "clip.avi", codec="MJPG")
    endpoint = f"ipc://{folder}/stream"
    with (
        EmotionStream(endpoint, topics=[""], high_water_mark=0) as stream,
        _running("ahmsa-live", "--headless", "--device", "cpu", "--video", str(folder / "clip.avi"), "--publish", endpoint),
    ):
        messages = list(_until_the_end(stream))
    last = [message for message in messages if isinstance(message, StatusMessage)][-2]
    # The clip's clock on the machine's: the frame that was told fastest, less what its processing took.
    behind_ns = min(m.t_publish_ns - m.t_capture_ns for m in messages if isinstance(m, MotionMessage))
    behind_ns -= round(last.stages["capture"].p50_ms * 1e6)
    kinds: list[tuple[str, Callable[[AnyMessage], bool]]] = [
        ("`spot` provisional", lambda m: isinstance(m, SpotMessage) and m.phase == "provisional"),
        ("`spot` confirmed", lambda m: isinstance(m, SpotMessage) and m.phase == "confirmed"),
        ("`emotion`", lambda m: isinstance(m, EmotionMessage)),
    ]
    rows = []
    for name, is_wanted in kinds:
        late_ms = []
        for true in clip.truth:
            hits = [m for m in messages if is_wanted(m) and true.onset_ms <= m.t_capture_ns / 1e6 <= true.offset_ms]
            late_ms += [(hits[0].t_publish_ns - behind_ns) / 1e6 - true.apex_ms] if hits else []
        rows.append(f"| {name} | {len(late_ms)} of {len(clip.truth)} | {_percentiles(late_ms)} |")
    return len(clip.truth), rows


def _start_rows() -> list[str]:
    bare = statistics.median(_timed_ms(lambda: subprocess.run([sys.executable, "-c", ""], check=True)) for _ in range(7)) / 1e3
    show_help = [str(_BIN / "ahmsa-live"), "--help"]
    shown = [_timed_ms(lambda: subprocess.run(show_help, check=True, stdout=subprocess.DEVNULL)) / 1e3 for _ in range(7)]
    first = [_first_frame_s() for _ in range(3)]
    help_s = statistics.median(shown)
    return [
        f"| `ahmsa-live --help` | {help_s:.2f} ({help_s / bare:.1f} x an empty Python) | 0.4 |",
        f"| `ahmsa-live --demo`: command -> first frame published | {statistics.median(first):.1f} | 6 |",
    ]


def _first_frame_s() -> float:
    with tempfile.TemporaryDirectory() as folder:
        endpoint = f"ipc://{folder}/stream"
        started_s = time.monotonic()
        with (
            EmotionStream(endpoint, topics=["status."], timeout_s=_READY_S) as stream,
            _running("ahmsa-live", "--demo", "--headless", "--publish", endpoint),
        ):
            next(m for m in stream if isinstance(m, StatusMessage) and m.processed)
            return time.monotonic() - started_s


def _memory(folder: Path) -> str:
    """Resident memory of all processes together while a network camera delivers the clip over and over."""
    endpoint = f"ipc://{folder}/stream"
    seconds = MEMORY_MINUTES * 60
    with (
        _network_camera(folder / "clip.avi") as url,
        EmotionStream(endpoint, topics=["status."], timeout_s=_READY_S) as stream,
        _running("ahmsa-live", "--headless", "--device", "cpu", "--url", url, "--publish", endpoint) as program,
    ):
        # Both libraries and weights are in memory once frames flow and the recogniser is ready; ten seconds fill the buffers.
        next(m for m in stream if isinstance(m, StatusMessage) and m.processed and m.worker.state == "ready")
        started_s, samples, status = time.monotonic(), [], None
        while (elapsed_s := time.monotonic() - started_s) < seconds:
            message = stream.newest(2.0)
            status = message if isinstance(message, StatusMessage) else status
            if elapsed_s > 10:
                samples.append(_resident_mib(program))
    tenth = max(1, len(samples) // 10)
    growth = statistics.median(samples[-tenth:]) - statistics.median(samples[:tenth])
    captured = status.captured if status else 0
    lost = ", ".join(f"{count} {reason}" for reason, count in status.dropped.items()) if status and status.dropped else "none"
    return (
        f"Memory of all processes, {MEMORY_MINUTES:g} minutes of a network camera at 30 fps: at most {max(samples):.0f} MiB "
        f"(goal 1536), growth {growth:+.1f} MiB (goal: under 20 in 10 minutes); {captured} frames captured, dropped: {lost}."
    )


@contextmanager
def _running(command: str, *arguments: str) -> Iterator[psutil.Process]:
    program = subprocess.Popen([str(_BIN / command), *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield psutil.Process(program.pid)
    finally:
        program.terminate()
        program.wait(10)


@contextmanager
def _network_camera(video: Path) -> Iterator[str]:
    """The clip as MJPEG over HTTP, 30 frames a second, again and again."""
    pictures = []
    capture = cv2.VideoCapture(str(video))
    while (frame := capture.read())[0]:
        pictures.append(cv2.imencode(".jpg", frame[1])[1].tobytes())

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            due_s = time.monotonic()
            try:
                while True:
                    for jpeg in pictures:
                        head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                        self.wfile.write(head.encode() + jpeg + b"\r\n")
                        due_s += 1 / 30
                        time.sleep(max(0.0, due_s - time.monotonic()))
            except OSError:
                return

        def log_message(self, *_: object) -> None:
            """No lines on the screen."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/video"
    finally:
        server.shutdown()
        server.server_close()


def _until_the_end(stream: EmotionStream) -> Iterator[AnyMessage]:
    while (message := stream.next(_READY_S)) is not None:
        yield message
        if isinstance(message, StatusMessage) and message.state == "ended":
            return


def _resident_mib(program: psutil.Process) -> float:
    return float(sum(process.memory_info().rss for process in [program, *program.children(recursive=True)])) / _MIB


def _timed_ms(work: Callable[[], object]) -> float:
    started_s = time.perf_counter()
    work()
    return (time.perf_counter() - started_s) * 1e3


def _row(name: str, spent_ms: Sequence[float]) -> str:
    return f"| {name} | {_percentiles(spent_ms)} |"


def _percentiles(values_ms: Sequence[float]) -> str:
    if len(values_ms) < 2:
        return "- | -"
    return f"{statistics.median(values_ms):.0f} | {statistics.quantiles(values_ms, n=20)[-1]:.0f}"


if __name__ == "__main__":
    print(section())
