import dataclasses

import numpy as np
import pytest

from ahmsa.face.geometry import canonical_points_px
from ahmsa.flow.depth import average_depth, depth_of
from ahmsa.synth.faces import SyntheticFaces
from ahmsa.synth.scenario.plan import Scenario


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
