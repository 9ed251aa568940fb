"""Images of a half-finished copy are refused, not filled up with grey.

Covers ahmsa.images.header.
"""

from __future__ import annotations

import struct

import cv2
import numpy as np
import pytest

from ahmsa.errors import DataError
from ahmsa.images.header import image_size
from ahmsa.images.read import read_image


@pytest.fixture(scope="module")
def picture():
    return cv2.GaussianBlur(np.random.default_rng(3).integers(0, 256, (60, 80, 3), dtype=np.uint8), (9, 9), 0)


@pytest.mark.parametrize("suffix", ["jpg", "png", "bmp"])
def test_whole_images_are_read_and_cut_ones_refused(tmp_path, picture, suffix):
    path = tmp_path / f"a.{suffix}"
    cv2.imwrite(str(path), picture)
    assert read_image(path).shape == (60, 80, 3)
    data = path.read_bytes()
    for part in (0, 10, len(data) // 2, len(data) - 40):
        path.write_bytes(data[:part])
        with pytest.raises(DataError, match=rf"a\.{suffix} is a damaged image"):
            read_image(path)


def test_a_grey_image_has_three_equal_channels(tmp_path, picture):
    cv2.imwrite(str(tmp_path / "a.png"), picture[..., 0])
    image = read_image(tmp_path / "a.png")
    assert np.array_equal(image[..., 0], image[..., 2])


def test_a_missing_image_is_one_sentence(tmp_path):
    with pytest.raises(DataError, match=r"none\.jpg cannot be read \(No such file"):
        read_image(tmp_path / "none.jpg")


@pytest.mark.parametrize("suffix", [".jp2", ".webp", ".ppm", ".exr", ".hdr"])
def test_formats_with_risky_decoders_do_not_reach_one(tmp_path, suffix, monkeypatch):
    image = np.full((64, 64, 3), 99, np.uint8)
    known = {".exr": b"v/1\x01" + bytes(99), ".hdr": b"#?RADIANCE\n" + bytes(99)}.get(suffix)
    (tmp_path / "a.png").write_bytes(known or cv2.imencode(suffix, image)[1].tobytes())
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("it reached the decoder"))
    with pytest.raises(DataError, match="none of JPEG, PNG, BMP and TIFF"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".tif"])
@pytest.mark.parametrize("depth", [cv2.IMREAD_COLOR, cv2.IMREAD_GRAYSCALE])
def test_the_size_in_the_header_is_that_of_the_picture(suffix, depth):
    image = np.zeros((31, 47, 3) if depth == cv2.IMREAD_COLOR else (31, 47), np.uint8)
    assert image_size(cv2.imencode(suffix, image)[1].tobytes()) == (47, 31)


@pytest.mark.parametrize(
    "data",
    [
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 60000, 60000) + b"\x08\2\0\0\0" + bytes(20) + b"IEND",
        b"BM" + struct.pack("<IIIIii", 54, 0, 54, 40, 60000, -60000) + struct.pack("<HH", 1, 24) + bytes(24),
        b"\xff\xd8\xff\xe0\0\2\xff\xc0\0\x11\x08" + struct.pack(">HH", 60000, 60000) + bytes(20) + b"\xff\xd9",
        b"II*\0\x08\0\0\0\2\0" + struct.pack("<HHIIHHII", 256, 4, 1, 60000, 257, 4, 1, 60000) + bytes(9),
    ],
)
def test_a_header_that_claims_more_pixels_than_a_camera_has_is_refused(tmp_path, data):
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(DataError, match="claims 60000 x 60000 pixels"):
        read_image(tmp_path / "a.png")
