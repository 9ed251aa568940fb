"""Facial landmarks: the two networks of MediaPipe FaceMesh in a loop of our own.

A face is found once by the detector; after that the last landmarks tell where to look, and the detector runs only while fewer
faces are known than asked for. The loop follows MediaPipe's face_landmark_front graph, with one difference: a face that is lost
is sought again in the same image, not in the next. `make parity` holds it against MediaPipe's own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np

from ahmsa.face.face_finder import FaceFinder, Square, square_around
from ahmsa.face.geometry import MESH_LANDMARKS
from ahmsa.face.litert import LiteModel
from ahmsa.face.models import DETECTOR, LANDMARKS, model_file
from ahmsa.types import ByteImage, FloatArray

_INPUT_PX = 192
_LEFT_EYE, _RIGHT_EYE = 33, 263
"""Outer corners, left and right in the image."""
_SAME_FACE_OVERLAP = 0.5
"""Squares with more intersection over union than this are one face."""
_LARGEST_LOGIT = 80.0


class FaceMesh:
    """Landmarks of the faces in a stream of images, or of single images.

    `static=True` detects anew in every image; otherwise faces are followed from one image to the next, without the detector.
    """

    def __init__(self, max_faces: int = 1, *, static: bool = False, min_confidence: float = 0.5) -> None:
        """Raises ModelError where the model files are missing and cannot be fetched."""
        self._finder = FaceFinder(model_file(DETECTOR), min_confidence)
        self._network = _LandmarkNetwork(model_file(LANDMARKS))
        self._max_faces, self._static, self._min_confidence = max_faces, static, min_confidence
        self._known: list[Square] = []

    def detect(self, image: ByteImage) -> list[FloatArray]:
        """(h, w, 3) BGR -> one (468, 3) array of x, y, z in pixels per face; empty where there is none.

        z is depth in the scale of x: smaller is nearer to the camera, 0 at about the head's centre.
        """
        found = [] if self._static else self._look(image, self._known)
        if len(found) < self._max_faces:
            found += self._look(image, self._finder.find(image)[: self._max_faces], [square for square, _ in found])
        self._known = [square_of_face(face) for _, face in found[: self._max_faces]]
        return [face for _, face in found[: self._max_faces]]

    def _look(self, image: ByteImage, squares: list[Square], taken: Sequence[Square] = ()) -> list[tuple[Square, FloatArray]]:
        """The faces in these squares, but for squares that overlap one already searched."""
        searched, found = list(taken), []
        for square in squares:
            if all(square.overlap(other) <= _SAME_FACE_OVERLAP for other in searched):
                searched.append(square)
                face, presence = self._network.look(image, square)
                if presence >= self._min_confidence:
                    found.append((square, face))
        return found

    def close(self) -> None:
        """Nothing to let go of: the networks go with the object."""

    def __enter__(self) -> FaceMesh:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class _LandmarkNetwork:
    def __init__(self, model: Path) -> None:
        self._model = LiteModel(model)

    def look(self, image: ByteImage, square: Square) -> tuple[FloatArray, float]:
        """(468, 3) x, y, z in image px, and how sure it is, 0-1, that there is a face in the square."""
        crop = cv2.warpAffine(
            image, square.to_input(_INPUT_PX), (_INPUT_PX, _INPUT_PX), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        rgb = cv2.cvtColor(crop, cv2.COLOR_BGR2RGB)
        points, presence = self._model.run(np.multiply(rgb, 1 / 255, dtype=np.float32)[None])
        logit = max(float(presence.item()), -_LARGEST_LOGIT)
        return square.from_input(points.reshape(MESH_LANDMARKS, 3), _INPUT_PX), 1 / (1 + math.exp(-logit))


def square_of_face(landmarks: FloatArray) -> Square:
    """Where to look in the next image: around these (468, 3) landmarks."""
    points = landmarks[:, :2]
    return square_around(points, points[_LEFT_EYE], points[_RIGHT_EYE])
