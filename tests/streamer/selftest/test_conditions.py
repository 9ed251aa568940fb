"""Covers streamer.selftest.watch."""

import math

import numpy as np
import pytest

from ahmsa.face.geometry import canonical_points_px
from streamer.selftest.conditions import behaviour_of
from streamer.selftest.watch import FaceNote


def noted(x_px=0.0, lip_gap_px=1.0, scale=2.0):
    """A face, `scale` times as large as the crop's, moved to the right by px of the picture."""
    points = canonical_points_px(128) * np.float32(scale) + np.float32([100 + x_px, 80])
    return FaceNote(points, lip_gap_px, 66 * scale, 120.0, "watching", {}, {})


def behaviour(faces, fps=30.0):
    return behaviour_of([round(n * 1e9 / fps) for n in range(len(faces))], faces)


def test_the_travel_of_the_head_is_in_px_of_the_crop_a_second():
    seen = behaviour([noted(x_px=n * 1.0) for n in range(90)])
    assert seen.around(1.0, 1.4).head_px_s == pytest.approx(15, rel=0.05)
    assert not seen.around(1.0, 1.4).talking


def test_to_and_fro_counts_as_travel():
    seen = behaviour([noted(x_px=2.0 * (n % 2)) for n in range(90)])
    assert seen.at(1.5).head_px_s == pytest.approx(30, rel=0.05)


def test_lips_that_go_to_and_fro_are_talking_and_a_smile_that_parts_them_is_not():
    talking = behaviour([noted(lip_gap_px=4 + 4 * math.sin(2 * math.pi * 3 * n / 30)) for n in range(90)])
    smiling = behaviour([noted(lip_gap_px=8 / (1 + math.exp(-(n - 45) / 3))) for n in range(90)])
    assert talking.at(1.5).talking
    assert not smiling.at(1.5).talking


def test_where_there_is_no_face_nothing_is_claimed():
    seen = behaviour([noted(x_px=n) if n < 30 or n > 75 else None for n in range(100)])
    assert math.isnan(seen.at(1.75).head_px_s)
    assert not seen.at(1.75).talking
    assert seen.at(2.6).head_px_s == pytest.approx(15, rel=0.1)
