"""Why patches are matched instead of dense flow: `python -m benchmarks.spotting_signal` prints signal, noise and cost of both.

The same generated movement of 1 px (raised brows, then drawn lip corners), sensor noise of 2 grey levels; the head's motion is
fitted alike. The dense flows are averaged over squares of 11 px at the regions, as optical-flow spotters do.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np

from ahmsa.synth import ClipScript, SyntheticFaces, event
from ahmsa.types import AlignedFace, FloatArray
from spotting.regions import REGIONS, SUPPORT, region_centres, support_votes
from spotting.settings import ExpertSettings, SpotterSettings
from spotting.signal import SignalMaker, fit_rigid, rigid_basis

_REPEATS = 40
_SHIFT_PX = (4.0, -2.0)
_MOVING = {"surprise": "left_brow_inner", "positive": "right_lip"}

Method = Callable[[AlignedFace], FloatArray]
"""A face -> (8, 2) displacement of the regions since the keyframe, head motion removed."""


def table() -> str:
    """Markdown: one line per method."""
    makers: dict[str, Callable[[AlignedFace], Method]] = {
        "patches (Lucas-Kanade)": _patches,
        "DIS fast": lambda key: _dense(key, cv2.DISOPTICAL_FLOW_PRESET_FAST),
        "DIS medium": lambda key: _dense(key, cv2.DISOPTICAL_FLOW_PRESET_MEDIUM),
    }
    lines = [f"| {name} | " + " | ".join(_measure(maker)) + " |" for name, maker in makers.items()]
    head = (
        "| method | brow: signal, px | brow: signal / noise | lip: signal, px | lip: signal / noise "
        "| error when the head shifts by 4.5 px, px | CPU ms |"
    )
    return "\n".join([head, "|---|---|---|---|---|---|---|", *lines])


def _measure(maker: Callable[[AlignedFace], Method]) -> list[str]:
    cells = []
    errors = []
    for label, region in _MOVING.items():
        rests, apexes = _faces(label, 0.0), _faces(label, 1.0)
        method, at = maker(rests[0]), REGIONS.index(region)
        still = np.array([method(face)[at] for face in rests[1:]])
        moved = np.array([method(face)[at] for face in apexes])
        signal = float(np.linalg.norm(moved.mean(axis=0) - still.mean(axis=0)))
        noise = float(np.sqrt(still.var(axis=0).mean()))
        cells += [f"{signal:.2f}", f"{signal / noise:.0f}"]
        errors += [np.linalg.norm(method(_shifted(face))[at] - moved.mean(axis=0)) for face in apexes]
    start = time.thread_time()
    for face in rests:
        method(face)
    cost = (time.thread_time() - start) / len(rests) * 1e3
    return [*cells, f"{np.mean(errors):.2f}", f"{cost:.2f}"]


def _patches(key: AlignedFace) -> Method:
    maker = SignalMaker(SpotterSettings(key_age_ms=1e9, key_shift_px=1e9))
    maker.update(key)
    return lambda face: maker.update(face).displacement_px


def _dense(key: AlignedFace, preset: int) -> Method:
    flow_maker = cv2.DISOpticalFlow.create(preset)
    side = key.pixels.shape[0]
    solid = np.column_stack([key.landmarks_px, key.depth_px if len(key.depth_px) else np.zeros(len(key.landmarks_px))])
    points = np.concatenate([region_centres(solid), solid[list(SUPPORT)]]).astype(np.float32)
    basis = rigid_basis(points[:, :2], points[:, 2], side)
    columns, rows = np.clip(np.round(points[:, :2]).astype(int), 0, side - 1).T
    voters = slice(len(REGIONS), None)

    def measure(face: AlignedFace) -> FloatArray:
        flow = cv2.blur(flow_maker.calc(key.pixels, face.pixels, None), (11, 11))[rows, columns]
        rigid, _ = fit_rigid(basis[voters], flow[voters], support_votes(ExpertSettings().lower_vote), 0.1)
        return (flow - basis @ rigid)[: len(REGIONS)]

    return measure


def _faces(label: str, amplitude_px: float) -> list[AlignedFace]:
    """Faces at the apex of a movement, each with its own noise."""
    times = (event(label, 0.0, max(amplitude_px, 1e-6), 1000.0, 1000.0),)
    found = []
    for seed in range(_REPEATS):
        script = ClipScript(0.02, 100.0, times if amplitude_px else (), (), seed, noise_levels=2.0)
        moment = replace(
            script, events=tuple(replace(e, onset_ms=-1000.0, apex_ms=0.0, offset_ms=1000.0) for e in script.events)
        )
        found.append(next(iter(SyntheticFaces(moment))))
    return found


def _shifted(face: AlignedFace) -> AlignedFace:
    matrix = np.float32([[1, 0, _SHIFT_PX[0]], [0, 1, _SHIFT_PX[1]]])
    side = face.pixels.shape[0]
    return replace(face, pixels=cv2.warpAffine(face.pixels, matrix, (side, side), borderMode=cv2.BORDER_REPLICATE))


if __name__ == "__main__":
    cv2.setNumThreads(1)
    print(table())
