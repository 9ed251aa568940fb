"""Fields, timing and scripts of the clip generator: no picture is drawn here."""

import csv
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from ahmsa.errors import SettingsError
from ahmsa.synth import (
    MIXED,
    NUISANCES,
    ClipScript,
    Disturbance,
    Scenario,
    clip_of,
    event,
    muscle_field,
    script_of,
    synthetic_maps,
)
from ahmsa.synth.motion.muscles import ACTION_UNITS, RECIPES, expression, face_axis, unit_motion
from ahmsa.synth.motion.timing import course, macro_times_ms, micro_times_ms
from ahmsa.synth.scenario.performance import Performance
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


def test_synthetic_maps_are_scaled_balanced_and_tell_the_labels_apart():
    maps, labels = synthetic_maps(90, seed=1)
    assert maps.shape == (90, 3, 28, 28)
    assert maps.dtype == np.float32
    assert np.allclose(maps.min(axis=(2, 3)), 0)
    assert np.allclose(maps.max(axis=(2, 3)), 1)
    assert np.bincount(labels).tolist() == [30, 30, 30]
    assert np.array_equal(maps, synthetic_maps(90, seed=1)[0])
    brows_down = (maps[:, 1, 4:8, 8:20].mean(axis=(1, 2)) - np.median(maps[:, 1], axis=(1, 2)))[labels == 2]
    assert (brows_down < 0).mean() > 0.9, "surprise lifts the brows"


def test_micro_times_follow_the_databases():
    rng = np.random.default_rng(0)
    times = np.array([micro_times_ms(rng) for _ in range(2000)])
    assert times.sum(axis=1).max() <= 500
    rise, fall = np.percentile(times, [10, 50, 90], axis=0).T
    assert rise == pytest.approx([113, 165, 235], abs=15)
    assert fall == pytest.approx([140, 205, 295], abs=22)
    macro = np.array([macro_times_ms(rng) for _ in range(200)]).sum(axis=1)
    assert 700 <= macro.min() <= macro.max() <= 4000


def test_a_course_rises_to_its_apex_and_is_over_at_the_offset():
    t = np.arange(0, 600.0)
    for hold in (0.0, 0.3):
        strength = np.array([course(x, 100, 265, 480, hold) for x in t])
        assert strength[t <= 100].max() == 0
        assert strength[t >= 480].max() == pytest.approx(0, abs=1e-9)
        assert strength.argmax() == 265
        assert strength.max() == 1
        assert np.abs(np.diff(strength)).max() < 0.02, "no jump"


def test_the_face_is_at_rest_outside_its_events():
    performance = Performance(clip_of([event("positive", 1.0)]).script)
    assert performance.at(999.0).motions == []
    assert performance.at(1165.0).motions[0][1] == pytest.approx(2.0)
    assert performance.at(1381.0).motions == []


def test_a_scenario_gives_the_same_script_every_time_and_another_seed_another():
    scenario = Scenario(seed=4, duration_s=60, nuisances=MIXED, macro_per_minute=3)
    assert script_of(scenario) == script_of(scenario)
    assert script_of(scenario) == script_of(replace(scenario, nuisances=dict(reversed(MIXED.items()))))
    assert script_of(scenario).events != script_of(replace(scenario, seed=5)).events


def test_events_do_not_overlap_and_short_nuisances_keep_clear_of_them():
    everything = dict.fromkeys(NUISANCES, 1.0)
    script = script_of(Scenario(seed=1, duration_s=120, nuisances=everything, macro_per_minute=2, overlap=0.0))
    events = sorted(script.events, key=lambda e: e.onset_ms)
    assert {e.label for e in events} == set(LABELS)
    assert {e.kind for e in events} == {"micro", "macro"}
    assert events[0].onset_ms >= 3000
    assert all(a.offset_ms < b.onset_ms for a, b in pairwise(events))
    assert all(e.kind == "macro" or (e.offset_ms - e.onset_ms <= 500 and 0.5 <= e.amplitude_px <= 3) for e in events)
    assert {n.kind for n in script.nuisances} == set(NUISANCES)
    for nuisance in script.nuisances:
        if nuisance.kind in ("blink", "head_turn", "talking", "light_step", "stall", "away"):
            assert nuisance.start_ms >= 3000
            assert not any(nuisance.start_ms < e.offset_ms and nuisance.end_ms > e.onset_ms for e in events)


def test_a_scenario_without_nuisances_has_none():
    assert script_of(Scenario(duration_s=30)).nuisances == ()


def test_unknown_names_and_impossible_times_are_refused():
    with pytest.raises(SettingsError, match="hiccup"):
        script_of(Scenario(nuisances={"hiccup": 1.0}))
    with pytest.raises(ValueError, match="hiccup"):
        Disturbance("hiccup", 0, 1)
    with pytest.raises(ValueError, match="start < end"):
        Disturbance("blink", 100, 100)
    with pytest.raises(ValueError, match="label"):
        event("joy", 1.0)
    with pytest.raises(ValueError, match="onset < apex"):
        event("positive", 1.0, rise_ms=0)


def test_truth_is_written_in_frames_and_in_ms(tmp_path):
    clip = clip_of([event("surprise", 2.0, 1.5, 200, 100)], fps=30)
    clip.write_truth(tmp_path / "truth.csv")
    (row,) = csv.DictReader((tmp_path / "truth.csv").read_text().splitlines())
    assert (row["label"], row["kind"], row["onset"], row["apex"], row["offset"]) == ("surprise", "micro", "60", "66", "69")
    assert float(row["apex_ms"]) == 2200
    assert float(row["amplitude_px"]) == 1.5
    assert [path.name for path in tmp_path.iterdir()] == ["truth.csv"]


def test_a_script_knows_its_number_of_frames():
    assert ClipScript(10, fps=29.97).frames == 300
