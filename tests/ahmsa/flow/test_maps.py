import cv2
import numpy as np
import pytest

from ahmsa.face.geometry import canonical_points_px
from ahmsa.flow.maps import lay_out, min_max, mirror, recentre, region_centres, restore_proportion
from ahmsa.flow.strain import strain_magnitude
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


def test_a_flat_channel_is_zero_and_not_a_division_by_zero():
    assert not min_max(np.full((3, 28, 28), 7.0, dtype=np.float32)).any()
    assert not recentre(np.full((3, 28, 28), 7.0, dtype=np.float32)).any()


def test_recentring_puts_rest_back_to_zero_and_keeps_the_direction_of_motion():
    motion = np.zeros((3, 28, 28), dtype=np.float32)
    motion[0, 20:24, 4:9], motion[1, 20:24, 4:9], motion[2, 20:24, 4:9] = -1.0, -0.5, 0.2
    seen = recentre(min_max(motion))
    assert np.all(seen[:, 0, 0] == 0)
    assert seen[0, 21, 5] < 0
    assert seen[1, 21, 5] < 0
    assert seen[2, 21, 5] > 0


def test_a_mirrored_face_moves_to_the_other_side_and_mirroring_twice_is_nothing():
    generator = np.random.default_rng(0)
    maps = generator.normal(size=(2, 3, 28, 28)).astype(np.float32)
    flipped = mirror(maps)
    assert np.allclose(flipped[:, 0, :, 0], -maps[:, 0, :, -1])
    assert np.allclose(flipped[:, 1, :, 0], maps[:, 1, :, -1])
    assert np.array_equal(mirror(flipped), maps)


def smooth_flow(seed):
    """A muscle-like flow field (2, 28, 28) whose u and v are about equally strong."""
    noise = np.random.default_rng(seed).normal(size=(28, 28, 2)).astype(np.float32)
    return cv2.GaussianBlur(noise, (0, 0), 3.0).transpose(2, 0, 1)


@pytest.mark.parametrize("v_strength", [0.5, 1.0, 2.0])
def test_strain_tells_how_large_v_was_beside_u(v_strength):
    found = []
    for seed in range(20):
        u, v = smooth_flow(seed) * np.array([1.0, v_strength], np.float32)[:, None, None]
        scaled = min_max(np.stack([u, v, strain_magnitude(np.stack([u, v]))]))
        _, seen_v, _ = restore_proportion(scaled[None])[0]
        found.append(np.ptp(seen_v) / (np.ptp(v) / np.ptp(u)))
    assert np.median(np.abs(np.log2(found))) < 0.25


def test_without_strain_the_proportion_is_the_usual_one_and_nothing_is_divided_by_zero():
    flat = np.zeros((1, 3, 28, 28), np.float32)
    assert np.array_equal(restore_proportion(flat), flat)
    flat[0, :2] = min_max(smooth_flow(0))
    restored = restore_proportion(flat)
    assert np.array_equal(restored[0, 0], flat[0, 0])
    assert np.ptp(restored[0, 1]) == pytest.approx(2**0.4, rel=0.05)
