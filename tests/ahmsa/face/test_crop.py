"""The canonical crop: right place, right grey levels, no aliasing."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

import fake_faces
from ahmsa.face.crop import aligned_like, cut_crop


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


def cut(image, alignment, anchor):
    pixels = cv2.warpAffine(image, alignment, (128, 128), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    landmarks = np.float32([(100, 120), (160, 150)]) @ alignment[:, :2].T + alignment[:, 2]
    depth = np.float32([1.0, 2.0]) * np.float32(np.hypot(*alignment[:, 0]))
    return fake_faces.face(pixels=pixels, landmarks_px=landmarks, alignment=alignment, anchor=anchor, depth_px=depth)


@pytest.fixture
def image():
    noise = np.random.default_rng(0).integers(0, 255, (240, 320), np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 3)


def test_a_face_cut_anew_is_the_face_that_the_other_alignment_would_have_cut(image):
    first = np.array([[0.8, 0.05, -40.0], [-0.05, 0.8, -50.0]])
    second = np.array([[0.82, 0.02, -44.0], [-0.02, 0.82, -53.0]])
    moved = aligned_like(cut(image, first, 0), cut(image, second, 1))
    wanted = cut(image, second, 1)
    inside = slice(16, -16)
    assert moved.anchor == 1
    assert moved.landmarks_px == pytest.approx(wanted.landmarks_px, abs=1e-3)
    assert moved.depth_px == pytest.approx(wanted.depth_px, rel=1e-4)
    assert np.abs(moved.pixels[inside, inside].astype(int) - wanted.pixels[inside, inside]).mean() < 1.5


def test_one_alignment_is_left_alone(image):
    face = cut(image, np.array([[0.8, 0.0, -40.0], [0.0, 0.8, -50.0]]), 3)
    assert aligned_like(face, face) is face
