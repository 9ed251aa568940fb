"""The square of a picture that the landmark network looks at: upright with the eyes, half as large again as the face.

Source: MediaPipe's face_landmark graphs (face_detection_front_detection_to_roi, face_landmark_landmarks_to_roi), Apache-2.0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ahmsa.types import FloatArray, Matrix

_ENLARGED = 1.5


@dataclass(frozen=True, slots=True)
class Region:
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

    def overlap(self, other: Region) -> float:
        """Intersection over union of the two squares, taken upright."""
        width = min(self.x + self.side_px / 2, other.x + other.side_px / 2) - max(
            self.x - self.side_px / 2, other.x - other.side_px / 2
        )
        height = min(self.y + self.side_px / 2, other.y + other.side_px / 2) - max(
            self.y - self.side_px / 2, other.y - other.side_px / 2
        )
        common = max(width, 0.0) * max(height, 0.0)
        return common / max(self.side_px**2 + other.side_px**2 - common, 1e-9)


def region_around(corners: FloatArray, first_eye: FloatArray, second_eye: FloatArray) -> Region:
    """The region of a face.

    corners: (n, 2) points whose bounding box is the face; the eyes: (2,) each, the one on the left of an upright face first.
    """
    low, high = corners.min(axis=0).astype(np.float64), corners.max(axis=0).astype(np.float64)
    centre, side = (low + high) / 2, float((high - low).max())
    along = second_eye - first_eye
    return Region(float(centre[0]), float(centre[1]), max(side, 1.0) * _ENLARGED, math.atan2(float(along[1]), float(along[0])))
