"""Frame folders with the paddings, gaps and stray files of the real ones."""

from __future__ import annotations

import pytest

from ahmsa.errors import DataError
from ahmsa.images.frames import FrameFolder, frame_number


def folder_of(path, *names):
    for name in names:
        (path / name).write_bytes(b"x")
    return FrameFolder.scan(path)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("img46.jpg", 46),
        ("reg_img46.jpg", 46),
        ("006_05562.jpg", 5562),
        ("reg_image17581039.bmp", 17581039),
        ("00012.BMP", 12),
        ("some name 123.jpg", 123),
        ("Desktop - Shortcut.lnk", None),
        ("Thumbs.db", None),
        ("cover.jpg", None),
        ("._img46.jpg", None),
        ("clip12.mp4", None),
    ],
)
def test_the_last_integer_of_an_image_is_its_number(name, number):
    assert frame_number(name) == number


def test_numbers_sort_as_numbers(tmp_path):
    folder = folder_of(tmp_path, "img10.jpg", "img9.jpg", "img100.jpg", "note.txt")
    assert list(folder.names) == [9, 10, 100]
    assert folder.skipped == ("note.txt",)
    assert folder.file(9).name == "img9.jpg"


def test_an_image_whose_link_is_broken_is_no_hole(tmp_path):
    (tmp_path / "img2.jpg").symlink_to(tmp_path / "gone.jpg")
    (tmp_path / "img3.jpg").mkdir()
    assert list(folder_of(tmp_path, "img1.jpg").names) == [1, 2]


def test_a_hole_is_bridged_within_the_tolerance(tmp_path):
    folder = folder_of(tmp_path, "7.jpg", "8.jpg", "12.jpg")
    assert folder.nearest(8, 0) == 8
    assert folder.nearest(10, 3) == 8
    assert folder.nearest(11, 3) == 12
    assert folder.nearest(0, 10) == 7
    assert folder.nearest(0, 6) is None
    assert folder.nearest(99, 50) is None


def test_a_number_that_two_images_share_keeps_the_first(tmp_path):
    folder = folder_of(tmp_path, "img5.jpg", "reg_img5.jpg")
    assert folder.names == {5: "img5.jpg"}
    assert folder.skipped == ("reg_img5.jpg",)


def test_between_takes_both_ends(tmp_path):
    assert list(folder_of(tmp_path, "1.png", "3.png", "4.png", "9.png").between(3, 9)) == [3, 4, 9]


def test_an_empty_folder_has_no_nearest(tmp_path):
    assert FrameFolder.scan(tmp_path).nearest(3, 100) is None


def test_a_missing_folder_is_one_sentence(tmp_path):
    with pytest.raises(DataError, match="cannot be listed as a folder of frames"):
        FrameFolder.scan(tmp_path / "none")
