"""What the first bytes of an image say: its format and size, before any decoder sees it.

Image libraries choose their decoder by content, and some of those (JPEG 2000, OpenEXR, Radiance ...) have holes that a crafted
file under any suffix reaches (CVE-2025-53644). Only the four formats that databases and cameras use pass this gate.
"""

from __future__ import annotations

import struct

MOST_PIXELS = 50_000_000
"""A crafted header may promise a picture that takes all memory; the largest of a camera has a few ten million pixels."""

_START_OF_FRAME = frozenset({0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF})
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})
_TIFF_WIDTH, _TIFF_HEIGHT = 256, 257
_TIFF_TAGS = 200


def image_size(data: bytes) -> tuple[int, int] | None:
    """(width, height) of a JPEG, PNG, BMP or TIFF as its header has them; None for anything else, and for a header that
    cannot be followed."""
    try:
        if data.startswith(b"\xff\xd8\xff"):
            return _jpeg_size(data)
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            return struct.unpack_from(">II", data, 16) if data[12:16] == b"IHDR" else None
        if data.startswith(b"BM"):
            return _bmp_size(data)
        if data.startswith((b"II*\0", b"MM\0*")):
            return _tiff_size(data)
    except struct.error:  # it ends before the size
        return None
    return None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    place = 2
    while True:
        mark, kind = struct.unpack_from(">BB", data, place)
        if mark != 0xFF:
            return None
        if kind == 0xFF:  # filling
            place += 1
        elif kind in _STANDALONE:
            place += 2
        elif kind in _START_OF_FRAME:
            height, width = struct.unpack_from(">HH", data, place + 5)
            return width, height
        else:
            (length,) = struct.unpack_from(">H", data, place + 2)
            place += 2 + max(2, length)


def _bmp_size(data: bytes) -> tuple[int, int]:
    (header,) = struct.unpack_from("<I", data, 14)
    if header == 12:  # OS/2
        return struct.unpack_from("<HH", data, 18)
    width, height = struct.unpack_from("<ii", data, 18)
    return abs(width), abs(height)  # a negative height: from top to bottom


def _tiff_size(data: bytes) -> tuple[int, int] | None:
    order = "<" if data.startswith(b"II") else ">"
    (place,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, place)
    sizes: dict[int, int] = {}
    for number in range(min(count, _TIFF_TAGS)):
        tag, kind = struct.unpack_from(order + "HH", data, place + 2 + 12 * number)
        if tag in (_TIFF_WIDTH, _TIFF_HEIGHT):
            (sizes[tag],) = struct.unpack_from(order + ("H" if kind == 3 else "I"), data, place + 10 + 12 * number)
    return (sizes[_TIFF_WIDTH], sizes[_TIFF_HEIGHT]) if len(sizes) == 2 else None
