import cv2
import numpy as np
import pytest

from ahmsa.face.cut import CutDetector
from ahmsa.synth import clip_of, event


def shots(*pictures):
    detector = CutDetector()
    return [detector.is_cut(picture) for picture in pictures]


@pytest.fixture(scope="module")
def clip():
    return [frame.image for frame in clip_of([event("positive", 0.6, 2.5)], duration_s=1.2, seed=3)]


def other(picture):
    """Another person in another room, as far as pictures go: turned over, and from dark to bright."""
    return np.ascontiguousarray(255 - picture[::-1])


def test_a_cut_is_one_picture_long(clip):
    assert shots(*clip[:3], *map(other, clip[3:6]), *clip[6:8]) == [False] * 3 + [True] + [False] * 2 + [True, False]


def test_a_face_that_moves_in_changing_light_is_one_shot(clip):
    def changed(number, picture):
        shift = np.float32([[1, 0, 6 * number], [0, 1, 2 * number]])
        moved = cv2.warpAffine(picture, shift, picture.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
        return np.clip(moved * (1 - 0.04 * (number % 5)), 0, 255).astype(np.uint8)

    assert not any(shots(*(changed(number, picture) for number, picture in enumerate(clip[:12]))))


def test_a_black_pause_is_passed_over(clip):
    black = np.zeros_like(clip[0])
    assert shots(clip[0], black, black, clip[1]) == [False] * 4
    assert shots(clip[0], black, other(clip[1])) == [False, False, True]
