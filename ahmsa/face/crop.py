"""Cutting the canonical crop: out of an image, by one function for database clips and live faces, so that both give the same
pixels; and out of a crop that another alignment has cut, since the faces of a pair are compared under one alignment."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, cast

import cv2
import numpy as np
import numpy.typing as npt

from ahmsa.types import AlignedFace, ByteImage, FloatArray, Matrix

_MAX_SUPERSAMPLING = 6
_MARGIN_PX = 4


def cut_crop(image: ByteImage, alignment: Matrix, crop_px: int) -> ByteImage:
    """The aligned grey crop. image: (h, w, 3) BGR or (h, w) grey; alignment: (2, 3) image -> crop; returns (crop_px, crop_px).

    Where the face is larger than the crop, the crop is first cut at a whole multiple of its size and then averaged down:
    picking every third pixel instead would turn skin texture into flow. Beyond the image's edge its border is repeated.
    """
    image, alignment = _around(image, alignment, crop_px)
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) if image.ndim == 3 else image
    scale = math.hypot(alignment[0, 0], alignment[1, 0])
    times = min(max(math.ceil(1 / max(scale, 1e-6)), 1), _MAX_SUPERSAMPLING)
    matrix = alignment * times
    matrix[:, 2] += (times - 1) / 2  # pixel centres: crop (x, y) lies at (x + 0.5) * times - 0.5 of the larger cut
    side = crop_px * times
    cut = cv2.warpAffine(grey, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    if times > 1:
        cut = cv2.resize(cut, (crop_px, crop_px), interpolation=cv2.INTER_AREA)
    return cast(ByteImage, np.ascontiguousarray(cut))


def _around(image: ByteImage, alignment: Matrix, crop_px: int) -> tuple[ByteImage, Matrix]:
    """The part of the image that the crop shows, so that only that is made grey, and its alignment to the crop."""
    corners = np.array([[0, 0, 1], [crop_px, 0, 1], [0, crop_px, 1], [crop_px, crop_px, 1]], dtype=np.float64)
    seen = corners @ cv2.invertAffineTransform(alignment).T
    height, width = image.shape[:2]
    left, top = np.clip(np.floor(seen.min(axis=0)).astype(int) - _MARGIN_PX, 0, [width - 1, height - 1])
    right, bottom = np.clip(np.ceil(seen.max(axis=0)).astype(int) + _MARGIN_PX, [left + 1, top + 1], [width, height])
    moved = alignment.copy()
    moved[:, 2] += alignment[:, :2] @ (left, top)
    return image[top:bottom, left:right], moved


def aligned_like(face: AlignedFace, other: AlignedFace) -> AlignedFace:
    """The face as the other's alignment would have cut it; the face itself where both have one alignment."""
    if face.anchor == other.anchor:
        return face
    pixels, landmarks = recut(face, other.alignment)
    growth = float(np.hypot(*other.alignment[:, 0]) / np.hypot(*face.alignment[:, 0]))
    return replace(
        face,
        pixels=pixels,
        landmarks_px=landmarks,
        depth_px=(face.depth_px * growth).astype(np.float32),
        alignment=other.alignment,
        anchor=other.anchor,
    )


def recut(face: AlignedFace, alignment: Matrix) -> tuple[ByteImage, FloatArray]:
    """A face's crop and landmarks under another alignment; what lies outside its own crop repeats the border."""
    matrix = _compose(alignment, cast(Matrix, cv2.invertAffineTransform(face.alignment)))
    side = face.pixels.shape[0]
    pixels = cv2.warpAffine(face.pixels, matrix, (side, side), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return cast(ByteImage, pixels), (face.landmarks_px @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)


def _compose(second: Matrix, first: Matrix) -> npt.NDArray[Any]:
    """(2, 3) the affine transform that does `first` and then `second`."""
    return np.column_stack([second[:, :2] @ first[:, :2], second[:, :2] @ first[:, 2] + second[:, 2]])
