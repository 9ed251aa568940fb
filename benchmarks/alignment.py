"""How far database clips (aligned by dlib) and live faces (aligned by FaceMesh) lie apart, on views of one portrait."""

from __future__ import annotations

import time
from collections.abc import Iterator

import cv2
import numpy as np
from skimage import data

from ahmsa.face.crop import cut_crop
from ahmsa.face.dlib_aligner import DlibLandmarks
from ahmsa.face.geometry import apply_similarity, canonical_points_px, dlib_points, fit_similarity, mesh_points
from ahmsa.face.landmarks import FaceMesh
from ahmsa.flow.maker import FlowMaker
from ahmsa.flow.maps import recentre
from ahmsa.settings import FlowSettings
from ahmsa.types import AlignedFace, ByteImage, FacePair, FaceQuality, Matrix

CROP_PX = 128
VIEWS = 60
_QUALITY = FaceQuality(interocular_px=0, yaw_deg=0, luma=0, sharpness=0)
_MOVES = {"lip corners up": [(110, 150, 0, -3), (156, 152, 0, -3)], "brows down": [(113, 84, 0, 3), (160, 86, 0, 3)]}
"""Movement -> bumps x, y, u, v in px of the portrait."""


def section() -> str:
    """Markdown: distance of the two alignments, repeatability of each, agreement of the maps, time."""
    dlib, mesh = DlibLandmarks(), FaceMesh(static=True)
    portrait = np.ascontiguousarray(data.astronaut()[0:270, 90:360, ::-1])
    distances, wobble, seconds = [], {"dlib": [], "FaceMesh": []}, {"dlib": [], "FaceMesh": []}
    straight: dict[str, Matrix] = {}
    for view, warp in _views(portrait):
        fits = {}
        for name in wobble:
            begin = time.perf_counter()
            fits[name] = _fit(name, view, dlib, mesh)
            seconds[name].append(time.perf_counter() - begin)
            straight.setdefault(name, fits[name])
            wobble[name].append(_shift(_after(fits[name], warp), straight[name]))
        distances.append(_shift(fits["FaceMesh"], fits["dlib"]))
    agreement = {name: _map_agreement(portrait, straight, bumps) for name, bumps in _MOVES.items()}
    mesh.close()
    return _page(np.array(distances), wobble, seconds, agreement)


def _views(portrait: ByteImage) -> Iterator[tuple[ByteImage, Matrix]]:
    """(image, portrait -> image): the portrait itself, then turned, scaled, shifted, dimmed and noisy ones."""
    random = np.random.default_rng(7)
    yield portrait, np.eye(2, 3)
    for _ in range(VIEWS - 1):
        warp = cv2.getRotationMatrix2D((135, 115), random.uniform(-12, 12), random.uniform(0.8, 3.0))
        warp[:, 2] += np.array([320, 240]) - np.array([135, 115]) + random.uniform(-30, 30, 2)
        view = cv2.warpAffine(portrait, warp, (640, 480), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        noisy = view * random.uniform(0.6, 1.1) + random.normal(0, 3, view.shape)
        yield noisy.clip(0, 255).astype(np.uint8), warp


def _fit(name: str, image: ByteImage, dlib: DlibLandmarks, mesh: FaceMesh) -> Matrix:
    if name == "dlib":
        landmarks = dlib.detect(image)
        assert landmarks is not None
        points = dlib_points(landmarks)
    else:
        points = mesh_points(mesh.detect(image)[0])
    return fit_similarity(points, canonical_points_px(CROP_PX))


def _after(matrix: Matrix, warp: Matrix) -> Matrix:
    """Portrait -> crop, by way of a view."""
    return matrix @ np.vstack([warp, [0, 0, 1]])


def _shift(one: Matrix, other: Matrix) -> float:
    """Mean distance, crop px, at the canonical points: where `one` puts what `other` puts there."""
    points = canonical_points_px(CROP_PX)
    source = apply_similarity(cv2.invertAffineTransform(other), points)
    return float(np.linalg.norm(apply_similarity(one, source) - points, axis=1).mean())


def _map_agreement(portrait: ByteImage, fits: dict[str, Matrix], bumps: list[tuple[int, int, int, int]]) -> float:
    """Correlation of the recentred u and v maps of one movement under the two alignments."""
    height, width = portrait.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    u, v = np.zeros_like(x), np.zeros_like(y)
    for column, row, du, dv in bumps:
        bump = np.exp(-((x - column) ** 2 + (y - row) ** 2) / (2 * 12.0**2))
        u, v = u + du * bump, v + dv * bump
    moved = cv2.remap(portrait, x - u, y - v, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    pairs = [_pair(portrait, moved, matrix) for matrix in fits.values()]
    maps = [recentre(flow_map.uvs)[:2].ravel() for flow_map in FlowMaker(FlowSettings(backend="opencv")).maps(pairs)]
    return float(np.corrcoef(*maps)[0, 1])


def _pair(onset: ByteImage, apex: ByteImage, matrix: Matrix) -> FacePair:
    faces = [
        AlignedFace(index, 0, 0, cut_crop(image, matrix, CROP_PX), np.zeros((0, 2), np.float32), _QUALITY, matrix)
        for index, image in enumerate((onset, apex))
    ]
    return FacePair(faces[0], faces[1])


def _page(
    distances: np.ndarray, wobble: dict[str, list[float]], seconds: dict[str, list[float]], agreement: dict[str, float]
) -> str:
    def spread(values: np.ndarray | list[float], unit: str, digits: int = 2) -> str:
        return f"{np.median(values):.{digits}f} / {np.percentile(values, 95):.{digits}f} {unit}"

    cell_px = CROP_PX / 28
    maps = ", ".join(f"{name} {value:.3f}" for name, value in agreement.items())
    return f"""## Alignment: dlib (database clips) against FaceMesh (live)

{VIEWS} views of one public-domain portrait: turned by up to 12 degrees, 0.8-3 times as large, dimmed, noisy. Distances are
those of the five canonical points in a {CROP_PX} px crop, median / 95th percentile. One face, near frontal: others may
differ more.

| | |
|---|---|
| crop by FaceMesh against crop by dlib | {spread(distances, "px")} |
| repeatability over views, dlib | {spread(wobble["dlib"][1:], "px")} |
| repeatability over views, FaceMesh | {spread(wobble["FaceMesh"][1:], "px")} |
| correlation of u and v maps of one movement under both | {maps} |
| time per image, dlib | {spread(np.array(seconds["dlib"]) * 1e3, "ms", 1)} |
| time per image, FaceMesh (single images) | {spread(np.array(seconds["FaceMesh"]) * 1e3, "ms", 1)} |

A cell of a 28 x 28 map is {cell_px:.1f} px: the two alignments lie {np.median(distances) / cell_px:.2f} cells apart.
"""
