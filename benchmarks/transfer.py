"""Do maps made by this program look, to the network, like the maps it was trained on?

A portrait is moved by the motion of real published maps; flow is computed back from the two images exactly as the live path
does, and the shipped checkpoint answers both the published map and the recomputed one. Training on published maps carries
over to live faces as far as the two answers agree. The real maps must be at hand: AHMSA_MAPS, or ../shared/data/flow3db-dev.
"""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import skimage.data

from ahmsa.face.crop import cut_crop
from ahmsa.face.geometry import canonical_points_px, fit_similarity, mesh_points
from ahmsa.face.landmarks import FaceMesh
from ahmsa.flow.maker import FlowMaker
from ahmsa.flow.maps import recentre
from ahmsa.model.checkpoint import Checkpoint, shipped
from ahmsa.types import AlignedFace, ByteImage, FacePair, FaceQuality, FloatArray
from train.published_maps import read_maps

PEAKS_PX = (1.0, 2.0, 3.0)
NOISE_SIGMA = 2.0
_QUALITY = FaceQuality(interocular_px=60.0, yaw_deg=0.0, luma=120.0, sharpness=100.0)


def section() -> str:
    """Markdown: agreement of answers and correlation of maps, by amplitude."""
    maps = os.environ.get("AHMSA_MAPS", str(Path(__file__).parents[2] / "shared" / "data" / "flow3db-dev"))
    heading = "## Transfer of published maps to live flow\n\n"
    if not Path(maps).is_dir():
        return heading + "Not measured: the published maps are not on this machine (set AHMSA_MAPS)."
    published = read_maps(Path(maps)).uvs
    checkpoint = Checkpoint.load(shipped())
    rows = [_row(published, checkpoint, peak_px) for peak_px in PEAKS_PX]
    return (
        f"{heading}{len(published)} published maps move a portrait (noise of {NOISE_SIGMA:g} grey levels); the maps computed "
        "back from its two images are compared with the originals. The shipped checkpoint was trained on such maps: "
        "the line is about agreement, not about accuracy.\n\n"
        "| peak of the movement, px | same answer | correlation u | v | strain |\n|---|---|---|---|---|\n" + "\n".join(rows)
    )


def _row(published: FloatArray, checkpoint: Checkpoint, peak_px: float) -> str:
    portrait = _portrait(checkpoint.crop_px)
    generator = np.random.default_rng(0)
    pairs = [_movement(portrait, uvs, peak_px, generator) for uvs in published]
    recomputed = np.stack([m.uvs for m in FlowMaker(checkpoint.flow).maps(pairs)])
    before, after = checkpoint.predict(published).argmax(axis=1), checkpoint.predict(recomputed).argmax(axis=1)
    correlation = [
        np.mean([np.corrcoef(a[c].ravel(), b[c].ravel())[0, 1] for a, b in zip(published, recomputed, strict=True)])
        for c in range(3)
    ]
    return f"| {peak_px:g} | {np.mean(before == after):.0%} | " + " | ".join(f"{each:.2f}" for each in correlation) + " |"


def _portrait(crop_px: int) -> ByteImage:
    image = np.ascontiguousarray(skimage.data.astronaut()[..., ::-1])
    with FaceMesh(static=True) as mesh:
        points = mesh_points(mesh.detect(image)[0])
    return cut_crop(image, fit_similarity(points, canonical_points_px(crop_px)), crop_px)


def _movement(portrait: ByteImage, uvs: FloatArray, peak_px: float, generator: np.random.Generator) -> FacePair:
    side = portrait.shape[0]
    motion = recentre(uvs)[:2]
    motion *= peak_px / max(float(np.percentile(np.hypot(*motion), 98)), 1e-6)
    flow = np.stack([cv2.resize(channel, (side, side), interpolation=cv2.INTER_CUBIC) for channel in motion])
    moved = cv2.remap(portrait.astype(np.float32), *_pull(flow), cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    onset, apex = (_noisy(each, generator) for each in (portrait.astype(np.float32), moved))
    faces = [
        AlignedFace(i, i * 200_000_000, 0, pixels, np.zeros((0, 2), np.float32), _QUALITY, np.eye(2, 3))
        for i, pixels in enumerate((onset, apex))
    ]
    return FacePair(faces[0], faces[1])


def _pull(flow: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Where each apex pixel comes from: the fixed point of source = target - flow(source)."""
    y, x = np.mgrid[: flow.shape[1], : flow.shape[2]].astype(np.float32)
    from_x, from_y = x, y
    for _ in range(5):
        u, v = (cv2.remap(channel, from_x, from_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) for channel in flow)
        from_x, from_y = x - u, y - v
    return from_x, from_y


def _noisy(image: FloatArray, generator: np.random.Generator) -> ByteImage:
    return np.clip(image + generator.normal(0, NOISE_SIGMA, image.shape) + 0.5, 0, 255).astype(np.uint8)
