"""Is this picture new? Cameras and virtual cameras repeat pictures, and a lost one may repeat its last for ever."""

from __future__ import annotations

import numpy as np

from ahmsa.types import ByteImage

_STEP = 8


def is_same_picture(image: ByteImage, other: ByteImage | None) -> bool:
    """Equal in every pixel. Sensor noise makes any two real pictures differ, so a coarse look settles nearly all cases."""
    if other is None or image.shape != other.shape:
        return False
    return np.array_equal(image[::_STEP, ::_STEP], other[::_STEP, ::_STEP]) and np.array_equal(image, other)
