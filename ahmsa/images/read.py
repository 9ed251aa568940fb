"""Reading one image, whosoever it is: the only way to OpenCV's decoders.

Other formats than JPEG, PNG, BMP and TIFF, and sizes beyond any camera's, do not reach a decoder; a damaged file is refused,
for decoders fill what is missing with grey and say nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import numpy.typing as npt

from ahmsa.errors import DataError
from ahmsa.files import read_limited
from ahmsa.images.header import MOST_PIXELS, image_size
from ahmsa.types import ByteImage
from ahmsa.untrusted import foreign

_LARGEST_BYTES = 512 << 20
_TAIL = 4096
_END_MARKS = {b"\xff\xd8": b"\xff\xd9", b"\x89P": b"IEND"}
"""First bytes of a format -> what stands near the end of every complete file of it."""


def read_image(path: Path) -> ByteImage:
    """(h, w, 3) BGR; grey images have three equal channels. Raises DataError where the file is missing, cut off or no image."""
    return cast(ByteImage, _decoded(path, cv2.IMREAD_COLOR))


def read_pixels(path: Path) -> npt.NDArray[Any]:
    """(h, w) or (h, w, channels) as stored, of its own depth, colours in the order BGR(A). Raises DataError as `read_image`."""
    return _decoded(path, cv2.IMREAD_UNCHANGED)


def _decoded(path: Path, how: int) -> npt.NDArray[Any]:
    try:
        data = read_limited(path, _LARGEST_BYTES)
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); check the copy") from None
    size = image_size(data)
    if size is not None and size[0] * size[1] > MOST_PIXELS:
        raise DataError(f"{path} claims {size[0]} x {size[1]} pixels, more than any camera has; check the copy")
    image = None
    if size is not None and min(size) > 0 and _is_complete(data):
        with foreign(path, DataError, "copy it again"):
            image = cv2.imdecode(np.frombuffer(data, np.uint8), how)
    if image is None or image.size == 0:
        raise DataError(f"{path} is a damaged image ({len(data)} bytes), or none of JPEG, PNG, BMP and TIFF; copy it again")
    return image


def _is_complete(data: bytes) -> bool:
    if data[:2] == b"BM":
        return len(data) >= int.from_bytes(data[2:6], "little")
    mark = _END_MARKS.get(data[:2])
    return mark is None or mark in data[-_TAIL:]
