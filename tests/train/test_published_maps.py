from __future__ import annotations

import os
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from ahmsa.errors import DataError
from train.published_maps import FOLDER, TABLE, read_maps


@pytest.fixture
def root(tmp_path, make_maps, write_maps):
    return write_maps(tmp_path / "maps", make_maps())


def first_image(root):
    return sorted((root / FOLDER).iterdir())[0]


def test_maps_come_back_with_their_channels_in_order(root, make_maps):
    written, read = make_maps(), read_maps(root)
    assert read.samples == written.samples
    np.testing.assert_allclose(read.uvs, written.uvs, atol=1e-6)


def test_one_database_can_be_asked_for(root):
    assert read_maps(root, ["samm"]).databases == ("samm",)
    with pytest.raises(DataError, match="no row of casme3"):
        read_maps(root, ["casme3"])


def test_the_blank_before_png_may_be_missing(root, make_maps):
    for path in (root / FOLDER).iterdir():
        path.rename(path.with_name(path.name.replace(" .png", ".png")))
    assert len(read_maps(root)) == len(make_maps())


TABLES = {
    "renamed column": lambda lines: [line.replace("filename_o", "clip") for line in lines],
    "strange database": lambda lines: [lines[0], lines[1].replace("smic", "smics", 1), *lines[2:]],
    "one image for two": lambda lines: [*lines[:2], re.sub(r"[^,]+$", lines[1].rsplit(",", 1)[1], lines[2]), *lines[3:]],
    "duplicate row": lambda lines: [*lines, lines[1]],
    "strange label": lambda lines: [lines[0], re.sub(r",[012],", ",7,", lines[1]), *lines[2:]],
    "empty class": lambda lines: [line for line in lines if ",2," not in line],
    "no subject": lambda lines: [lines[0], re.sub(r",\d+,", ",,", lines[1], count=1), *lines[2:]],
}
IMAGES = {
    "half copied": lambda image: image.unlink(),
    "corrupt image": lambda image: image.write_bytes(image.read_bytes()[:40]),
    "empty image": lambda image: image.write_bytes(b""),
    "cut image": lambda image: image.write_bytes(image.read_bytes()[:-30]),
    "deep image": lambda image: cv2.imwrite(str(image), np.zeros((28, 28, 3), np.uint16)),
    "clear image": lambda image: cv2.imwrite(str(image), np.zeros((28, 28, 4), np.uint8)),
    "other size": lambda image: cv2.imwrite(str(image), np.zeros((32, 32, 3), np.uint8)),
    "grey image": lambda image: cv2.imwrite(str(image), np.zeros((28, 28), np.uint8)),
}


def damage(root, how):
    table = root / TABLE
    if how == "no table":
        table.unlink()
    elif how == "no images":
        (root / FOLDER).rename(root / "elsewhere")
    elif how in IMAGES:
        IMAGES[how](first_image(root))
    else:
        table.write_text("".join(TABLES[how](table.read_text().splitlines(keepends=True))))


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ("no table", "has no combined_3_class2"),
        ("no images", "copy is incomplete"),
        ("renamed column", "the column filename_o"),
        ("half copied", r"row \d+: no image '\w+ .png' in .* \(1 of 27 images are missing\)"),
        ("corrupt image", r"is a damaged image \(40 bytes\)"),
        ("empty image", r"is a damaged image \(0 bytes\)"),
        ("cut image", r"is a damaged image"),
        ("other size", r"shape \(32, 32, 3\); a map in this layout is RGB, 8 bit, 28x28 px"),
        ("grey image", r"of shape \(28, 28\); a map"),
        ("duplicate row", "is there more than once, in rows 2 and 29"),
        ("deep image", "is uint16 of shape"),
        ("clear image", r"of shape \(28, 28, 4\)"),
        ("strange database", "row 2: dataset 'smics' is none of smic, samm, casme2"),
        ("one image for two", "rows 2 and 3 share the image"),
        ("strange label", "row 2: label '7'"),
        ("empty class", "no sample of class surprise"),
        ("no subject", "row 2: dataset, sub"),
    ],
)
def test_damage_is_reported_with_its_place(root, how, sentence):
    damage(root, how)
    with pytest.raises(DataError, match=sentence) as error:
        read_maps(root)
    assert str(root) in str(error.value)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(DataError, match=r"no folder .*nowhere"):
        read_maps(tmp_path / "nowhere")


def test_the_table_may_have_its_columns_in_any_order_among_others(root):
    rows = [line.split(",") for line in (root / TABLE).read_text().splitlines()]
    lines = [[str(number), *reversed(row), "extra"] for number, row in enumerate(rows)]
    before = read_maps(root)
    (root / TABLE).write_text("\n".join(";".join(line) for line in lines) + "\n\n", encoding="utf-8-sig")
    assert read_maps(root).fingerprint == before.fingerprint


def test_an_image_that_no_row_names_is_not_read(root, make_maps):
    image = first_image(root)
    image.with_name("another .png").write_bytes(b"x")
    assert len(read_maps(root)) == len(make_maps())


@pytest.mark.maps
def test_the_published_maps_have_their_published_totals():
    root = Path(os.environ.get("AHMSA_MAPS", Path(__file__).parents[2] / ".." / "shared" / "data" / "flow3db-dev"))
    if not root.is_dir():
        pytest.skip(f"no real maps at {root}; name them in AHMSA_MAPS")
    maps = read_maps(root)
    assert maps.uvs.shape == (319, 3, 28, 28)
    assert maps.class_counts == {"negative": 180, "positive": 79, "surprise": 60}
    assert len(maps.subjects) == 50
    # Strain of a still face is small: its channel is mostly dark, the two of motion are mid-grey.
    means = maps.uvs.mean(axis=(0, 2, 3))
    assert means[2] < means[:2].min()
