import pytest

from ahmsa.settings import FaceSettings
from ahmsa.types import FaceQuality
from spotting.advice import Reading, advice, face_reading


def quality(problem, **values):
    return FaceQuality(**{"interocular_px": 80.0, "yaw_deg": 0.0, "luma": 120.0, "sharpness": 90.0, **values}, problem=problem)


@pytest.mark.parametrize(
    ("face", "sentence"),
    [
        (quality("too_small", interocular_px=34.2), "eyes 34 px apart, 40 needed: come closer"),
        (quality("turned_away", yaw_deg=-41.0), "head turned by 41 degrees, 30 allowed: turn the face towards the camera"),
        (quality("too_dark", luma=18.0), "brightness of the face 18 of 255, 35 needed: put more light on the face"),
    ],
)
def test_a_face_that_cannot_be_judged_says_by_how_much_and_what_to_do(face, sentence):
    assert advice(face_reading(face, FaceSettings())) == sentence


def test_a_good_face_shuts_no_gate():
    assert face_reading(quality(None), FaceSettings()) is None


def test_a_gate_without_figures_still_says_what_to_do():
    assert advice(Reading("head_motion")) == "the head moves: keep the head still"
    assert advice(Reading("speech")) == "the mouth speaks"
    assert advice(Reading("some_new_gate")) == "some new gate", "an unknown gate is named, not hidden"
