"""The canonical crop: right place, right grey levels, no aliasing."""

from __future__ import annotations

import numpy as np

from ahmsa.face.crop import cut_crop


def _ramp(height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return (x * 0.4 + y * 0.2).clip(0, 255).astype(np.uint8)


def test_the_identity_returns_the_image_itself():
    image = np.random.default_rng(1).integers(0, 256, (128, 128), dtype=np.uint8)
    assert np.array_equal(cut_crop(image, np.array([[1.0, 0, 0], [0, 1.0, 0]]), 128), image)


def test_a_shrunk_ramp_keeps_its_place():
    """Averaging down must not shift the picture by half a pixel."""
    image = _ramp(400, 400)
    crop = cut_crop(image, np.array([[1 / 3, 0, 0.0], [0, 1 / 3, 0.0]]), 96)
    y, x = np.mgrid[4:90, 4:90]
    assert np.abs(crop[4:90, 4:90] - (x * 3 * 0.4 + y * 3 * 0.2)).max() < 1.5


def test_fine_texture_is_averaged_not_picked():
    stripes = np.zeros((384, 384), np.uint8)
    stripes[:, ::2] = 200
    crop = cut_crop(stripes, np.array([[0.25, 0, 0.3], [0, 0.25, 0.0]]), 90)
    assert np.abs(crop[5:-5, 5:-5].astype(float) - 100).max() <= 8


def test_colour_becomes_grey_and_the_border_is_repeated():
    image = np.full((50, 50, 3), (10, 200, 90), np.uint8)
    crop = cut_crop(image, np.array([[1.0, 0, 40.0], [0, 1.0, 40.0]]), 128)
    assert crop.shape == (128, 128)
    assert len(np.unique(crop)) == 1
