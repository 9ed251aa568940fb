"""From aligned faces to numbers: how far each region of the face has moved by itself, without the head's motion.

Each face is compared with a keyframe of a moment ago, never of seconds ago: a face that turns soon looks different. Places are
matched in the pictures by the pyramid of Lucas and Kanade (Bouguet 2001), because the jitter of landmarks is larger than a
micro-expression; landmarks say where the places are, and where a match is to be expected. The rigid motion of the head is
fitted robustly to places all over the face and taken out. What is left adds up from keyframe to keyframe.

Under weak perspective a rigid head that shifts, turns and comes nearer moves each point by a linear function of its place in
space (Tomasi and Kanade 1992): four numbers for u and four for v say all of it, without a model of this face's shape, because
the landmarks bring their depth along.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast

import cv2
import numpy as np
import numpy.typing as npt

from ahmsa.face.crop import recut
from ahmsa.face.geometry import MESH_LANDMARKS
from ahmsa.types import AlignedFace, ByteImage, FloatArray
from spotting.regions import (
    CROSS,
    INNER_LIPS,
    REGION_LANDMARKS,
    REGIONS,
    SUPPORT,
    eye_openness,
    region_centres,
    support_votes,
)
from spotting.settings import ExpertSettings, SpotterSettings

_LEVELS = 1
_STOP = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 10, 0.01)
_BORDER_PX = 2
_ROUNDS = 4
"""Reweightings of the fit of the head's motion."""
_RIDGE = 1e-6

Floats = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Sample:
    """What one frame says about the movement of a face. Lengths are px of a 128 crop, whatever the crop's size."""

    t_capture_ns: int
    displacement_px: FloatArray
    """(r, 2) u, v of the regions since the first keyframe, the head's motion removed."""
    head_px: FloatArray
    """(r, 2) how far the head has carried the regions since the first keyframe."""
    lost: npt.NDArray[np.bool_]
    """(r,) no place of the region was found: something is in front of it, or it has left the picture."""
    spread_px: FloatArray
    """(r,) how far the places of a region disagree on its movement: smooth skin and the edge of a face match badly."""
    misfit_px: float
    """What the head's motion leaves unexplained: median over the face."""
    eye_openness: float
    """Distance of the lids in units of the eye's width."""
    lip_gap_px: float
    """Distance between the inner lips."""
    luma: float
    """Mean grey level of the crop."""


class SignalMaker:
    """Turns the faces of one person into samples; `reset` when the person was out of sight."""

    def __init__(self, settings: SpotterSettings) -> None:
        self._settings = settings
        self.reset()

    def reset(self) -> None:
        self._key: _Keyframe | None = None
        self._before = _no_readings()

    def update(self, face: AlignedFace) -> Sample:
        """Measure one face."""
        if self._key is None:
            self._key = _Keyframe(face, self._settings.expert)
        key = self._key
        now = key.measure(face)
        total = replace(now, regions=self._before.regions + now.regions, head=self._before.head + now.head)
        age_ms = (face.t_capture_ns - key.t_capture_ns) / 1e6
        if age_ms >= self._settings.key_age_ms or np.abs(now.head).max() > self._settings.key_shift_px:
            self._key, self._before = _Keyframe(face, self._settings.expert), total
        scale = 128 / face.pixels.shape[0]
        upper_lip, lower_lip = face.landmarks_px[list(INNER_LIPS)]
        return Sample(
            t_capture_ns=face.t_capture_ns,
            displacement_px=total.regions,
            head_px=total.head,
            lost=now.lost,
            spread_px=now.spread_px,
            misfit_px=now.misfit_px,
            eye_openness=eye_openness(face.landmarks_px),
            lip_gap_px=float(np.linalg.norm(lower_lip - upper_lip)) * scale,
            luma=float(face.pixels.mean()),
        )


@dataclass(frozen=True, slots=True)
class _Readings:
    """Differences to a keyframe, px of a 128 crop."""

    regions: FloatArray
    head: FloatArray
    lost: npt.NDArray[np.bool_]
    spread_px: FloatArray
    misfit_px: float


def _no_readings() -> _Readings:
    zero = np.zeros((len(REGIONS), 2), np.float32)
    return _Readings(zero, zero, np.zeros(len(REGIONS), bool), np.zeros(len(REGIONS), np.float32), 0.0)


class _Keyframe:
    """A face of a moment ago, and the places on it that are found again in later faces."""

    def __init__(self, face: AlignedFace, expert: ExpertSettings) -> None:
        if len(face.landmarks_px) < MESH_LANDMARKS:
            raise ValueError("spotting needs the 468 mesh landmarks of a face")
        self._expert = expert
        self.t_capture_ns, self.anchor = face.t_capture_ns, face.anchor
        self._alignment, self._landmarks = face.alignment, face.landmarks_px
        side = face.pixels.shape[0]
        self._side, self._scale = side, 128 / side
        self._window = _odd(expert.patch_px / self._scale)
        self._image = levelled(face.pixels, expert)
        depth = face.depth_px if len(face.depth_px) else np.zeros(len(face.landmarks_px), np.float32)
        solid = np.column_stack([face.landmarks_px, depth - depth.mean()])
        centres, support = region_centres(solid), solid[list(SUPPORT)]
        places = centres[:, None, :2] + CROSS * np.float32(expert.cross_px / self._scale)
        self._points = np.clip(np.concatenate([places.reshape(-1, 2), support[:, :2]]), 2, side - 3).astype(np.float32)
        depths = np.concatenate([np.repeat(centres[:, 2], len(CROSS)), support[:, 2]])
        self._basis = rigid_basis(self._points, depths, side)
        self._voters = slice(len(REGION_LANDMARKS) * len(CROSS), None)
        self._votes = support_votes(expert.lower_vote)
        self._landmark_basis = rigid_basis(support[:, :2], support[:, 2], side)
        self._regions = np.zeros((len(REGIONS), 2), np.float32)  # a region none of whose places is found stays where it was

    def measure(self, face: AlignedFace) -> _Readings:
        pixels, landmarks = self._as_cut_for_key(face)
        expected = self._points + self._basis @ self._landmark_motion(landmarks)
        found, usable = self._find(levelled(pixels, self._expert), expected)
        flow = found - self._points
        voters = self._voters
        rigid, misfit = fit_rigid(
            self._basis[voters],
            flow[voters],
            np.where(usable[voters], self._votes, 0.0),
            self._expert.match_noise_px / self._scale,
        )
        carried = self._basis @ rigid
        left = (flow - carried)[: voters.start].reshape(len(REGIONS), -1, 2) * self._scale
        seen = usable[: voters.start].reshape(len(REGIONS), -1)
        spread = np.zeros(len(REGIONS), np.float32)
        whole = seen.all(axis=1)
        self._regions[whole], spread[whole] = self._agreed(left[whole])
        for number in np.flatnonzero(seen.any(axis=1) & ~whole):
            [self._regions[number]], [spread[number]] = self._agreed(left[number][seen[number]][None])
        head = carried[: voters.start : len(CROSS)] * self._scale
        return _Readings(
            self._regions.copy(), head.astype(np.float32), np.logical_not(seen.any(axis=1)), spread, misfit * self._scale
        )

    def _landmark_motion(self, landmarks: FloatArray) -> npt.NDArray[np.float64]:
        """(4, 2) rigid motion since the keyframe as the landmarks have it: good enough to know where to look."""
        support = list(SUPPORT)
        moved = landmarks[support] - self._landmarks[support]
        return fit_rigid(self._landmark_basis, moved, np.ones(len(support)), self._expert.landmark_noise_px / self._scale)[0]

    def _find(self, image: ByteImage, expected: npt.NDArray[np.float64]) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
        """(n, 2) where the places are now, and which of them were found there."""
        found, matched, error = cv2.calcOpticalFlowPyrLK(
            self._image,
            image,
            self._points[:, None],
            expected[:, None].astype(np.float32),
            winSize=(self._window, self._window),
            maxLevel=_LEVELS,
            criteria=_STOP,
            flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
        )
        places, grey = cast(FloatArray, found[:, 0]), cast(FloatArray, error[:, 0])
        near = np.abs(places - expected).max(axis=1) <= self._expert.reach_px / self._scale
        alike = grey <= max(self._expert.bad_match_grey, self._expert.bad_match_times * float(np.median(grey)))
        inside = ((places >= _BORDER_PX) & (places <= self._side - 1 - _BORDER_PX)).all(axis=1)
        return places, (matched[:, 0] > 0) & near & alike & inside

    def _as_cut_for_key(self, face: AlignedFace) -> tuple[ByteImage, FloatArray]:
        """Crop and landmarks as the keyframe's alignment has them: the signal goes on where the alignment was renewed."""
        if face.anchor == self.anchor:
            return face.pixels, face.landmarks_px
        return recut(face, self._alignment)

    def _agreed(self, places: npt.NDArray[np.floating]) -> tuple[npt.NDArray[np.floating], npt.NDArray[np.floating]]:
        """(r, 2) median of the movements (r, n, 2) of a region's places, and (r,) how far the places are from it."""
        median = _percentile(places, 50.0)
        away = np.hypot(*np.moveaxis(places - median[:, None], 2, 0))
        return median, _percentile(away, self._expert.agreement_percentile)


def _percentile(values: npt.NDArray[np.floating], percent: float) -> npt.NDArray[np.floating]:
    """Along axis 1, as np.percentile, which takes several times as long for so few."""
    ordered = np.sort(values, axis=1)
    place = (values.shape[1] - 1) * percent / 100
    low = int(place)
    high = min(low + 1, values.shape[1] - 1)
    return cast(npt.NDArray[np.floating], ordered[:, low] + (place - low) * (ordered[:, high] - ordered[:, low]))


def levelled(pixels: ByteImage, expert: ExpertSettings) -> ByteImage:
    """The picture without its slow shading and at a set contrast: light that changes leaves it as it is."""
    grey = pixels.astype(np.float32)
    blur = _odd(expert.blur_px * pixels.shape[0] / 128)
    detail = grey - cv2.blur(grey, (blur, blur))
    gain = expert.contrast_grey / max(float(np.abs(detail).mean()), 1.0)
    return cast(ByteImage, np.clip(detail * gain + 128, 0, 255).astype(np.uint8))


def _odd(size: float) -> int:
    return int(size) // 2 * 2 + 1


def rigid_basis(points: Floats, depth: Floats, side: int) -> npt.NDArray[np.float64]:
    """(n, 4) 1, x, y, depth of each point, about -1 to 1. points: (n, 2) px of a crop of `side` px; depth: (n,) px."""
    half = side / 2
    return np.column_stack([np.ones(len(points)), (points - half) / half, depth / half]).astype(np.float64)


def fit_rigid(
    basis: npt.NDArray[np.float64], flow: Floats, prior: npt.NDArray[np.float64], least_px: float
) -> tuple[npt.NDArray[np.float64], float]:
    """(4, 2) the motion that most of the points agree on, and the median error of those that vote.

    basis: (n, 4); flow: (n, 2) px; prior: (n,) weight of each vote, 0 for points that were not found. Weighted least squares,
    reweighted from the median error (Geman and McClure): what moves on its own is an outlier. least_px: errors below are noise.
    """
    usable = prior > 0
    if np.count_nonzero(usable) < 2 * basis.shape[1]:
        return np.zeros((basis.shape[1], 2)), float("inf")
    target = flow.astype(np.float64)
    ridge = _RIDGE * np.eye(basis.shape[1])
    weights = prior
    for _ in range(_ROUNDS):
        weighted = (basis * weights[:, None]).T
        # OpenCV solves 4 x 4 on one thread; LAPACK would wake every core for it.
        _, fitted = cv2.solve(weighted @ basis + ridge, weighted @ target, flags=cv2.DECOMP_CHOLESKY)
        left = target - basis @ fitted
        error = np.hypot(left[:, 0], left[:, 1])
        median = _median(error[usable])
        weights = prior / (1 + (error / max(1.5 * median, least_px)) ** 2) ** 2
    return np.asarray(fitted, np.float64), median


def _median(values: npt.NDArray[np.float64]) -> float:
    """As np.median, which takes five times as long for so few. Not `_percentile` at 50, which rounds otherwise where their
    number is even."""
    middle = len(values) // 2
    if len(values) % 2:
        return float(np.partition(values, middle)[middle])
    parts = np.partition(values, (middle - 1, middle))
    return float(parts[middle - 1] + parts[middle]) / 2
