import math

import cv2
import numpy as np
import pytest

from ahmsa.face.face_finder import FaceFinder, Square, averaged_boxes, square_around
from ahmsa.face.geometry import apply_similarity
from ahmsa.face.models import DETECTOR, model_file
from ahmsa.synth.known.views import views

TILTED = Square(300, 200, 96, math.radians(30))


def box(x, y, side=10.0):
    return [[x, y], [x + side, y + side]]


def test_boxes_that_overlap_are_one_face_averaged_by_score():
    [face] = averaged_boxes(np.float32([box(0, 0), box(2, 0)]), np.float32([0.9, 0.6]))
    assert face[0] == pytest.approx([0.8, 0])


def test_boxes_apart_stay_apart_the_surest_first():
    faces = averaged_boxes(np.float32([box(0, 0), box(50, 0), box(8, 0)]), np.float32([0.6, 0.9, 0.7]))
    assert [face[0, 0] for face in faces] == [50, 8, 0]


def test_no_box_is_no_face():
    assert averaged_boxes(np.zeros((0, 8, 2), np.float32), np.zeros(0, np.float32)) == []


@pytest.fixture(scope="module")
def finder():
    return FaceFinder(model_file(DETECTOR), 0.5)


@pytest.mark.parametrize("cut", [np.s_[:, :], np.s_[:, 120:520], np.s_[60:440, :]], ids=["whole", "tall", "wide"])
def test_a_face_is_found_in_pictures_of_any_shape(finder, cut):
    picture = next(views("roll"))
    [square] = finder.find(np.ascontiguousarray(picture[cut]))
    top, left = (cut[0].start or 0), (cut[1].start or 0)
    assert (square.x + left, square.y + top) == pytest.approx((320, 240), abs=30)


def test_a_tilted_face_gives_a_tilted_region(finder):
    picture = next(views("roll"))
    tilted = cv2.warpAffine(picture, cv2.getRotationMatrix2D((320, 240), -30, 1), (640, 480), borderMode=cv2.BORDER_REPLICATE)
    [upright], [turned] = finder.find(picture), finder.find(tilted)
    assert np.degrees(turned.angle_rad - upright.angle_rad) == pytest.approx(30, abs=8)


def test_the_middle_of_a_square_is_the_middle_of_the_input():
    assert apply_similarity(TILTED.to_input(192), np.array([[300.0, 200.0]]))[0] == pytest.approx([96, 96])


def test_points_go_into_the_input_and_back():
    points = np.random.default_rng(0).uniform(250, 350, (20, 2)).astype(np.float32)
    inside = apply_similarity(TILTED.to_input(192), points)
    back = TILTED.from_input(np.column_stack([inside, np.full(20, 10.0)]).astype(np.float32), 192)
    assert back[:, :2] == pytest.approx(points, abs=1e-3)
    assert back[:, 2] == pytest.approx(5.0)  # the square is half as large as the input


def test_a_square_is_half_as_large_again_as_the_face_and_turned_with_the_eyes():
    corners = np.float32([[100, 100], [140, 180]])
    square = square_around(corners, np.float32([110, 120]), np.float32([130, 140]))
    assert (square.x, square.y, square.side_px) == (120, 140, 120)
    assert math.degrees(square.angle_rad) == pytest.approx(45)


def test_in_the_input_the_eyes_are_level():
    square = square_around(np.float32([[100, 100], [140, 180]]), np.float32([110, 120]), np.float32([130, 140]))
    left, right = apply_similarity(square.to_input(192), np.float32([[110, 120], [130, 140]]))
    assert left[1] == pytest.approx(right[1], abs=1e-4)
    assert left[0] < right[0]


@pytest.mark.parametrize(("x", "overlap"), [(0, 1.0), (50, 1 / 3), (100, 0.0), (500, 0.0)])
def test_overlap_is_the_shared_part_of_both(x, overlap):
    assert Square(0, 0, 100, 0).overlap(Square(x, 0, 100, 0)) == pytest.approx(overlap)
