import cv2
import numpy as np

from ahmsa.flow.maps import min_max
from ahmsa.flow.pictures import flow_picture, map_sheet, movement_sheet, strain_picture, wheel_picture, write_png


def colour_of(u, v, full_px=1.0):
    return flow_picture(np.float32([[[u]], [[v]]]), full_px)[0, 0].tolist()


def test_rest_is_white_and_motion_takes_the_colour_of_its_direction():
    assert colour_of(0, 0) == [255, 255, 255]
    assert colour_of(1, 0) == [0, 0, 255]  # right: red, in BGR
    blue, green, red = colour_of(0, 1)  # down: yellow
    assert red > 200
    assert green > 200
    assert blue < 60
    blue, green, red = colour_of(-1, 0)  # left: cyan to blue
    assert blue > 200
    assert red < 60


def test_less_motion_is_paler_and_too_much_is_darker():
    assert colour_of(0.5, 0) == [128, 128, 255]
    assert colour_of(2, 0) == [0, 0, 191]


def test_a_still_field_is_all_white_and_a_still_strain_all_dark():
    assert flow_picture(np.zeros((2, 8, 8), np.float32)).min() == 255
    assert strain_picture(np.zeros((8, 8), np.float32)).max() < 10


def test_strain_glows_where_it_is_largest():
    strain = np.zeros((8, 8), np.float32)
    strain[2, 5] = 0.3
    glow = strain_picture(strain).sum(axis=-1)
    assert np.unravel_index(glow.argmax(), glow.shape) == (2, 5)


def test_the_wheel_is_a_disc_with_a_white_hub():
    wheel = wheel_picture(41)
    assert wheel[20, 20].tolist() == [255, 255, 255]
    assert wheel[0, 0].tolist() == [255, 255, 255]
    assert wheel[20, 40].tolist() != [255, 255, 255]


def test_sheets_show_their_panels_side_by_side():
    face = np.full((32, 32), 90, np.uint8)
    flow = np.ones((2, 32, 32), np.float32)
    page = movement_sheet(face, face, flow, np.zeros((32, 32), np.float32), zoom=3)
    assert page.dtype == np.uint8
    assert page.shape == (32 * 3 + 22 + 16, 4 * (32 * 3 + 8) + 8, 3)
    stored = map_sheet(min_max(np.random.default_rng(0).normal(size=(3, 28, 28)).astype(np.float32)), zoom=4)
    assert stored.shape == (28 * 4 + 22 + 16, 3 * (28 * 4 + 8) + 8, 3)


def test_a_picture_survives_the_disk(tmp_path):
    picture = wheel_picture(33)
    write_png(tmp_path / "new" / "wheel.png", picture)
    assert np.array_equal(cv2.imread(str(tmp_path / "new" / "wheel.png")), picture)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["wheel.png"]
