"""Images of a half-finished copy are refused, not filled up with grey."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ahmsa.errors import DataError
from ahmsa.images import read_image


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
