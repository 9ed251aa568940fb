"""From aligned faces to numbers: how far each region of the face has moved from a neutral keyframe, without the head's motion.

Landmarks only place the regions; motion comes from the pictures, because landmark jitter is larger than a micro-expression.
Patches around chosen points are matched by the pyramid of Lucas and Kanade (Bouguet 2001), always against the keyframe, so that
nothing adds up. A robust fit to a grid over the face, and to the bridge of the nose most of all, is the head's motion and is
taken out. Regions follow He 2021 and Zhao 2022: brows, nose wings, mouth corners; eyelids are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import cv2
import numpy as np
import numpy.typing as npt

from ahmsa.face.geometry import MESH_LANDMARKS
from ahmsa.types import AlignedFace, ByteImage, FloatArray, Matrix
from spotting.head import HeadModel, HeadPose
from spotting.settings import SpotterSettings

_REGION_LANDMARKS: dict[str, tuple[int, ...]] = {
    "left_brow_inner": (107, 66, 55, 65),
    "left_brow_outer": (63, 105, 53, 52),
    "right_brow_inner": (336, 296, 285, 295),
    "right_brow_outer": (293, 334, 283, 282),
    "left_nose": (129, 64),
    "right_nose": (358, 294),
    "left_lip": (61,),
    "right_lip": (291,),
}
REGIONS = tuple(_REGION_LANDMARKS)
"""Regions of the signal, in the order of its rows; left and right are those of the image."""
BROWS = tuple(i for i, name in enumerate(REGIONS) if "brow" in name)
LIPS = tuple(i for i, name in enumerate(REGIONS) if "lip" in name)

_MID_LIPS = (0, 17)
_EYES = ((159, 145, 33, 133), (386, 374, 362, 263))
_BRIDGE = (6, 168, 197, 195, 193, 417, 133, 362)
_OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150, 136,
    172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
_CROSS = ((0, 0), (4, 0), (-4, 0), (0, 4), (0, -4))
"""Points matched around a region's centre, px of a 128 crop; their median is its movement."""
_WINDOW_PX = 17
_LEVELS = 2
_STOP = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 10, 0.01)
_LOST_MISFIT_PX = 0.5
"""With more misfit the keyframe has nothing to say about this face any more, as after a turn of the head."""
_BAD_MATCH_GREY, _BAD_MATCH_TIMES = 12.0, 4.0
"""A patch that matches so badly, in grey levels and against the others, has been found in the wrong place."""
_SAME_EYES = 0.1
"""No keyframe is taken in the middle of a blink."""
_EYE_PART = 0.35
"""Half the width of what is compared of an eye, as a part of the eye's width: lashes, iris and white, without the corners."""
_LEAST_OPENING_PX = 4.0
_LIDS_REACH_PX = 2
"""So far an eye is sought from where the head has brought it: brows move lids by less, a blink by more."""
_LOST_PX = 12.0
"""A patch found this far from where the head's motion puts it was not found."""
_CONTRAST = 24.0
_BLUR_PX = 25


@dataclass(frozen=True, slots=True)
class Sample:
    """What one frame says about the movement of a face. Lengths are px of a 128 crop, whatever the crop's size."""

    t_capture_ns: int
    displacement_px: FloatArray
    """(8, 2) u, v of the regions since the first keyframe, head motion removed."""
    head_px: FloatArray
    """(p,) movement of the head since the first keyframe: each number is px at the edge of the face."""
    eye_change: float
    """How little the eyes are like those of the keyframe: 0 alike, 1 not at all, as while the lids are closed."""
    lip_gap_px: float
    """Vertical distance of the middle of the lips since the first keyframe."""
    misfit_px: float
    """What the head's motion leaves unexplained on the whole face."""
    luma: float
    """Mean grey level of the crop."""
    anchor: int
    """Alignment under which the face was cut; the signal goes on across a renewal."""


class SignalMaker:
    """Turns the faces of one person into samples; `reset` when the person was out of sight."""

    def __init__(self, settings: SpotterSettings) -> None:
        self._settings = settings
        self._key: _Keyframe | None = None
        self._pose = HeadPose.rest()
        self._before = _Readings.zero()

    def reset(self) -> None:
        self._key = None
        self._pose = HeadPose.rest()
        self._before = _Readings.zero()

    def update(self, face: AlignedFace, *, quiet: bool, open_: bool) -> Sample:
        """Measure one face. `quiet`: nothing moves, so this face may become the new keyframe. `open_`: it must not."""
        if self._key is None:
            self._key = _Keyframe(face)
        key = self._key
        readings, self._pose = key.measure(face, self._pose)
        total = self._before + readings
        lost = readings.misfit_px > _LOST_MISFIT_PX
        if not open_ and (lost or (quiet and self._is_stale(key, face, readings))):
            self._key, self._before, self._pose = _Keyframe(face), total, HeadPose.rest()
        return Sample(
            t_capture_ns=face.t_capture_ns,
            displacement_px=total.regions,
            head_px=total.head,
            eye_change=readings.eye_change,
            lip_gap_px=float(total.mid_lips[1, 1] - total.mid_lips[0, 1]),
            misfit_px=readings.misfit_px,
            luma=float(face.pixels.mean()),
            anchor=face.anchor,
        )

    def _is_stale(self, key: _Keyframe, face: AlignedFace, readings: _Readings) -> bool:
        age_ms = (face.t_capture_ns - key.t_capture_ns) / 1e6
        if readings.eye_change > _SAME_EYES and age_ms < 2 * self._settings.key_age_ms:
            return False
        moved_px = float(np.abs(readings.head).max())
        return age_ms > self._settings.key_age_ms or moved_px > self._settings.key_shift_px or face.anchor != key.anchor


@dataclass(frozen=True, slots=True)
class _Readings:
    """Differences to a keyframe, px of a 128 crop."""

    regions: FloatArray
    mid_lips: FloatArray
    head: FloatArray
    eye_change: float
    misfit_px: float

    @staticmethod
    def zero() -> _Readings:
        return _Readings(
            np.zeros((len(REGIONS), 2), np.float32), np.zeros((2, 2), np.float32), HeadPose.rest().travel_px, 0.0, 0.0
        )

    def __add__(self, other: _Readings) -> _Readings:
        return _Readings(
            self.regions + other.regions,
            self.mid_lips + other.mid_lips,
            self.head + other.head,
            other.eye_change,
            other.misfit_px,
        )


class _Keyframe:
    """A neutral face, and the points on it that are found again in later faces."""

    def __init__(self, face: AlignedFace) -> None:
        landmarks = _landmarks(face)
        self.t_capture_ns, self.anchor = face.t_capture_ns, face.anchor
        self._alignment = face.alignment
        self._scale = 128 / face.pixels.shape[0]
        self._window = _odd(_WINDOW_PX / self._scale)
        self._image = _flattened(face.pixels)
        regions = (region_centres(landmarks)[:, None] + np.array(_CROSS, np.float32) / self._scale).reshape(-1, 2)
        eyes = np.stack([landmarks[list(group)].mean(axis=0) for group in _EYES])
        self._eyes = [_eye(face.pixels, landmarks[list(group)], self._scale) for group in _EYES]
        bridge, grid = landmarks[list(_BRIDGE)], head_grid(landmarks, face.pixels.shape[0])
        parts = [regions, landmarks[list(_MID_LIPS)], eyes, bridge, grid]
        self._ends = np.cumsum([len(part) for part in parts])[:-1]
        self._points = np.clip(np.concatenate(parts), 2, face.pixels.shape[0] - 3).astype(np.float32)
        self._regions = np.zeros((len(REGIONS), 2), np.float32)  # a region none of whose points is found stays where it was
        prior = np.concatenate([np.full(len(bridge), 3.0), np.ones(len(grid))])
        self._head = HeadModel(self._points, face.pixels.shape[0], landmarks, slice(self._ends[2], None), prior)

    def measure(self, face: AlignedFace, guess: HeadPose) -> tuple[_Readings, HeadPose]:
        """The readings of a face, and the head's pose in it. guess: the pose of the face before."""
        expected = self._points + self._head.flow(guess)
        pixels = self._as_cut_for_key(face)
        found, matched, error = self._find(_flattened(pixels), expected)
        flow = found - self._points
        far = np.abs(found - expected).max(axis=1) > _LOST_PX / self._scale
        lost = (matched == 0) | far | (error > max(_BAD_MATCH_GREY, _BAD_MATCH_TIMES * float(np.median(error))))
        pose, misfit = self._head.fit(flow, ~lost)
        carried = self._head.flow(pose)
        left = (flow - carried) * self._scale
        regions, mid_lips, _, _, _ = np.split(left, self._ends)
        for region, points, gone in zip(
            self._regions, regions.reshape(len(REGIONS), -1, 2), lost[: len(regions)].reshape(len(REGIONS), -1), strict=True
        ):
            if not gone.all():
                region[:] = np.median(points[~gone], axis=0)
        readings = _Readings(
            regions=self._regions.copy(),
            mid_lips=mid_lips.astype(np.float32),
            head=pose.travel_px,
            eye_change=self._eye_change(pixels, np.split(self._points + carried, self._ends)[2]),
            misfit_px=misfit * self._scale,
        )
        return readings, pose

    def _eye_change(self, pixels: ByteImage, centres: FloatArray) -> float:
        """How little the eyes are like those of the keyframe, wherever near their places they fit best."""
        reach = 2 * round(_LIDS_REACH_PX / self._scale)
        alike = []
        for centre, eye in zip(centres, self._eyes, strict=True):
            around = _cut(pixels, centre, (eye.shape[1] + reach, eye.shape[0] + reach))
            alike.append(float(cv2.matchTemplate(around, eye, cv2.TM_CCOEFF_NORMED).max()))
        return 1 - sum(alike) / len(alike)

    def _find(self, image: ByteImage, expected: FloatArray) -> tuple[FloatArray, npt.NDArray[Any], FloatArray]:
        """Where the points are now, whether they were found at all, and how badly they match, grey levels."""
        found, matched, error = cv2.calcOpticalFlowPyrLK(
            self._image,
            image,
            self._points[:, None],
            expected[:, None].copy(),
            winSize=(self._window, self._window),
            maxLevel=_LEVELS,
            criteria=_STOP,
            flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
        )
        return cast(FloatArray, found[:, 0]), matched[:, 0], cast(FloatArray, error[:, 0])

    def _as_cut_for_key(self, face: AlignedFace) -> ByteImage:
        """The crop as the keyframe's alignment would have cut it: the signal goes on where the alignment was renewed."""
        if face.anchor == self.anchor:
            return face.pixels
        matrix = _compose(self._alignment, cast(Matrix, cv2.invertAffineTransform(face.alignment)))
        side = face.pixels.shape[0]
        return cast(ByteImage, cv2.warpAffine(face.pixels, matrix, (side, side), borderMode=cv2.BORDER_REPLICATE))


def region_centres(landmarks: FloatArray) -> FloatArray:
    """(8, 2) centres of the regions of a face, px of its crop."""
    centres = np.stack([landmarks[list(group)].mean(axis=0) for group in _REGION_LANDMARKS.values()])
    return cast(FloatArray, centres.astype(np.float32))


def head_grid(landmarks: FloatArray, side: int) -> FloatArray:
    """(n, 2) points all over the face, without eyes and mouth."""
    step = side / 12
    axis = np.arange(step / 2, side, step, dtype=np.float32)
    points = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    oval = np.round(landmarks[list(_OVAL)]).astype(np.float32)[:, None]
    inside = np.array([cv2.pointPolygonTest(oval, (float(x), float(y)), True) > 0.04 * side for x, y in points])
    eyes = np.stack([landmarks[list(group)].mean(axis=0) for group in _EYES])
    clear = np.linalg.norm(points[:, None] - eyes, axis=2).min(axis=1) > 0.09 * side
    mouth_low, mouth_high = landmarks[[61, 0]].min(axis=0), landmarks[[291, 17]].max(axis=0)
    mouth = ((points > mouth_low - 0.04 * side) & (points < mouth_high + 0.04 * side)).all(axis=1)
    return cast(FloatArray, points[inside & clear & ~mouth])


def _flattened(pixels: ByteImage) -> ByteImage:
    """The picture without its slow shading and at a set contrast: light that changes leaves it as it is."""
    grey = pixels.astype(np.float32)
    blur = _odd(_BLUR_PX * pixels.shape[0] / 128)
    detail = grey - cv2.blur(grey, (blur, blur))
    gain = _CONTRAST / max(float(np.abs(detail).mean()), 1.0)
    return cast(ByteImage, np.clip(detail * gain + 128, 0, 255).astype(np.uint8))


def _eye(pixels: ByteImage, landmarks: FloatArray, scale: float) -> ByteImage:
    """The opening of an eye. landmarks: upper lid, lower lid and both corners; scale: px of a 128 crop per px."""
    upper, lower, *corners = landmarks
    width = 2 * round(_EYE_PART * float(np.linalg.norm(corners[1] - corners[0]))) + 1
    height = 2 * round(max(float(np.linalg.norm(lower - upper)), _LEAST_OPENING_PX / scale) / 2) + 1
    return _cut(pixels, landmarks.mean(axis=0), (width, height))


def _cut(pixels: ByteImage, centre: FloatArray, size: tuple[int, int]) -> ByteImage:
    """A window around a place between pixels, smoothed a little: single pixels are noise."""
    patch = cv2.getRectSubPix(pixels, size, (float(centre[0]), float(centre[1])))
    return cast(ByteImage, cv2.GaussianBlur(patch, (3, 3), 0))


def _odd(size: float) -> int:
    return int(size) // 2 * 2 + 1


def _compose(second: Matrix, first: Matrix) -> Matrix:
    """(2, 3) the affine transform that does `first` and then `second`."""
    return np.column_stack([second[:, :2] @ first[:, :2], second[:, :2] @ first[:, 2] + second[:, 2]])


def _landmarks(face: AlignedFace) -> FloatArray:
    if len(face.landmarks_px) < MESH_LANDMARKS:
        raise ValueError("spotting needs the 468 mesh landmarks of a face")
    return face.landmarks_px
