"""Reading one image of a database, and refusing a damaged one: decoders fill what is missing with grey and say nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import numpy.typing as npt

from ahmsa.errors import DataError
from ahmsa.types import ByteImage

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
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); check the copy") from None
    image = cv2.imdecode(np.frombuffer(data, np.uint8), how) if data and _is_complete(data) else None
    if image is None:
        raise DataError(f"{path} is a damaged image ({len(data)} bytes); copy it again")
    return image


def _is_complete(data: bytes) -> bool:
    if data[:2] == b"BM":
        return len(data) >= int.from_bytes(data[2:6], "little")
    mark = _END_MARKS.get(data[:2])
    return mark is None or mark in data[-_TAIL:]
