"""Faces in a whole picture by MediaPipe's short-range detector (BlazeFace), and the squares in which the landmark network
then searches: upright with the eyes, half as large again as the face.

Source: Bazarevsky et al. 2019 (arXiv:1907.05047); constants and squares (regions of interest) of MediaPipe's graphs, Apache-2.0
(face_detection_short_range, face_detection_front_detection_to_roi, face_landmark_landmarks_to_roi).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import cv2
import numpy as np

from ahmsa.face.litert import LiteModel
from ahmsa.types import ByteImage, FloatArray, Matrix

_INPUT_PX = 128
_GRIDS = ((16, 2), (8, 6))
"""Cells a side, and anchors in each cell, of the two layers."""
_SAME_FACE_OVERLAP = 0.3
"""Boxes with more intersection over union than this are one face and are averaged."""
_LARGEST_LOGIT = 80.0
_ENLARGED = 1.5
"""Side of the square, in sides of the face's bounding box."""


@dataclass(frozen=True, slots=True)
class Square:
    """A rotated square in image px."""

    x: float
    """Of the centre."""
    y: float
    side_px: float
    angle_rad: float
    """Of the line through the eyes; positive turns x towards y."""

    def to_input(self, input_px: int) -> Matrix:
        """(2, 3) from image px to px of the network's input."""
        scale = input_px / self.side_px
        a, b = scale * math.cos(self.angle_rad), scale * math.sin(self.angle_rad)
        half = input_px / 2
        return np.array([[a, b, half - a * self.x - b * self.y], [-b, a, half + b * self.x - a * self.y]])

    def from_input(self, points: FloatArray, input_px: int) -> FloatArray:
        """(n, 3) x, y, z in px of the network's input -> image px; z keeps the scale of x."""
        scale = self.side_px / input_px
        a, b = scale * math.cos(self.angle_rad), scale * math.sin(self.angle_rad)
        x, y = points[:, 0] - input_px / 2, points[:, 1] - input_px / 2
        return np.column_stack([a * x - b * y + self.x, b * x + a * y + self.y, points[:, 2] * scale]).astype(np.float32)

    def overlap(self, other: Square) -> float:
        """Intersection over union of the two squares, taken upright."""
        width = min(self.x + self.side_px / 2, other.x + other.side_px / 2) - max(
            self.x - self.side_px / 2, other.x - other.side_px / 2
        )
        height = min(self.y + self.side_px / 2, other.y + other.side_px / 2) - max(
            self.y - self.side_px / 2, other.y - other.side_px / 2
        )
        common = max(width, 0.0) * max(height, 0.0)
        return common / max(self.side_px**2 + other.side_px**2 - common, 1e-9)


def square_around(corners: FloatArray, first_eye: FloatArray, second_eye: FloatArray) -> Square:
    """The square in which to search for the landmarks of a face.

    corners: (n, 2) points whose bounding box is the face; the eyes: (2,) each, the one on the left of an upright face first.
    """
    low, high = corners.min(axis=0).astype(np.float64), corners.max(axis=0).astype(np.float64)
    centre, side = (low + high) / 2, float((high - low).max())
    along = second_eye - first_eye
    return Square(float(centre[0]), float(centre[1]), max(side, 1.0) * _ENLARGED, math.atan2(float(along[1]), float(along[0])))


class FaceFinder:
    """Finds faces from about a tenth of the picture's longer side upwards. min_confidence: 0-1, of the detector's score."""

    def __init__(self, model: Path, min_confidence: float) -> None:
        self._model = LiteModel(model)
        self._anchors = _anchors()
        self._min_confidence = min_confidence

    def find(self, image: ByteImage) -> list[Square]:
        """(h, w, 3) BGR -> squares in image px, the surest first."""
        height, width = image.shape[:2]
        scale = _INPUT_PX / max(height, width)
        shift = (_INPUT_PX - scale * np.array([width, height])) / 2
        small = cv2.warpAffine(image, np.column_stack([np.eye(2) * scale, shift]), (_INPUT_PX, _INPUT_PX))
        rgb = cv2.cvtColor(small, cv2.COLOR_BGR2RGB)
        regressors, logits = self._model.run(np.multiply(rgb, 1 / 127.5, dtype=np.float32)[None] - np.float32(1))
        scores = (1 / (1 + np.exp(-np.clip(logits[0, :, 0], -_LARGEST_LOGIT, _LARGEST_LOGIT)))).astype(np.float32)
        sure = scores >= self._min_confidence
        points = self._points(regressors[0, sure], self._anchors[sure])
        return [_square(cast(FloatArray, (face - shift) / scale)) for face in averaged_boxes(points, scores[sure])]

    def _points(self, raw: FloatArray, anchors: FloatArray) -> FloatArray:
        """(n, 16) raw -> (n, 8, 2) in px of the input: two corners of the box, then six points of the face, the eyes first."""
        pairs = raw.reshape(-1, 8, 2)
        points = pairs + anchors[:, None]
        points[:, 0], points[:, 1] = points[:, 0] - pairs[:, 1] / 2, points[:, 0] + pairs[:, 1] / 2
        return cast(FloatArray, points)


def averaged_boxes(points: FloatArray, scores: FloatArray) -> list[FloatArray]:
    """Weighted non-maximum suppression: boxes that overlap the surest one become one face, averaged with their scores.

    points: (n, k, 2), the first two the corners of the box; scores: (n,). Returns (k, 2) arrays, the surest first.
    """
    order = np.argsort(-scores, kind="stable")
    points, scores = points[order], scores[order]
    faces = []
    while len(points):
        same = _overlaps(points[0, :2], points[:, :2]) > _SAME_FACE_OVERLAP
        same[0] = True
        faces.append(np.average(points[same], axis=0, weights=scores[same]).astype(np.float32))
        points, scores = points[~same], scores[~same]
    return faces


def _overlaps(box: FloatArray, boxes: FloatArray) -> FloatArray:
    """(2, 2) and (n, 2, 2) corners -> (n,) intersection over union."""
    sides = np.minimum(box[1], boxes[:, 1]) - np.maximum(box[0], boxes[:, 0])
    common = np.clip(sides, 0, None).prod(axis=1)
    areas = (boxes[:, 1] - boxes[:, 0]).prod(axis=1)
    return cast(FloatArray, common / np.maximum((box[1] - box[0]).prod() + areas - common, 1e-9))


def _square(points: FloatArray) -> Square:
    return square_around(points[:2], points[2], points[3])


def _anchors() -> FloatArray:
    """(896, 2) centres of the anchors, px of the input, in the order of the model's outputs."""
    layers = []
    for cells, each in _GRIDS:
        y, x = np.mgrid[:cells, :cells]
        centres = (np.stack([x, y], axis=-1).reshape(-1, 2) + 0.5) * (_INPUT_PX / cells)
        layers.append(centres.repeat(each, axis=0))
    return np.concatenate(layers).astype(np.float32)
