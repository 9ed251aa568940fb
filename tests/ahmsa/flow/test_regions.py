import numpy as np
import pytest

from ahmsa.face.geometry import canonical_points_px
from ahmsa.flow.regions import lay_out, region_centres
from fake_faces import face

SIDE = 112
CENTRES = canonical_points_px(SIDE)


def marked(points, radius=4):
    """One channel per point, one where the point's neighbourhood is."""
    y, x = np.mgrid[:SIDE, :SIDE]
    return np.stack([np.hypot(x - px, y - py) <= radius for px, py in points]).astype(np.float32)


def brightest(channel):
    row, column = np.unravel_index(channel.argmax(), channel.shape)
    return int(column), int(row)


def test_centres_are_the_landmarks_of_the_face():
    landmarks = np.full((468, 2), 50.0)
    landmarks[[33, 133, 159, 145, 158, 153]] = (30.0, 41.0)
    landmarks[61] = (35.0, 80.0)
    centres, fallback = region_centres(face(crop_px=SIDE, landmarks_px=landmarks))
    assert not fallback
    assert centres[0].tolist() == [30, 41]
    assert centres[3].tolist() == [35, 80]


@pytest.mark.parametrize("landmarks", [np.zeros((0, 2)), np.full((468, 2), -5.0), np.full((468, 2), np.nan)])
def test_a_face_without_usable_landmarks_gets_the_canonical_centres_and_says_so(landmarks):
    centres, fallback = region_centres(face(crop_px=SIDE, landmarks_px=landmarks))
    assert fallback
    assert np.array_equal(centres, CENTRES)


def test_the_whole_face_keeps_its_geometry():
    small = lay_out(marked(CENTRES), CENTRES, "whole", 28)
    assert small.shape == (5, 28, 28)
    for channel, (x, y) in zip(small, CENTRES, strict=True):
        assert brightest(channel) == pytest.approx(((x + 0.5) / 4 - 0.5, (y + 0.5) / 4 - 0.5), abs=0.8)


def test_the_mosaic_has_eyes_on_top_and_lip_corners_below_left_and_right_as_in_the_image():
    mosaic = lay_out(marked(CENTRES), CENTRES, "quad", 28)
    assert mosaic.shape == (5, 28, 28)
    left_eye, right_eye, _, left_lip, right_lip = mosaic
    for channel, tile in ((left_eye, (0, 0)), (right_eye, (14, 0)), (left_lip, (0, 14)), (right_lip, (14, 14))):
        x, y = brightest(channel)
        assert (x - tile[0], y - tile[1]) == pytest.approx((6.5, 6.5), abs=1.6)


def test_five_regions_put_the_nose_in_the_middle():
    mosaic = lay_out(marked(CENTRES), CENTRES, "five", 28)
    assert brightest(mosaic[2]) == pytest.approx((13.5, 13.5), abs=1.1)
    quad = lay_out(marked(CENTRES), CENTRES, "quad", 28)
    assert np.array_equal(mosaic[:, :7], quad[:, :7])


def test_tiles_follow_the_face_and_stay_inside_it():
    moved = CENTRES + np.float32([-60, 0])
    mosaic = lay_out(marked(CENTRES), moved, "quad", 28)
    assert mosaic.shape == (5, 28, 28)
    assert np.array_equal(mosaic[:, :, :14][:, :14], lay_out(marked(CENTRES), moved, "whole", 28)[:, 2:16, :14])


@pytest.mark.parametrize("map_px", [27, 28, 36])
@pytest.mark.parametrize("layout", ["whole", "quad", "five"])
def test_every_layout_fills_any_map(layout, map_px):
    laid_out = lay_out(np.ones((3, 128, 128), np.float32), canonical_points_px(128), layout, map_px)
    assert laid_out.shape == (3, map_px, map_px)
    assert laid_out.min() == pytest.approx(1)
