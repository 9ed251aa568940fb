import numpy as np
import pytest

from ahmsa.synth import muscle_field
from ahmsa.synth.motion.muscles import ACTION_UNITS, RECIPES, expression, face_axis, unit_motion
from ahmsa.types import LABELS

AXIS = face_axis(128)


def test_every_expression_peaks_at_one_px_and_can_be_undone():
    rng = np.random.default_rng(0)
    for label in LABELS * 6:
        field = expression(label, rng).field(AXIS, AXIS)
        assert np.hypot(*field).max() == pytest.approx(1.0, abs=0.02)
        at_6_px = 6 * field
        determinant = (1 + np.gradient(at_6_px[0], axis=1)) * (1 + np.gradient(at_6_px[1], axis=0)) - np.gradient(
            at_6_px[0], axis=0
        ) * np.gradient(at_6_px[1], axis=1)
        assert determinant.min() > 0, f"{label} folds the skin"


def test_a_smile_pulls_the_lip_corners_out_and_up():
    field = unit_motion({"lip_corner_puller_12": 1.0}).field(AXIS, AXIS)
    assert field[0, 91, 37] < -0.4
    assert field[1, 91, 37] < -0.4
    assert field[0, 91, 94] > 0.4
    assert np.hypot(*field[:, 25, 40]) < 0.05, "the brows rest"


def test_surprise_lifts_the_brows_and_a_frown_lowers_them():
    rng = np.random.default_rng(1)
    brow = (slice(22, 30), slice(45, 55))
    assert expression("surprise", rng).field(AXIS, AXIS)[1][brow].mean() < -0.4
    frown = unit_motion({"brow_lowerer_4": 1.0}).field(AXIS, AXIS)
    assert frown[1][brow].mean() > 0.3
    assert frown[0][brow].mean() > 0.1, "together: the left brow goes right"


def test_recipes_only_name_action_units_that_exist():
    assert set(RECIPES) == set(LABELS)
    assert {name for recipes in RECIPES.values() for recipe in recipes for name in recipe} <= set(ACTION_UNITS)


def test_muscle_field_is_seeded_and_in_the_asked_range():
    one, again = (muscle_field("negative", np.random.default_rng(3), 28) for _ in range(2))
    assert one.shape == (2, 28, 28)
    assert np.array_equal(one, again)
    peaks = [np.hypot(*muscle_field("positive", np.random.default_rng(s), 64, (1.0, 2.0))).max() for s in range(20)]
    assert 0.9 < min(peaks) <= max(peaks) < 2.02
