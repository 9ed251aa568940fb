"""The head in three dimensions: how places of the resting face move when it turns and nods before a camera nearby.

A relief, smooth between FaceMesh's depths of the resting landmarks and falling away beyond the face, is turned about a point
between the ears and seen in perspective. Coordinates are face px, depth grows away from the camera.
"""

from __future__ import annotations

import math
from typing import cast

import cv2
import numpy as np
from scipy.interpolate import LinearNDInterpolator

from ahmsa.synth.motion.muscles import MIDLINE_PX
from ahmsa.types import FloatArray

_PIVOT_PX = (MIDLINE_PX, 72.0, 62.0)
"""x, y, depth of the point about which the head turns."""
_CAMERA_PX = 560.0
"""The camera is this far before depth 0: 60 cm for a face of ordinary size."""
_FIRST, _STEP, _SIZE = (-120.0, -120.0), 3.0, (126, 126)
"""Grid on which the relief is kept."""
_DEEPEST_PX = 62.0
_SMOOTH_PX = 4.0
_ROUNDS = 12
"""Of the search for the place that is seen at a pixel."""
_DAMPING = 0.85
"""Steps of the search: whole ones would swing where the cheeks fall away steeply."""
_CLOSE_PX = 0.02
"""The search ends when everything is found this closely."""
_RING = 48


class Head:
    """The relief of one person's head."""

    def __init__(self, landmarks: FloatArray, depth: FloatArray) -> None:
        """landmarks: (468, 2) face px; depth: (468,) face px, both of the neutral face."""
        self._relief = _relief(landmarks, depth)

    def depth_at(self, points: FloatArray) -> FloatArray:
        """(n,) depth of the resting head at (n, 2) face points."""
        at = ((points - np.array(_FIRST, np.float32)) / np.float32(_STEP)).astype(np.float32)
        found = cv2.remap(self._relief, at[:, :1], at[:, 1:], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return cast(FloatArray, found[:, 0])

    def turned(self, points: FloatArray, yaw_deg: float, pitch_deg: float) -> FloatArray:
        """(n, 3) where places of the resting face are seen once the head has turned, and their depth then."""
        return turned(points, self.depth_at(points), yaw_deg, pitch_deg)

    def origin(self, points: FloatArray, yaw_deg: float, pitch_deg: float) -> FloatArray:
        """(n, 2) which places of the resting face are seen at (n, 2) points of the turned one."""
        places = points.astype(np.float32)
        for _ in range(_ROUNDS):
            off = points - self.turned(places, yaw_deg, pitch_deg)[:, :2]
            places = places + np.float32(_DAMPING) * off
            if float(np.abs(off).max()) < _CLOSE_PX:
                break
        return places


def turned(points: FloatArray, depth: FloatArray, yaw_deg: float, pitch_deg: float) -> FloatArray:
    """(n, 3) where resting places of known depth are seen once the head has turned, and their depth then."""
    yaw, pitch = math.radians(yaw_deg), math.radians(pitch_deg)
    px, py, pz = _PIVOT_PX
    near = (_CAMERA_PX + depth) / _CAMERA_PX  # the resting picture is a view in perspective too
    x, y, z = (points[:, 0] - px) * near, (points[:, 1] - py) * near, depth - pz
    x, z = x * math.cos(yaw) - z * math.sin(yaw), x * math.sin(yaw) + z * math.cos(yaw)
    y, z = y * math.cos(pitch) - z * math.sin(pitch), y * math.sin(pitch) + z * math.cos(pitch)
    z = z + pz
    far = _CAMERA_PX / (_CAMERA_PX + z)
    return cast(FloatArray, np.stack([x * far + px, y * far + py, z], axis=1).astype(np.float32))


def _relief(landmarks: FloatArray, depth: FloatArray) -> FloatArray:
    """(h, w) depth on the grid: smooth through the landmarks, deep behind a ring around the head."""
    angle = np.linspace(0, 2 * np.pi, _RING, endpoint=False)
    centre, half = np.array([MIDLINE_PX, 58.0]), np.array([80.0, 112.0])
    ring = centre + half * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    columns, rows = (first + _STEP * np.arange(size) for first, size in zip(_FIRST, _SIZE, strict=True))
    grid = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
    places = np.concatenate([landmarks, ring])
    depths = np.concatenate([np.minimum(depth, _DEEPEST_PX), np.full(_RING, _DEEPEST_PX)])
    fitted = LinearNDInterpolator(places, depths, fill_value=_DEEPEST_PX)(grid)
    outside = np.hypot(*((grid - centre) / half).T) > 1
    flat = np.where(outside, _DEEPEST_PX, np.minimum(fitted, _DEEPEST_PX)).reshape(_SIZE[1], _SIZE[0])
    return cast(FloatArray, cv2.GaussianBlur(flat.astype(np.float32), (0, 0), _SMOOTH_PX / _STEP))
