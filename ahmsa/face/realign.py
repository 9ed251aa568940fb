"""A face under the alignment of another: a pair is compared under one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import cv2
import numpy as np
import numpy.typing as npt

from ahmsa.types import AlignedFace, ByteImage, FloatArray, Matrix


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
