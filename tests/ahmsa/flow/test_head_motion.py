import dataclasses

import numpy as np
import pytest

from ahmsa.face.geometry import canonical_points_px
from ahmsa.flow.head_motion import average_depth, depth_of, remove_head_motion, rigid_motion, voters
from ahmsa.synth.faces import SyntheticFaces
from ahmsa.synth.scenario.plan import Scenario

Y, X = np.mgrid[:128, :128].astype(np.float32)
MOUTH = np.exp(-((X - 40) ** 2 + (Y - 95) ** 2) / 200)


def turned(degrees=0.0, growth=0.0, shift=(0.0, 0.0)):
    a, b = (1 + growth) * np.cos(np.deg2rad(degrees)) - 1, (1 + growth) * np.sin(np.deg2rad(degrees))
    return np.stack([a * (X - 64) - b * (Y - 64) + shift[0], b * (X - 64) + a * (Y - 64) + shift[1]]).astype(np.float32)


def test_a_turn_a_growth_and_a_shift_of_the_head_leave_no_flow():
    head = turned(1.5, 0.01, (0.8, -0.4))[None]
    assert np.abs(remove_head_motion(head, "similarity")).max() < 1e-3


def test_a_smile_survives_a_turning_head():
    smile = np.stack([-1.2 * MOUTH, -0.8 * MOUTH])
    seen = remove_head_motion((turned(1.0, 0.0, (0.5, 0.2)) + smile)[None].astype(np.float32), "similarity")[0]
    assert np.hypot(*(seen - smile)).max() < 0.05


def shaken(px):
    """A head that shakes: what is near moves against what is far."""
    return np.stack([px * average_depth(128) / 64, 0 * X]).astype(np.float32)


def test_a_head_that_turns_in_depth_leaves_no_flow_where_its_depth_is_known():
    head = (shaken(1.5) + turned(1.5, 0.01, (0.8, -0.4)))[None]
    assert np.hypot(*remove_head_motion(head, "similarity")[0]).max() > 0.5
    assert np.abs(remove_head_motion(head, "mesh", average_depth(128)[None])).max() < 1e-3
    assert np.abs(remove_head_motion(head, "mesh")).max() < 1e-3, "an average face stands in"


def test_a_smile_and_a_blink_survive_a_shaking_head():
    lids = np.exp(-((X - 33) ** 2 + (Y - 41) ** 2) / 60)
    face = np.stack([-1.2 * MOUTH, -0.8 * MOUTH + 3 * lids])
    seen = remove_head_motion((shaken(2.0) + face)[None].astype(np.float32), "mesh")[0]
    assert np.hypot(*(seen - face)).max() < 0.1


def test_translation_takes_out_a_shift_and_leaves_a_turn():
    seen = remove_head_motion((turned(1.0, 0.0, (0.5, 0.2)))[None], "translation")[0]
    assert np.hypot(*seen).max() > 0.5
    assert np.abs(remove_head_motion(turned(shift=(0.5, 0.2))[None], "translation")).max() < 1e-5


def test_keep_keeps_everything():
    head = turned(1.0)[None]
    assert remove_head_motion(head, "keep") is head


def test_a_raised_forehead_is_an_outlier_and_not_a_nodding_head():
    forehead = np.stack([0 * X, -1.5 * (Y < 22)]).astype(np.float32)
    fitted = rigid_motion(forehead[None], "similarity")[0]
    assert np.abs(fitted[1, 60:]).max() < 0.1


def test_heads_of_a_batch_are_fitted_one_by_one():
    heads = np.stack([turned(1.0), turned(0.0, 0.02), turned(shift=(1.0, 0.0))])
    assert np.abs(remove_head_motion(heads, "similarity")).max() < 1e-3


def test_a_still_face_is_left_alone():
    assert not remove_head_motion(np.zeros((1, 2, 128, 128), np.float32), "similarity").any()


def test_for_a_turn_in_depth_the_eyes_have_no_vote_either():
    eyes = canonical_points_px(128)[:2].astype(int)
    for x, y in eyes:
        assert voters(128, 128)[y - 4 : y + 5, x - 4 : x + 5].any()
        assert not voters(128, 128, eyes=False)[y - 4 : y + 5, x - 4 : x + 5].any()


@pytest.mark.parametrize("side", [64, 128, 256])
def test_the_same_part_of_any_crop_votes_and_the_mouth_does_not(side):
    chosen = voters(side, side)
    assert chosen.mean() == pytest.approx(voters(128, 128).mean(), rel=0.1)
    mouth = canonical_points_px(side)[3:].mean(axis=0).astype(int)
    assert not chosen[mouth[1] - 4 : mouth[1] + 5, mouth[0] - 4 : mouth[0] + 5].any()
    assert not chosen[0].any()


@pytest.fixture(scope="module")
def face():
    return next(iter(SyntheticFaces(Scenario(seed=1, duration_s=0.2))))


@pytest.mark.parametrize("side", [64, 128, 256])
def test_the_nose_of_an_average_face_is_nearest_and_its_edges_are_farthest(side):
    depth = average_depth(side)
    nose = canonical_points_px(side)[2].astype(int)
    assert depth[nose[1], nose[0]] < depth.min() + 0.02 * side
    assert depth[side // 2, 0] > depth[side // 2, side // 4] > depth[nose[1], nose[0]]
    assert depth.mean() == pytest.approx(0, abs=1e-3)


def test_a_face_without_depth_gets_that_of_an_average_face(face):
    bare = dataclasses.replace(face, depth_px=np.zeros(0, np.float32))
    assert depth_of(bare) is average_depth(face.pixels.shape[0])
    outside = dataclasses.replace(face, landmarks_px=face.landmarks_px + 1000)
    assert depth_of(outside) is average_depth(face.pixels.shape[0])


def test_the_depth_of_a_pixel_is_that_of_the_landmarks_around_it(face):
    depth = depth_of(face)
    inside = ((face.landmarks_px > 4) & (face.landmarks_px < face.pixels.shape[0] - 5)).all(axis=1)
    column, row = np.round(face.landmarks_px[inside]).astype(int).T
    left = depth[row, column] - (face.depth_px[inside] - face.depth_px.mean())
    assert np.isfinite(depth).all()
    assert left.std() < 0.3 * face.depth_px[inside].std()


def test_an_average_face_is_like_a_real_one(face):
    """The generated face carries the landmarks of a real portrait."""
    inside = ((face.landmarks_px >= 0) & (face.landmarks_px < face.pixels.shape[0] - 1)).all(axis=1)
    column, row = np.round(face.landmarks_px[inside]).astype(int).T
    expected = average_depth(face.pixels.shape[0])[row, column]
    assert np.corrcoef(expected, face.depth_px[inside])[0, 1] > 0.85
