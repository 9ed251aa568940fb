import math

import numpy as np
import pytest

from ahmsa.face.geometry import apply_similarity
from ahmsa.face.region import Region, region_around

TILTED = Region(300, 200, 96, math.radians(30))


def test_the_middle_of_a_region_is_the_middle_of_the_input():
    assert apply_similarity(TILTED.to_input(192), np.array([[300.0, 200.0]]))[0] == pytest.approx([96, 96])


def test_points_go_into_the_input_and_back():
    points = np.random.default_rng(0).uniform(250, 350, (20, 2)).astype(np.float32)
    inside = apply_similarity(TILTED.to_input(192), points)
    back = TILTED.from_input(np.column_stack([inside, np.full(20, 10.0)]).astype(np.float32), 192)
    assert back[:, :2] == pytest.approx(points, abs=1e-3)
    assert back[:, 2] == pytest.approx(5.0)  # the region is half as large as the input


def test_a_region_is_half_as_large_again_as_the_face_and_turned_with_the_eyes():
    corners = np.float32([[100, 100], [140, 180]])
    region = region_around(corners, np.float32([110, 120]), np.float32([130, 140]))
    assert (region.x, region.y, region.side_px) == (120, 140, 120)
    assert math.degrees(region.angle_rad) == pytest.approx(45)


def test_in_the_input_the_eyes_are_level():
    region = region_around(np.float32([[100, 100], [140, 180]]), np.float32([110, 120]), np.float32([130, 140]))
    left, right = apply_similarity(region.to_input(192), np.float32([[110, 120], [130, 140]]))
    assert left[1] == pytest.approx(right[1], abs=1e-4)
    assert left[0] < right[0]


@pytest.mark.parametrize(("x", "overlap"), [(0, 1.0), (50, 1 / 3), (100, 0.0), (500, 0.0)])
def test_overlap_is_the_shared_part_of_both(x, overlap):
    assert Region(0, 0, 100, 0).overlap(Region(x, 0, 100, 0)) == pytest.approx(overlap)
