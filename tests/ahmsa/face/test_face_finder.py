import cv2
import numpy as np
import pytest

from ahmsa.face.face_finder import FaceFinder, averaged_boxes
from ahmsa.face.models import DETECTOR, model_file
from ahmsa.synth.known.views import views


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
    [region] = finder.find(np.ascontiguousarray(picture[cut]))
    top, left = (cut[0].start or 0), (cut[1].start or 0)
    assert (region.x + left, region.y + top) == pytest.approx((320, 240), abs=30)


def test_a_tilted_face_gives_a_tilted_region(finder):
    picture = next(views("roll"))
    tilted = cv2.warpAffine(picture, cv2.getRotationMatrix2D((320, 240), -30, 1), (640, 480), borderMode=cv2.BORDER_REPLICATE)
    [upright], [turned] = finder.find(picture), finder.find(tilted)
    assert np.degrees(turned.angle_rad - upright.angle_rad) == pytest.approx(30, abs=8)
