"""Alignment of database clips by dlib's 68 landmarks, as in the paper: one transform per clip, taken from its onset frame.

dlib finds the face (HOG) and its landmarks; the live tracker uses FaceMesh (ahmsa.face.tracker). Both bring it to the canonical
geometry (ahmsa.face.geometry); `python -m benchmarks alignment` measures how far they differ. The predictor's file comes with
the package face_recognition_models; its licence (iBUG 300-W) excludes commercial use.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np

from ahmsa.errors import DataError
from ahmsa.face.crop import cut_crop
from ahmsa.face.geometry import apply_similarity, canonical_points_px, dlib_points, fit_similarity, similarity_scale
from ahmsa.face.landmarks import FaceMesh
from ahmsa.types import AlignedFace, ByteImage, FaceQuality, FloatArray, Matrix

_MODELS = "face_recognition_models"
_PREDICTOR = "shape_predictor_68_face_landmarks.dat"
_ATTEMPTS = ((0.0, 0), (0.3, 0), (0.3, 1))
"""(border added, as part of the image's side; doublings) until a face is found: clips that are cropped to the face leave the
detector no margin, and those of SMIC are small."""


class DlibLandmarks:
    """dlib's face detector and 68-point predictor; make one and keep it (it loads 100 MB)."""

    def __init__(self) -> None:
        import dlib

        self._dlib = dlib
        self._detector: Any = dlib.get_frontal_face_detector()
        self._predictor: Any = dlib.shape_predictor(str(predictor_path()))

    def detect(self, image: ByteImage) -> FloatArray | None:
        """(h, w, 3) BGR or (h, w) grey -> (68, 2) x, y in pixels of the largest face; None where no face is found."""
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) if image.ndim == 3 else image
        for part, doublings in _ATTEMPTS:
            border = round(part * max(grey.shape))
            padded = cv2.copyMakeBorder(grey, border, border, border, border, cv2.BORDER_REPLICATE) if border else grey
            found = self._detector(padded, doublings)
            if found:
                shape = self._predictor(padded, max(found, key=lambda box: box.area()))
                points = np.array([(point.x, point.y) for point in shape.parts()], dtype=np.float32)
                return cast(FloatArray, points - np.float32(border))
        return None


@dataclass(frozen=True, slots=True)
class OnsetFit:
    """The one transform of a clip, and what it was fitted to."""

    alignment: Matrix
    """(2, 3) similarity, image -> crop."""
    landmarks: FloatArray
    """(68, 2) dlib landmarks in the onset image."""
    image_size: tuple[int, int]
    """Height and width of the onset image."""


class ClipAligner:
    """Brings the frames of a clip to the canonical crop, all by the transform fitted to its onset."""

    def __init__(self, crop_px: int) -> None:
        self._crop_px = crop_px
        self._dlib = DlibLandmarks()
        self._mesh = FaceMesh(static=True)

    def fit(self, onset: ByteImage) -> OnsetFit:
        """(h, w, 3) BGR or (h, w) grey. Raises DataError where dlib finds no face."""
        height, width = onset.shape[:2]
        landmarks = self._dlib.detect(onset)
        if landmarks is None:
            raise DataError(f"dlib finds no face in the onset frame ({width} x {height} px); look at it")
        matrix = fit_similarity(dlib_points(landmarks), canonical_points_px(self._crop_px))
        return OnsetFit(alignment=matrix, landmarks=landmarks, image_size=(height, width))

    def face(self, image: ByteImage, fit: OnsetFit, number: int, fps: float) -> AlignedFace:
        """One frame of the clip, cut by the onset's fit. number: its frame number.

        Its landmarks are FaceMesh's, as live; (0, 2) where it finds no face. Raises DataError where the image has another size
        than the onset.
        """
        if image.shape[:2] != fit.image_size:
            raise DataError(
                f"frame {number} is {image.shape[1]} x {image.shape[0]} px and the onset {fit.image_size[1]} x "
                f"{fit.image_size[0]}; the frames of a clip must have one size"
            )
        pixels = cut_crop(image, fit.alignment, self._crop_px)
        mesh = self._mesh_landmarks(image)
        return AlignedFace(
            index=number,
            t_capture_ns=round(number * 1e9 / fps),
            face_id=0,
            pixels=pixels,
            landmarks_px=mesh[:, :2] if len(mesh) == 0 else apply_similarity(fit.alignment, mesh[:, :2]),
            depth_px=(mesh[:, 2] * similarity_scale(fit.alignment)).astype(np.float32),
            quality=_quality(pixels, fit.landmarks),
            alignment=fit.alignment,
        )

    def close(self) -> None:
        self._mesh.close()

    def _mesh_landmarks(self, image: ByteImage) -> FloatArray:
        """(468, 3) in the image's pixels, or (0, 3). A border is added: cropped clips leave FaceMesh's detector no margin."""
        colour = image if image.ndim == 3 else cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
        border = round(_ATTEMPTS[1][0] * max(image.shape[:2]))
        padded = cv2.copyMakeBorder(colour, border, border, border, border, cv2.BORDER_REPLICATE)
        found = self._mesh.detect(cast(ByteImage, padded))
        return found[0] - np.array([border, border, 0], np.float32) if found else np.zeros((0, 3), dtype=np.float32)


def predictor_path() -> Path:
    """The 68-point predictor's file. The package that holds it is located, never imported: importing it needs pkg_resources.

    Raises DataError where it is not installed.
    """
    spec = importlib.util.find_spec(_MODELS)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / "models" / _PREDICTOR
        if path.is_file():
            return path
    raise DataError(f"dlib's landmark file {_PREDICTOR} is missing: pip install 'ahmsa[databases]'")


def _quality(pixels: ByteImage, landmarks: FloatArray) -> FaceQuality:
    left_eye, right_eye = dlib_points(landmarks)[:2]
    return FaceQuality(
        interocular_px=float(np.linalg.norm(right_eye - left_eye)),
        yaw_deg=_yaw_deg(landmarks),
        luma=float(pixels.mean()),
        sharpness=float(cv2.Laplacian(pixels, cv2.CV_32F).var()),
    )


def _yaw_deg(landmarks: FloatArray) -> float:
    """Turn of the head from the place of the nose tip between the jaw's ends; positive to the head's own left."""
    left, right, nose = landmarks[0, 0], landmarks[16, 0], landmarks[30, 0]
    middle, half = (left + right) / 2, max(abs(right - left) / 2, 1.0)
    return float(np.degrees(np.arcsin(np.clip((nose - middle) / half, -1, 1))))
