"""Cutting the canonical crop out of an image: one function for database clips and live faces, so that both give the same
pixels."""

from __future__ import annotations

import math
from typing import cast

import cv2
import numpy as np

from ahmsa.types import ByteImage, Matrix

_MAX_SUPERSAMPLING = 6


def cut_crop(image: ByteImage, alignment: Matrix, crop_px: int) -> ByteImage:
    """The aligned grey crop. image: (h, w, 3) BGR or (h, w) grey; alignment: (2, 3) image -> crop; returns (crop_px, crop_px).

    Where the face is larger than the crop, the crop is first cut at a whole multiple of its size and then averaged down:
    picking every third pixel instead would turn skin texture into flow. Beyond the image's edge its border is repeated.
    """
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
