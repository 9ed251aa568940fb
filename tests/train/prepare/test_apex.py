"""Apex rules: the annotated apex goes first, then the rule that was named."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from ahmsa.databases.clips import Clip
from ahmsa.errors import DataError
from train.prepare.apex import apex_frame, flow_magnitudes


def clip_of(numbers, apex=None):
    frames = {number: Path(f"{number}.png") for number in numbers}
    first, last = min(numbers), max(numbers)
    return Clip("smic", "s01", "s01_ne_01", "negative", "negative", first, apex, last, frames, 100.0, "test")


def textured(shift=0.0, bump=0.0):
    """A face-sized texture, moved as a whole and by a local bump, px."""
    noise = np.random.default_rng(5).integers(0, 256, (128, 128), dtype=np.uint8)
    image = cv2.GaussianBlur(noise, (0, 0), 3)
    image = cv2.normalize(image, None, 0, 255, cv2.NORM_MINMAX)
    y, x = np.mgrid[:128, :128].astype(np.float32)
    local = bump * np.exp(-((x - 64) ** 2 + (y - 90) ** 2) / (2 * 15.0**2))
    return cv2.remap(image, x - shift, (y - local).astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


def no_crops(numbers):
    raise AssertionError("this rule reads no images")


def test_an_annotated_apex_is_kept_whatever_the_rule():
    assert apex_frame(clip_of(range(5, 20), apex=9), "flow-peak", no_crops) == 9


def test_the_middle_is_that_of_onset_and_offset():
    assert apex_frame(clip_of(range(100, 134)), "middle", no_crops) == 116


def test_the_middle_in_a_hole_is_the_nearest_frame_that_is_there():
    assert apex_frame(clip_of([100, 101, 102, 111, 112, 120]), "middle", no_crops) == 111


def test_the_flow_peak_is_the_frame_of_the_largest_movement():
    rise = {0: 0.0, 1: 0.5, 2: 1.5, 3: 3.0, 4: 2.0, 5: 0.5}
    crops = {number: textured(bump=amount) for number, amount in rise.items()}
    assert apex_frame(clip_of(rise), "flow-peak", lambda numbers: (crops[n] for n in numbers)) == 3


def test_a_swaying_head_is_no_flow_peak():
    moved = flow_magnitudes(textured(), [textured(shift=4.0), textured(bump=2.0)])
    assert moved[1] > moved[0]


def test_a_clip_of_one_frame_has_no_apex():
    with pytest.raises(DataError, match="test: no frame follows the onset 5"):
        apex_frame(clip_of([5]), "middle", no_crops)
