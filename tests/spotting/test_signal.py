"""Covers spotting.regions."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from ahmsa.synth import ClipScript, SyntheticFaces, event
from spotting.regions import REGIONS
from spotting.settings import SpotterSettings
from spotting.signal import SignalMaker, fit_rigid, rigid_basis

SIDE = 128


@pytest.fixture(scope="module")
def faces():
    """The face at rest, and at the apex of a surprise of 2 px, without noise."""
    script = ClipScript(0.4, 30.0, (event("surprise", 0.05, 2.0, 150, 200),), noise_levels=0.0)
    shown = list(SyntheticFaces(script))
    return shown[0], shown[6]


def measured(rest, now):
    maker = SignalMaker(SpotterSettings())
    maker.update(rest)
    return maker.update(now)


def shifted(face, dx, dy):
    pixels = cv2.warpAffine(
        face.pixels, np.float32([[1, 0, dx], [0, 1, dy]]), face.pixels.shape, borderMode=cv2.BORDER_REPLICATE
    )
    return replace(face, pixels=pixels, t_capture_ns=face.t_capture_ns + 33_000_000)


def test_raised_brows_move_the_brow_regions_up_and_nothing_else(faces):
    moved = dict(zip(REGIONS, measured(*faces).displacement_px, strict=True))
    assert moved["left_brow_inner"][1] < -0.8
    assert moved["right_brow_inner"][1] < -0.8
    assert np.linalg.norm(moved["left_lip"]) < 0.25
    assert np.linalg.norm(moved["right_nose"]) < 0.4


@pytest.mark.parametrize("shift", [(1.5, 0.0), (-3.0, 2.0), (5.0, -4.0)])
def test_a_shifted_head_is_head_motion_and_no_displacement(faces, shift):
    rest, _ = faces
    sample = measured(rest, shifted(rest, *shift))
    assert np.linalg.norm(sample.displacement_px, axis=1).max() < 0.2
    assert sample.head_px == pytest.approx(np.tile(shift, (len(REGIONS), 1)), abs=0.15)


def test_brightness_and_contrast_move_nothing(faces):
    rest, _ = faces
    pixels = np.clip(rest.pixels * 0.75 + 10, 0, 255).astype(np.uint8)
    sample = measured(rest, replace(rest, pixels=pixels, t_capture_ns=33_000_000))
    assert np.linalg.norm(sample.displacement_px, axis=1).max() < 0.05


def test_the_signal_goes_on_across_a_renewed_alignment(faces):
    rest, apex = faces
    change = np.array([[1.02, 0.03, -4.0], [-0.03, 1.02, 3.0]])
    whole = np.vstack([change, [0, 0, 1]]) @ np.vstack([apex.alignment, [0, 0, 1]])
    cut = cv2.warpAffine(apex.pixels, change, apex.pixels.shape, borderMode=cv2.BORDER_REPLICATE)
    landmarks = (apex.landmarks_px @ change[:, :2].T + change[:, 2]).astype(np.float32)
    renewed = replace(apex, pixels=cut, landmarks_px=landmarks, alignment=whole[:2], anchor=apex.anchor + 1)
    assert measured(rest, renewed).displacement_px == pytest.approx(measured(rest, apex).displacement_px, abs=0.2)


def test_a_larger_crop_gives_the_same_numbers(faces):
    def doubled(face):
        return replace(
            face,
            pixels=cv2.resize(face.pixels, (256, 256), interpolation=cv2.INTER_CUBIC),
            landmarks_px=(face.landmarks_px + 0.5) * 2 - 0.5,
            depth_px=2 * face.depth_px,
        )

    small, large = measured(*faces), measured(*map(doubled, faces))
    assert large.displacement_px == pytest.approx(small.displacement_px, abs=0.25)


def test_a_face_without_landmarks_is_refused(faces):
    bare = replace(faces[0], landmarks_px=np.zeros((0, 2), np.float32))
    with pytest.raises(ValueError, match="468"):
        SignalMaker(SpotterSettings()).update(bare)


@pytest.fixture
def basis():
    random = np.random.default_rng(0)
    return rigid_basis(random.uniform(0, SIDE, (80, 2)), random.uniform(-20, 40, 80), SIDE)


def test_a_shift_a_turn_and_a_nod_are_found_exactly(basis):
    motion = np.array([[2.0, -1.0], [0.3, 0.5], [-0.5, 0.3], [1.5, -0.7]])
    found, error_px = fit_rigid(basis, basis @ motion, np.ones(len(basis)), 0.1)
    assert found == pytest.approx(motion, abs=1e-3)
    assert error_px < 1e-3


def test_a_quarter_of_the_points_that_move_by_themselves_do_not_turn_the_head(basis):
    motion = np.array([[2.0, -1.0], [0.3, 0.5], [-0.5, 0.3], [1.5, -0.7]])
    flow = basis @ motion
    flow[::4] += (4.0, -3.0)
    found, _ = fit_rigid(basis, flow, np.ones(len(basis)), 0.1)
    assert found == pytest.approx(motion, abs=0.02)
    plain = np.linalg.lstsq(basis, flow, rcond=None)[0]
    assert np.abs(plain - motion).max() > 0.5, "least squares alone would be wrong"


def test_points_without_a_vote_say_nothing(basis):
    flow = np.zeros((len(basis), 2))
    flow[:40] = (9.0, 9.0)
    votes = np.repeat([0.0, 1.0], 40)
    assert fit_rigid(basis, flow, votes, 0.1)[0] == pytest.approx(np.zeros((4, 2)), abs=1e-6)


def test_too_few_points_are_no_head(basis):
    motion, error_px = fit_rigid(basis[:7], np.ones((7, 2)), np.ones(7), 0.1)
    assert (motion.any(), error_px) == (False, float("inf"))
