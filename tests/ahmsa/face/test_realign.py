import cv2
import numpy as np
import pytest

import fake_faces
from ahmsa.face.realign import aligned_like


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
