"""From aligned faces to numbers: how far each region of the face has moved from a neutral keyframe, without the head's motion.

Landmarks only place the regions; motion comes from dense flow (OpenCV DIS), because landmark jitter is larger than a
micro-expression. The head's motion is a robust similarity fitted to the parts that no expression moves much. Regions follow
He 2021 and Zhao 2022: brows, nose wings, mouth corners; eyelids are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import cv2
import numpy as np
import numpy.typing as npt

from ahmsa.geometry import MESH_LANDMARKS, fit_similarity
from ahmsa.types import AlignedFace, ByteImage, FloatArray, Matrix
from spotting.settings import SpotterSettings

_PRESETS = {
    "ultrafast": cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST,
    "fast": cv2.DISOPTICAL_FLOW_PRESET_FAST,
    "medium": cv2.DISOPTICAL_FLOW_PRESET_MEDIUM,
}

_REGION_LANDMARKS: dict[str, tuple[int, ...]] = {
    "left_brow_inner": (107, 66, 55, 65),
    "left_brow_outer": (70, 63, 46, 53),
    "right_brow_inner": (336, 296, 285, 295),
    "right_brow_outer": (300, 293, 276, 283),
    "left_nose": (129, 64),
    "right_nose": (358, 294),
    "left_lip": (61,),
    "right_lip": (291,),
}
REGIONS = tuple(_REGION_LANDMARKS)
"""Regions of the signal, in the order of its rows; left and right are those of the image."""
BROWS = tuple(i for i, name in enumerate(REGIONS) if "brow" in name)
LIPS = tuple(i for i, name in enumerate(REGIONS) if "lip" in name)

_STABLE = (6, 197, 195, 168, 133, 362, 243, 463, 9, 151, 50, 280, 117, 346, 127, 356, 234, 454)
_EYES = ((159, 145, 33, 133), (386, 374, 362, 263))
_MID_LIPS = (0, 17)
_CONTROLS = (151, 117, 346)


@dataclass(frozen=True, slots=True)
class Sample:
    """What one frame says about the movement of a face."""

    t_capture_ns: int
    displacement_px: FloatArray
    """(8, 2) u, v of the regions since the first keyframe, px of the crop, head motion removed."""
    head_px: FloatArray
    """(2,) shift of the head since the first keyframe, px of the crop, at the middle of the face."""
    head_turn_deg: float
    """In-plane rotation since the keyframe."""
    eye_change: float
    """Change of the eye openings against the keyframe, grey levels: large while a lid is closed."""
    lip_gap_px: float
    """Vertical distance of the middle of the lips since the first keyframe."""
    control_px: float
    """Movement that is left in forehead and cheeks: more than noise means that the whole picture changed."""
    luma: float
    """Mean grey level of the crop."""


class SignalMaker:
    """Turns faces of one person under one alignment into samples; `reset` when the alignment or the person changes."""

    def __init__(self, settings: SpotterSettings) -> None:
        self._settings = settings
        self._flow: Any = cv2.DISOpticalFlow.create(_PRESETS[settings.flow])
        self._key: _Keyframe | None = None
        self._chained = _Readings.zero()

    def reset(self) -> None:
        self._key = None
        self._chained = _Readings.zero()

    def update(self, face: AlignedFace, *, quiet: bool) -> Sample:
        """Measure one face. `quiet`: nothing moves, so this face may become the new keyframe."""
        if self._key is None:
            self._key = _Keyframe(face, self._settings.region_radius_px)
        key = self._key
        flow = self._flow.calc(key.pixels, face.pixels, None)
        readings, turn_deg = key.read(flow)
        total = self._chained + readings
        sample = Sample(
            t_capture_ns=face.t_capture_ns,
            displacement_px=total.regions,
            head_px=total.head,
            head_turn_deg=turn_deg,
            eye_change=key.eye_change(face.pixels),
            lip_gap_px=float(total.mid_lips[1, 1] - total.mid_lips[0, 1]),
            control_px=float(np.median(np.linalg.norm(readings.controls, axis=1))),
            luma=float(face.pixels.mean()),
        )
        age_ms = (face.t_capture_ns - key.t_capture_ns) / 1e6
        moved_px = float(np.linalg.norm(readings.head))
        if quiet and (age_ms > self._settings.key_age_ms or moved_px > self._settings.key_shift_px or abs(turn_deg) > 3.0):
            self._key, self._chained = _Keyframe(face, self._settings.region_radius_px), total
        return sample


@dataclass(frozen=True, slots=True)
class _Readings:
    regions: FloatArray
    head: FloatArray
    mid_lips: FloatArray
    controls: FloatArray

    @staticmethod
    def zero() -> _Readings:
        return _Readings(*(np.zeros(shape, np.float32) for shape in ((len(REGIONS), 2), (2,), (2, 2), (len(_CONTROLS), 2))))

    def __add__(self, other: _Readings) -> _Readings:
        return _Readings(
            self.regions + other.regions, self.head + other.head, self.mid_lips + other.mid_lips, self.controls + other.controls
        )


class _Keyframe:
    """A neutral face, and where its regions lie."""

    def __init__(self, face: AlignedFace, radius_px: float) -> None:
        self.pixels: ByteImage = face.pixels
        self.t_capture_ns = face.t_capture_ns
        side = face.pixels.shape[0]
        landmarks = _landmarks(face)
        radius = radius_px * side / 128
        self._centre = np.array([side / 2, side / 2])
        self._regions = _Patches([landmarks[list(group)].mean(axis=0) for group in _REGION_LANDMARKS.values()], radius, side)
        self._stable = _Patches(list(landmarks[list(_STABLE)]), radius * 0.75, side)
        self._mid_lips = _Patches(list(landmarks[list(_MID_LIPS)]), radius * 0.75, side)
        self._controls = _Patches(list(landmarks[list(_CONTROLS)]), radius, side)
        eyes = [landmarks[list(group)].mean(axis=0) for group in _EYES]
        self._eyes = _Patches(eyes, radius * 0.75, side)
        self._eye_pixels = self._eyes.mean_of(face.pixels)

    def read(self, flow: FloatArray) -> tuple[_Readings, float]:
        head = robust_similarity(self._stable.centres, self._stable.centres + self._stable.mean_of(flow))
        readings = _Readings(
            regions=self._without_head(self._regions, flow, head),
            head=(head[:, :2] @ self._centre + head[:, 2] - self._centre).astype(np.float32),
            mid_lips=self._without_head(self._mid_lips, flow, head),
            controls=self._without_head(self._controls, flow, head),
        )
        return readings, float(np.rad2deg(np.arctan2(head[1, 0], head[0, 0])))

    def eye_change(self, pixels: ByteImage) -> float:
        difference = np.abs(pixels.astype(np.float32) - self.pixels.astype(np.float32))
        return float(self._eyes.mean_of(difference).max())

    @staticmethod
    def _without_head(patches: _Patches, flow: FloatArray, head: Matrix) -> FloatArray:
        rigid = patches.centres @ head[:, :2].T + head[:, 2] - patches.centres
        return cast(FloatArray, (patches.mean_of(flow) - rigid).astype(np.float32))


class _Patches:
    """Round patches of an image, and means over them."""

    def __init__(self, centres: list[npt.NDArray[Any]], radius: float, side: int) -> None:
        grid_y, grid_x = np.mgrid[:side, :side]
        self._pixels = []
        kept = []
        for centre in centres:
            inside = np.clip(centre, radius, side - 1 - radius)
            mask = (grid_x - inside[0]) ** 2 + (grid_y - inside[1]) ** 2 <= radius**2
            self._pixels.append(np.flatnonzero(mask))
            kept.append(inside)
        self.centres = np.array(kept, dtype=np.float64)

    def mean_of(self, image: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """(n,) or (n, c) means of an (s, s) or (s, s, c) image."""
        flat = image.reshape(image.shape[0] * image.shape[1], *image.shape[2:])
        return np.stack([flat[pixels].mean(axis=0) for pixels in self._pixels])


def robust_similarity(source: npt.NDArray[Any], target: npt.NDArray[Any], rounds: int = 3) -> Matrix:
    """Similarity of most of the points: least squares, repeated on the points that agree with it. (n, 2) -> (2, 3)."""
    keep = np.ones(len(source), dtype=bool)
    matrix = fit_similarity(source, target)
    for _ in range(rounds):
        error = np.linalg.norm(source @ matrix[:, :2].T + matrix[:, 2] - target, axis=1)
        keep = error <= max(2.0 * float(np.median(error)), 0.02)
        if keep.sum() < max(4, len(source) // 2):
            break
        matrix = fit_similarity(source[keep], target[keep])
    return matrix


def _landmarks(face: AlignedFace) -> FloatArray:
    if len(face.landmarks_px) < MESH_LANDMARKS:
        raise ValueError("spotting needs the 468 mesh landmarks of a face")
    return face.landmarks_px
