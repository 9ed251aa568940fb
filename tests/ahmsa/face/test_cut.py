import cv2
import numpy as np
import pytest

from ahmsa.face.crop import cut_crop
from ahmsa.face.cut import CutDetector, FaceLook
from ahmsa.face.geometry import canonical_points_px, fit_similarity
from ahmsa.synth import clip_of, event
from ahmsa.types import AlignedFace, FaceQuality


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


def face(pattern, place=(0, 0)):
    """A picture of a face with this pattern, in a room that never changes; and the named points of its landmarks."""
    room = np.tile(np.linspace(60, 200, 192, dtype=np.uint8), (192, 1))
    x, y = place
    room[y : y + 128, x : x + 128] = pattern
    return np.repeat(room[..., None], 3, axis=2), canonical_points_px(128) + np.float32(place)


def someone(seed):
    """As coarse as the features of a face are."""
    small = np.random.default_rng(seed).integers(40, 220, (8, 8)).astype(np.uint8)
    return cv2.resize(small, (128, 128), interpolation=cv2.INTER_CUBIC)


def looks(*seen, frame_ms=33, held=True):
    """held: the alignment of the first picture is kept for all."""
    look = FaceLook()
    found = []
    for number, (picture, own) in enumerate(seen, start=1):
        alignment = fit_similarity(seen[0][1] if held else own, canonical_points_px(128))
        pixels = cut_crop(picture, alignment, 128)
        no_landmarks = np.zeros((0, 2), np.float32)
        quality = FaceQuality(65.0, 0.0, 120.0, 90.0)
        aligned = AlignedFace(
            number, number * frame_ms * 1_000_000, 0, pixels, no_landmarks, quality=quality, alignment=alignment, anchor=0
        )
        found.append(look.is_another(aligned, picture, own))
    return found


@pytest.mark.parametrize("held", [True, False])
def test_another_face_in_the_same_place_of_the_same_room_is_another(held):
    anna, ben = someone(1), someone(2)
    assert looks(face(anna), face(anna), face(ben), face(ben), held=held) == [False, False, True, False]
    assert looks(face(anna), face(ben, (60, 40)), held=held) == [False, True]


@pytest.mark.parametrize("held", [True, False])
def test_a_face_that_moves_in_changing_light_stays_itself(held):
    anna = someone(1)
    dim = (anna * 0.6).astype(np.uint8)
    assert looks(face(anna), face(anna, (6, 3)), face(dim, (12, 6)), face(dim, (14, 9)), held=held) == [False] * 4


def test_landmarks_that_go_astray_make_no_new_face():
    picture, own = face(someone(1), (30, 30))
    astray = own + np.float32([25, -20])
    assert looks((picture, own), (picture, astray), (picture, own), held=False) == [False] * 3


def test_who_was_away_for_a_while_is_not_compared():
    assert looks(face(someone(1)), face(someone(2)), frame_ms=400) == [False, False]
