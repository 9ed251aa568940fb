"""Facial landmarks by MediaPipe FaceMesh, behind one small class: the only place that knows the library."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from types import TracebackType
from typing import Any

import cv2
import numpy as np

from ahmsa.face.geometry import MESH_LANDMARKS
from ahmsa.types import ByteImage, FloatArray

_WARM_UP = 3


class FaceMesh:
    """Landmarks of the faces in a stream of images, or of single images.

    `static=True` detects anew in every image; otherwise faces are tracked from one image to the next (2-4 ms instead of 10).
    """

    def __init__(self, max_faces: int = 1, *, static: bool = False, min_confidence: float = 0.5) -> None:
        with _quiet_stderr():
            from mediapipe.python.solutions import face_mesh

            self._mesh: Any = face_mesh.FaceMesh(
                static_image_mode=static,
                max_num_faces=max_faces,
                min_detection_confidence=min_confidence,
                min_tracking_confidence=min_confidence,
            )
            # The models are loaded by other threads, some after the first result: wait for their lines too.
            for _ in range(_WARM_UP):
                self._mesh.process(np.zeros((64, 64, 3), np.uint8))
        self._found = False

    def detect(self, image: ByteImage) -> list[FloatArray]:
        """(h, w, 3) BGR -> one (468, 3) array of x, y, z in pixels per face; empty where there is none.

        z is depth in the scale of x: smaller is nearer to the camera, 0 at about the head's centre.
        """
        with contextlib.nullcontext() if self._found else _quiet_stderr():  # it warns once more at its first face
            result = self._mesh.process(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
        self._found = self._found or bool(result.multi_face_landmarks)
        height, width = image.shape[:2]
        return [
            np.array([(p.x * width, p.y * height, p.z * width) for p in face.landmark[:MESH_LANDMARKS]], dtype=np.float32)
            for face in result.multi_face_landmarks or ()
        ]

    def close(self) -> None:
        self._mesh.close()

    def __enter__(self) -> FaceMesh:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


@contextlib.contextmanager
def _quiet_stderr() -> Iterator[None]:
    """MediaPipe's C++ start-up lines go to file descriptor 2, past Python; keep them off the user's screen."""
    saved, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(null)
