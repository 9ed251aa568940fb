"""Faces in a whole picture by MediaPipe's short-range detector (BlazeFace): regions for the landmark network.

Source: Bazarevsky et al. 2019 (arXiv:1907.05047); constants of MediaPipe's face_detection_short_range graph, Apache-2.0.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

import cv2
import numpy as np

from ahmsa.face.litert import LiteModel
from ahmsa.face.region import Region, region_around
from ahmsa.types import ByteImage, FloatArray

_INPUT_PX = 128
_GRIDS = ((16, 2), (8, 6))
"""Cells a side, and anchors in each cell, of the two layers."""
_SAME_FACE_OVERLAP = 0.3
"""Boxes with more intersection over union than this are one face and are averaged."""
_LARGEST_LOGIT = 80.0


class FaceFinder:
    """Finds faces from about a tenth of the picture's longer side upwards. min_confidence: 0-1, of the detector's score."""

    def __init__(self, model: Path, min_confidence: float) -> None:
        self._model = LiteModel(model)
        self._anchors = _anchors()
        self._min_confidence = min_confidence

    def find(self, image: ByteImage) -> list[Region]:
        """(h, w, 3) BGR -> regions in image px, the surest first."""
        height, width = image.shape[:2]
        scale = _INPUT_PX / max(height, width)
        shift = (_INPUT_PX - scale * np.array([width, height])) / 2
        small = cv2.warpAffine(image, np.column_stack([np.eye(2) * scale, shift]), (_INPUT_PX, _INPUT_PX))
        rgb = cv2.cvtColor(small, cv2.COLOR_BGR2RGB)
        regressors, logits = self._model.run(np.multiply(rgb, 1 / 127.5, dtype=np.float32)[None] - np.float32(1))
        scores = (1 / (1 + np.exp(-np.clip(logits[0, :, 0], -_LARGEST_LOGIT, _LARGEST_LOGIT)))).astype(np.float32)
        sure = scores >= self._min_confidence
        points = self._points(regressors[0, sure], self._anchors[sure])
        return [_region(cast(FloatArray, (face - shift) / scale)) for face in averaged_boxes(points, scores[sure])]

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


def _region(points: FloatArray) -> Region:
    return region_around(points[:2], points[2], points[3])


def _anchors() -> FloatArray:
    """(896, 2) centres of the anchors, px of the input, in the order of the model's outputs."""
    layers = []
    for cells, each in _GRIDS:
        y, x = np.mgrid[:cells, :cells]
        centres = (np.stack([x, y], axis=-1).reshape(-1, 2) + 0.5) * (_INPUT_PX / cells)
        layers.append(centres.repeat(each, axis=0))
    return np.concatenate(layers).astype(np.float32)
