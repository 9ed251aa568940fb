"""What a frame costs from grab to spotter, and whether a fast source loses any.

The frames are a person with mixed nuisances from the built-in generator, compressed as motion JPEG: decoding one is what a
webcam's frame costs to grab.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np

from ahmsa.face.geometry import apply_similarity, canonical_points_px, fit_similarity, mesh_points
from ahmsa.face.tracker import FaceTracker
from ahmsa.flow.maker import FlowMaker
from ahmsa.settings import FaceSettings, FlowSettings
from ahmsa.synth import MIXED, Scenario, SyntheticClip, clip_of
from ahmsa.types import ByteImage, FloatArray, Frame, Matrix
from configs.schema import SourceSettings
from spotting.settings import SpotterSettings
from streamer.acquire.capture import CaptureStage, use_one_core
from streamer.acquire.grabber import Grabber
from streamer.acquire.sources import SourceSpec, open_source

COST_FRAMES = 400
WARM_UP_FRAMES = 30
LIVE_S = 15.0
DRIVER_BUFFER = 4
"""Frames that a camera's driver keeps; one that is fetched later than that is lost before we see it."""


def section() -> str:
    """Markdown: cost per frame on one core, the gain of holding alignment and landmarks, frames lost by live sources."""
    with tempfile.TemporaryDirectory() as folder:
        clips = {fps: _write_clip(Path(folder), fps) for fps in (30, 200)}
        costs = [
            _cost_row("30 fps", clips[30], FaceSettings()),
            _cost_row("200 fps", clips[200], FaceSettings()),
            _cost_row("200 fps, landmarks in every frame", clips[200], FaceSettings(landmark_interval_ms=0)),
        ]
        lives = [_live_row(fps, clips[fps], busy) for fps, busy in ((30, True), (200, False))]
    held_px, renewed_px = _on_one_core(_apparent_motion)
    return "\n".join(
        [
            "## Capture: grab, face, align, spot",
            "",
            f"One core, 640x480, {COST_FRAMES} frames with mixed nuisances, all stages in one thread; ms per frame. "
            "Goal: p50 at most 8, p99 at most 16.",
            "",
            "| source | grab p50 | face p50 | spot p50 | all p50 | all p99 | all, mean CPU time | frames/s |",
            "|---|---|---|---|---|---|---|---|",
            *costs,
            "",
            "A still face with sensor noise seems to move, from frame to frame, by "
            f"{renewed_px:.2f} px (rms, 128 px crop) where every frame is aligned anew, and by {held_px:.2f} px under the held "
            "alignment. Micro-expressions move by 0.5-3 px.",
            "",
            f"Sources at their own pace for {LIVE_S:g} s on two cores, grabbed by their own thread:",
            "",
            "| source | captured | processed | lost in the driver | queue full | face+spot p99, ms |",
            "|---|---|---|---|---|---|",
            *lives,
        ]
    )


def _write_clip(folder: Path, fps: int) -> Path:
    path = folder / f"{fps}.avi"
    clip = SyntheticClip(Scenario(seed=11, duration_s=COST_FRAMES / fps, fps=float(fps), nuisances=MIXED))
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"MJPG"), fps, (640, 480))
    for frame in clip:
        writer.write(frame.image)
    writer.release()
    return path


def _cost_row(name: str, path: Path, face: FaceSettings) -> str:
    (grab, stage_face, spot, whole), cpu_ms = _on_one_core(_costs, path, face)
    medians = " | ".join(f"{np.median(each):.2f}" for each in (grab, stage_face, spot, whole))
    return f"| {name} | {medians} | {np.percentile(whole, 99):.2f} | {cpu_ms:.2f} | {1000 / np.mean(whole):.0f} |"


def _costs(path: Path, face: FaceSettings) -> tuple[list[list[float]], float]:
    """Per frame: grab, face, spot, all; in ms, and the mean CPU time of all. The first frames warm up."""
    rows: list[tuple[float, ...]] = []
    cpu_s = 0.0
    with (
        open_source(SourceSpec("video", str(path)), SourceSettings(), as_fast_as_possible=True) as source,
        CaptureStage(face, SpotterSettings()) as stage,
    ):
        frames = iter(source)
        while True:
            if len(rows) == WARM_UP_FRAMES:
                cpu_s = time.process_time()
            start = time.perf_counter()
            frame = next(frames, None)
            if frame is None:
                break
            grabbed = time.perf_counter()
            stage.process(frame)
            rows.append(
                (
                    (grabbed - start) * 1e3,
                    stage.timings["face"].newest_ms,
                    stage.timings["spot"].newest_ms,
                    (time.perf_counter() - start) * 1e3,
                )
            )
    cpu_ms = (time.process_time() - cpu_s) * 1e3 / (len(rows) - WARM_UP_FRAMES)
    return [list(column) for column in zip(*rows[WARM_UP_FRAMES:], strict=True)], cpu_ms


def _apparent_motion() -> tuple[float, float]:
    """How far a still face's alignment moves the canonical points from frame to frame, held and fitted anew to every frame's
    landmarks: root mean square, px of the crop."""
    settings = FaceSettings()
    with FaceTracker(settings) as tracker:
        faces = [face for frame in clip_of(duration_s=6.0, noise_levels=2.0) for face in tracker.update(frame)][30:]
    points = canonical_points_px(settings.crop_px)
    in_source = _back(faces[0].alignment, points)
    anew = [fit_similarity(mesh_points(_back(face.alignment, face.landmarks_px)), points) for face in faces]
    return _rms_step([face.alignment for face in faces], in_source), _rms_step(anew, in_source)


def _rms_step(alignments: list[Matrix], in_source: FloatArray) -> float:
    places = [apply_similarity(alignment, in_source) for alignment in alignments]
    return float(np.sqrt((np.linalg.norm(np.diff(places, axis=0), axis=-1) ** 2).mean()))


def _back(alignment: Matrix, points: FloatArray) -> FloatArray:
    return apply_similarity(cast(Matrix, cv2.invertAffineTransform(alignment)), points)


def _live_row(fps: int, path: Path, busy_worker: bool) -> str:
    with _busy_worker() if busy_worker else _nothing():
        captured, processed, driver, queue_full, p99_ms = _in_child(_live, path, fps)
    name = f"{fps} fps" + (", beside a worker that computes flow without pause" if busy_worker else "")
    return f"| {name} | {captured} | {processed} | {driver} | {queue_full} | {p99_ms:.1f} |"


def _live(path: Path, fps: int) -> tuple[int, int, int, int, float]:
    use_one_core()
    camera = _PacedCamera(path, fps)
    with CaptureStage(FaceSettings(), SpotterSettings()) as stage:
        stage.process(Frame(0, 0, next(_images(path))))
        camera.start()
        with Grabber("paced", float(fps), camera, reopen=lambda: camera, settings=SourceSettings()) as source:
            for frame in source:
                if frame is not None:
                    stage.process(frame)
                elif camera.ended:
                    break
            captured, drops, _ = source.account()
    return captured, stage.processed - 1, camera.lost, drops.get("queue_full", 0), stage.timings["capture"].percentile_ms(99)


class _PacedCamera:
    """A camera that delivers a clip's compressed frames forth and back at its own pace, fetched or not."""

    def __init__(self, path: Path, fps: int) -> None:
        forth = [cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 92])[1] for image in _images(path)]
        self._pictures = forth + forth[-2:0:-1]
        self._fps, self._number, self._start = fps, 0, 0.0
        self.lost = 0
        self.ended = False

    def start(self) -> None:
        self._start = time.monotonic()

    def read(self) -> tuple[int, ByteImage] | None:
        now = time.monotonic()
        if now - self._start > LIVE_S:
            self.ended = True
            time.sleep(0.1)
            return None
        late = int((now - self._start) * self._fps) - self._number - DRIVER_BUFFER
        if late > 0:
            self.lost += late
            self._number += late
        time.sleep(max(self._start + self._number / self._fps - now, 0))
        grabbed_ns = time.monotonic_ns()
        image = cv2.imdecode(self._pictures[self._number % len(self._pictures)], cv2.IMREAD_COLOR)
        self._number += 1
        return grabbed_ns, cast(ByteImage, image)

    def close(self) -> None:
        pass


def _images(path: Path) -> Iterator[ByteImage]:
    with open_source(SourceSpec("video", str(path)), SourceSettings(), as_fast_as_possible=True) as source:
        yield from (frame.image for frame in source if frame is not None)


@contextmanager
def _busy_worker() -> Iterator[None]:
    process = multiprocessing.get_context("spawn").Process(target=_compute_flow, daemon=True)
    process.start()
    try:
        yield
    finally:
        process.kill()
        process.join()


def _compute_flow() -> None:
    maker = FlowMaker(FlowSettings(), "cpu")
    onset, apex = np.random.default_rng(0).integers(0, 256, (2, 1, 128, 128), dtype=np.uint8)
    for _ in itertools.count():
        maker.flow(onset, apex)


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def _on_one_core(work: Callable[..., Any], *arguments: object) -> Any:
    return _in_child(_pinned, work, *arguments)


def _pinned(work: Callable[..., Any], *arguments: object) -> Any:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    use_one_core()
    return work(*arguments)


def _in_child(work: Callable[..., Any], *arguments: object) -> Any:
    """In a process of its own: threads of an earlier measurement, and its memory, are gone."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, arguments)
