"""The decision alone, on written signals: no pictures, thousands of frames a second.

Covers spotting.held, spotting.movement.
"""

import numpy as np
import pytest

from spotting.detector import EventDetector
from spotting.regions import REGIONS
from spotting.settings import SpotterSettings
from spotting.signal import Sample

STILL = np.zeros((len(REGIONS), 2), np.float32)
BROW, LIP, NOSE = (REGIONS.index(name) for name in ("left_brow_inner", "left_lip", "left_nose"))


def sample(t_ms, moved=STILL, *, head=(0.0, 0.0), openness=0.3, gap=0.0, misfit=0.05, luma=120.0, lost=()):
    return Sample(
        t_capture_ns=round(t_ms * 1e6),
        displacement_px=moved,
        head_px=np.tile(np.float32(head), (len(REGIONS), 1)),
        lost=np.isin(np.arange(len(REGIONS)), lost),
        spread_px=np.zeros(len(REGIONS), np.float32),
        misfit_px=misfit,
        eye_openness=openness,
        lip_gap_px=gap,
        luma=luma,
    )


def bump(t_ms, onset_ms, amplitude_px=1.0, rise_ms=160.0, fall_ms=220.0, region=LIP, *, down=False):
    x = (t_ms - onset_ms) / rise_ms if t_ms < onset_ms + rise_ms else 1 - (t_ms - onset_ms - rise_ms) / fall_ms
    moved = STILL.copy()
    moved[region] = (0.6, 0.8 if down else -0.8)
    return moved * np.float32(amplitude_px * (0.5 - 0.5 * np.cos(np.pi * np.clip(x, 0, 1))))


def step(t_ms, at_ms, amplitude_px, rise_ms=160.0, region=LIP):
    return bump(min(t_ms, at_ms + rise_ms), at_ms, amplitude_px, rise_ms, region=region)


def dip(t_ms, start_ms, end_ms, low, high):
    return low if start_ms <= t_ms <= end_ms else high


class Told:
    def __init__(self):
        self.decisions, self.rejected, self.verdicts = [], [], []

    @property
    def confirmed(self):
        return [d for d in self.decisions if d.phase == "confirmed"]


def run(shape, *, until_ms=5000, fps=30.0, noise_px=0.02, settings=None, **more):
    """Feed `shape(t_ms)` -> (r, 2), other fields by name as functions of t_ms."""
    generator = np.random.default_rng(0)
    detector, told = EventDetector(settings or SpotterSettings()), Told()
    for t_ms in np.arange(0, until_ms, 1000 / fps):
        moved = shape(t_ms) + generator.normal(0, noise_px, STILL.shape).astype(np.float32)
        verdict = detector.update(sample(t_ms, moved, **{name: value(t_ms) for name, value in more.items()}))
        told.verdicts.append(verdict)
        told.decisions += verdict.decisions
        if verdict.rejected is not None:
            told.rejected.append(verdict.rejected.reason)
    return told


@pytest.mark.parametrize("onset_ms", [3000, 3007, 3015, 3022, 3029])
def test_the_apex_is_found_between_frames(onset_ms):
    decisions = run(lambda t: bump(t, onset_ms)).decisions
    assert [d.phase for d in decisions] == ["provisional", "confirmed"]
    assert decisions[-1].apex_ns / 1e6 == pytest.approx(onset_ms + 160, abs=17)
    assert decisions[-1].onset_ns / 1e6 == pytest.approx(onset_ms, abs=30)


@pytest.mark.parametrize("fps", [25.0, 60.0, 70.0])
def test_times_do_not_depend_on_the_frame_rate(fps):
    [confirmed] = run(lambda t: bump(t, 3000), fps=fps).confirmed
    assert confirmed.apex_ns / 1e6 == pytest.approx(3160, abs=20)
    assert confirmed.offset_ns / 1e6 == pytest.approx(3380, abs=70)


def test_what_stays_where_it_went_is_no_micro_expression():
    assert run(lambda t: step(t, 3000, 1.0)).confirmed == []


def test_a_slow_drift_is_nothing_however_far_it_goes():
    assert run(lambda t: STILL + np.float32(0.002 * t)).decisions == []


def test_a_movement_on_top_of_a_drift_is_found():
    [confirmed] = run(lambda t: bump(t, 3000) + np.float32(0.0005 * t)).confirmed
    assert confirmed.apex_ns / 1e6 == pytest.approx(3160, abs=40)


def test_a_smile_that_is_held_hides_nothing_on_top_of_it():
    [confirmed] = run(lambda t: step(t, 2000, 3.0) + bump(t, 3200, region=BROW)).confirmed
    assert confirmed.apex_ns / 1e6 == pytest.approx(3360, abs=20)


def test_a_held_movement_is_macro_when_it_ends():
    told = run(lambda t: step(t, 2000, 3.0) - step(t, 3500, 3.0))
    assert [(d.phase, d.kind) for d in told.decisions] == [("retracted", "macro")]
    assert told.decisions[0].onset_ns / 1e6 == pytest.approx(2000, abs=250)


def test_noise_raises_only_the_threshold_of_its_own_region():
    generator = np.random.default_rng(1)

    def restless_lip(_):
        moved = STILL.copy()
        moved[LIP] = generator.normal(0, 0.25, 2)
        return moved

    threshold = run(restless_lip, until_ms=6000).verdicts[-1].threshold_px
    assert threshold[LIP] > 1.5 * threshold[BROW]


def test_a_face_in_lively_motion_teaches_the_noise_nothing():
    settings = SpotterSettings()
    told = run(
        lambda t: STILL + np.float32(np.sin(t / 60)),
        until_ms=4000,
        head=lambda t: (5 * np.sin(t / 100), 0.0),
        settings=settings,
    )
    later = run(lambda _: STILL, until_ms=4000)
    assert told.verdicts[-1].threshold_px.max() <= settings.max_threshold_px
    assert later.verdicts[-1].threshold_px.max() < 0.5


def test_a_movement_of_the_head_raises_thresholds_up_to_their_ceiling():
    settings = SpotterSettings()
    nodding = run(lambda _: STILL, head=lambda t: (0.0, 40 * np.sin(t / 90))).verdicts[-1]
    swaying = run(lambda _: STILL, head=lambda t: (0.0, 4 * np.sin(t / 300))).verdicts[-1]
    assert settings.min_displacement_px < swaying.threshold_px.max() < 0.6
    assert nodding.threshold_px.max() == pytest.approx(settings.max_threshold_px, rel=0.2)


def test_a_head_that_moves_too_fast_shuts_everything_and_opens_within_a_third_of_a_second_after_it():
    told = run(lambda _: STILL, until_ms=4000, head=lambda t: (0.2 * np.clip(t - 2000, 0, 600), 0.0))
    shut = [v.gates[BROW] == "head_motion" for v in told.verdicts]
    last_shut_ms = max(i for i, one in enumerate(shut) if one) * 1000 / 30
    assert any(shut)
    assert last_shut_ms - 2600 < 300


def test_speech_shuts_the_mouth_alone_and_only_while_it_lasts():
    told = run(lambda _: STILL, until_ms=4000, gap=lambda t: 3 * np.sin(t / 80) if 2000 < t < 3000 else 0.0)
    speaking = told.verdicts[75]
    assert (speaking.gates[LIP], speaking.gates[BROW], speaking.gates[NOSE]) == ("speech", None, None)
    assert told.verdicts[-1].gates[LIP] is None
    assert {v.gates[LIP] for v in told.verdicts[int(3.34 * 30) :]} == {None}


def test_a_brow_is_found_while_the_mouth_speaks():
    told = run(lambda t: bump(t, 3000, 1.5, region=BROW), gap=lambda t: 3 * np.sin(t / 80))
    assert len(told.confirmed) == 1


def test_lips_that_part_as_far_as_their_corners_move_are_speech():
    told = run(lambda t: bump(t, 3000, 0.8), gap=lambda t: float(np.abs(bump(t, 3000, 0.9)).max()))
    assert told.confirmed == []


def test_a_brow_that_comes_down_with_the_lids_is_a_blink():
    told = run(lambda t: bump(t, 3000, region=BROW, down=True), openness=lambda t: dip(t, 3080, 3220, 0.1, 0.3))
    assert told.confirmed == []
    assert told.rejected == ["blink"]


@pytest.mark.parametrize("story", ["larger than lids can pull", "upwards", "elsewhere"])
def test_other_movements_during_a_blink_are_found(story):
    shapes = {
        "larger than lids can pull": lambda t: bump(t, 3000, 2.6, region=BROW, down=True),
        "upwards": lambda t: bump(t, 3000, 1.5, region=BROW),
        "elsewhere": lambda t: bump(t, 3000, region=LIP),
    }
    assert len(run(shapes[story], openness=lambda t: dip(t, 3080, 3220, 0.1, 0.3)).confirmed) == 1


def test_eyes_that_look_down_for_long_are_no_blink():
    told = run(lambda t: bump(t, 3500, region=BROW, down=True), openness=lambda t: dip(t, 2000, 5000, 0.2, 0.3))
    assert len(told.confirmed) == 1


def test_a_face_that_was_moving_already_is_not_believed():
    told = run(lambda t: bump(t, 3000) + np.float32(0.8 * np.sin(t / 45)) * (bump(3160, 3000) if 2000 < t < 3300 else STILL))
    told.decisions = [d for d in told.decisions if d.onset_ns > 2.5e9]
    assert told.confirmed == []


def test_a_step_of_light_during_the_rise_is_light_change():
    told = run(lambda t: bump(t, 3000), luma=lambda t: 120.0 if t < 3100 else 60.0)
    assert told.confirmed == []
    assert told.rejected[0] == "light_change"


def test_a_region_behind_a_hand_is_occluded_and_the_rest_is_watched():
    told = run(lambda t: bump(t, 3000, region=BROW), lost=lambda _: (LIP,))
    assert told.verdicts[-1].gates[LIP] == "occluded"
    assert len(told.confirmed) == 1


def test_two_movements_are_two_unless_the_second_falls_into_the_refractory_time():
    def twice(t):
        return bump(t, 2500) + bump(t, 3250)

    assert len(run(twice).confirmed) == 2
    assert len(run(twice, settings=SpotterSettings(refractory_ms=900)).confirmed) == 1


def test_a_movement_that_does_not_come_back_after_its_announcement_is_retracted():
    told = run(lambda t: bump(t, 3000, 2.0) if t < 3260 else bump(3260, 3000, 2.0))
    assert [(d.phase, d.reason) for d in told.decisions[:2]] == [("provisional", None), ("retracted", "drift")]


def test_nothing_is_told_below_the_least_rate():
    told = run(lambda t: bump(t, 3000), fps=12)
    assert told.decisions == [] or told.verdicts[-1].gates[LIP] is None
    detector = EventDetector(SpotterSettings())
    assert set(detector.update(sample(0), 12.0).gates) == {"low_frame_rate"}


def test_a_restart_retracts_what_was_announced():
    detector, decisions = EventDetector(SpotterSettings()), []
    for t_ms in np.arange(0, 3290, 1000 / 30):
        decisions += detector.update(sample(t_ms, bump(t_ms, 3000))).decisions
    assert [d.phase for d in decisions] == ["provisional"]
    [last] = detector.restart("face_lost")
    assert (last.phase, last.reason, last.onset_ns) == ("retracted", "face_lost", decisions[0].onset_ns)


def test_a_brow_is_found_while_a_mouth_stays_where_it_went():
    """The mouth is announced and does not come back for half a second: the brow is followed beside it."""
    told = run(lambda t: step(t, 2800, 2.0) + bump(t, 3050, region=BROW))
    assert [d.apex_ns / 1e6 for d in told.confirmed] == [pytest.approx(3210, abs=20)]


def test_brow_and_mouth_at_once_are_one_event():
    decisions = run(lambda t: bump(t, 3000) + bump(t, 3040, region=BROW)).decisions
    assert [d.phase for d in decisions] == ["provisional", "confirmed"]
    assert decisions[0].event == decisions[1].event


def test_the_rest_of_a_movement_that_was_announced_is_not_rejected_as_another():
    """The nose goes along too little to belong to the movement, and is no movement of its own."""
    told = run(lambda t: bump(t, 3000, 2.0) + bump(t, 3010, 0.6, region=NOSE) + step(t, 2700, 0.8, region=NOSE))
    assert len(told.confirmed) == 1
    assert told.rejected == []
