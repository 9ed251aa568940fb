"""Our FaceMesh loop against MediaPipe's own on generated clips; `make parity` builds MediaPipe's environment first.

python -m benchmarks.parity --golden     also writes tests/ahmsa/face/golden/facemesh.npz, which a test holds ours against
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ahmsa.face.landmarks import FaceMesh
from ahmsa.synth import MIXED, Scenario, SyntheticClip
from ahmsa.synth.known.views import CLIPS, views
from ahmsa.types import ByteImage, FloatArray

GOLDEN = Path("tests/ahmsa/face/golden/facemesh.npz")
GOLDEN_LANDMARKS = (33, 263, *range(0, 468, 20))
GOLDEN_PER_PX = 32
"""Golden landmarks are whole numbers of this part of a pixel; -32768 where there is no face."""
MAX_FACES = {"two faces": 2}
"""Clip -> faces that are looked for, where it is not one."""
_EYES = (33, 263)
_REFERENCE = Path(__file__).with_name("parity_reference.py")


@dataclass(frozen=True)
class Outcome:
    name: str
    eye_px: float
    distance: float
    """Mean distance of corresponding landmarks, share of the distance between the outer eye corners."""
    worst: float
    """The same, of the worst picture."""
    jitter_px: tuple[float, float]
    """Mean step of a landmark from picture to picture: ours, MediaPipe's."""
    found: tuple[int, int]
    """Faces in all pictures: ours, MediaPipe's."""
    ms: tuple[float, float]
    """Processor time of a picture, median."""


def section() -> str:
    """Markdown: distance, jitter, found faces and time of both, per clip."""
    outcomes = compare()
    rows = "\n".join(
        f"| {o.name} | {o.eye_px:.0f} | {100 * o.distance:.2f} | {100 * o.worst:.2f} "
        f"| {o.jitter_px[0]:.3f} / {o.jitter_px[1]:.3f} | {o.found[0]} / {o.found[1]} | {o.ms[0]:.1f} / {o.ms[1]:.1f} |"
        for o in outcomes
    )
    return f"""## Landmarks: our loop against MediaPipe's FaceMesh

The same two model files, by our loop on ai-edge-litert {_version("ai-edge-litert")} and by MediaPipe 0.10.21 itself. Distances
are means over the 468 landmarks in per cent of the distance between the outer corners of the eyes; elsewhere `ours /
MediaPipe's`. Time is processor time of all threads.

| clip | eyes, px | distance, % | worst picture, % | step between pictures, px | faces found | ms a picture |
|---|---|---|---|---|---|---|
{rows}
"""


def compare(golden: Path | None = None) -> list[Outcome]:
    """Both over every clip. golden: write MediaPipe's landmarks of the portrait's clips there."""
    with tempfile.TemporaryDirectory(prefix="ahmsa-parity-") as scratch:
        folder = Path(scratch)
        for name, pictures in _clips():
            path = folder / str(MAX_FACES.get(name, 1)) / f"{name}.npy"
            path.parent.mkdir(exist_ok=True)
            np.save(path, np.stack(pictures))
        subprocess.run((_reference_python(), str(_REFERENCE), str(folder)), check=True, stderr=subprocess.DEVNULL)
        if golden is not None:
            _write_golden(golden, {name: np.load(_files(folder, name)[1]) for name in CLIPS})
        return [_outcome(folder, path.stem) for path in sorted(folder.glob("*/*.npy")) if "." not in path.stem]


def follow(pictures: Iterable[ByteImage], max_faces: int) -> tuple[FloatArray, np.ndarray]:
    """(n, max_faces, 468, 3) x, y, z in pixels by our loop, NaN where there is no face; processor seconds of each picture."""
    rows, seconds = [], []
    with FaceMesh(max_faces) as mesh:
        for picture in pictures:
            begin = time.process_time()
            found = mesh.detect(picture)
            seconds.append(time.process_time() - begin)
            empty = [np.full((468, 3), np.nan, np.float32)] * (max_faces - len(found))
            rows.append(np.stack([*found, *empty]))
    return np.stack(rows), np.array(seconds)


def _files(folder: Path, name: str) -> list[Path]:
    """Pictures, MediaPipe's landmarks, its times."""
    return [folder / str(MAX_FACES.get(name, 1)) / f"{name}.{kind}" for kind in ("npy", "landmarks.npy", "ms.npy")]


def _clips() -> Iterator[tuple[str, list[ByteImage]]]:
    for name in CLIPS:
        yield name, list(views(name))
    clip = SyntheticClip(Scenario(seed=3, duration_s=12, nuisances=MIXED, macro_per_minute=10))
    frames = [clip.frame(index) for index in range(0, 360, 2)]
    yield "generated clip", [frame.image for frame in frames if frame is not None]


def _outcome(folder: Path, name: str) -> Outcome:
    pictures, landmarks, their_ms = (np.load(path) for path in _files(folder, name))
    ours, seconds = follow(pictures, MAX_FACES.get(name, 1))
    theirs, ours = in_order(landmarks), in_order(ours)
    both = ~np.isnan(theirs[..., 0, 0]) & ~np.isnan(ours[..., 0, 0])
    eyes = np.linalg.norm(np.diff(theirs[both][:, _EYES, :2], axis=1)[:, 0], axis=1)
    apart = np.linalg.norm(theirs[both][..., :2] - ours[both][..., :2], axis=2).mean(axis=1) / eyes
    return Outcome(
        name,
        float(eyes.mean()),
        float(apart.mean()),
        float(apart.max()),
        (jitter_px(ours), jitter_px(theirs)),
        (int((~np.isnan(ours[..., 0, 0])).sum()), int((~np.isnan(theirs[..., 0, 0])).sum())),
        (float(np.median(seconds) * 1e3), float(np.median(their_ms))),
    )


def in_order(landmarks: FloatArray) -> FloatArray:
    """(n, faces, k, 3): the faces of each picture from left to right, those not there at the end."""
    order = np.argsort(landmarks[:, :, 0, 0], axis=1)
    return np.take_along_axis(landmarks, order[:, :, None, None], axis=1)


def jitter_px(landmarks: FloatArray) -> float:
    """Mean step of a landmark from one picture to the next."""
    return float(np.nanmean(np.linalg.norm(np.diff(landmarks[..., :2], axis=0), axis=-1)))


def _write_golden(path: Path, landmarks: dict[str, FloatArray]) -> None:
    numbers = {}
    for name, values in landmarks.items():
        whole = np.rint(values[:, :, GOLDEN_LANDMARKS] * GOLDEN_PER_PX)
        numbers[name] = np.where(np.isnan(whole), -32768, whole).astype(np.int16)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **numbers)


def _reference_python() -> str:
    named = os.environ.get("AHMSA_PARITY_PYTHON", ".venv-parity/bin/python")
    if not Path(named).exists():
        sys.exit(f"there is no {named} with mediapipe 0.10.21; `make parity` builds it, and AHMSA_PARITY_PYTHON names another")
    return named


def _version(package: str) -> str:
    from importlib.metadata import version

    return version(package)


if __name__ == "__main__":
    cv2.setNumThreads(1)
    for outcome in compare(GOLDEN if "--golden" in sys.argv else None):
        print(outcome)
