"""The decision alone, on written signals: no pictures, thousands of frames a second."""

import numpy as np
import pytest

from spotting.events import EventDetector
from spotting.settings import SpotterSettings
from spotting.signal import REGIONS, Sample

STILL = np.zeros((len(REGIONS), 2), np.float32)


def sample(t_ms, moved=STILL, *, head=0.0, eyes=0.02, gap=0.0, anchor=0):
    return Sample(
        t_capture_ns=round(t_ms * 1e6),
        displacement_px=moved,
        head_px=np.full(6, head, np.float32),
        eye_change=eyes,
        lip_gap_px=gap,
        misfit_px=0.05,
        luma=120.0,
        anchor=anchor,
    )


def bump(t_ms, onset_ms, amplitude_px=1.0, rise_ms=160.0, fall_ms=220.0, region="left_lip", *, down=False):
    x = (t_ms - onset_ms) / rise_ms if t_ms < onset_ms + rise_ms else 1 - (t_ms - onset_ms - rise_ms) / fall_ms
    moved = STILL.copy()
    moved[REGIONS.index(region)] = (0.6, 0.8 if down else -0.8)
    return moved * np.float32(amplitude_px * (0.5 - 0.5 * np.cos(np.pi * np.clip(x, 0, 1))))


def held_back(shape, **more):
    """(detector, reasons for which movements were not announced)"""
    reasons = []
    detector, decisions = run(shape, seen=lambda d: reasons.append(d.held_back.reason) if d.held_back else None, **more)
    assert decisions == []
    return detector, reasons


def run(shape, *, until_ms=5000, fps=30.0, noise_px=0.02, settings=None, seen=None, **more):
    """Feed `shape(t_ms)` -> (8, 2), other fields by name as functions of t_ms; give (detector, decisions)."""
    generator = np.random.default_rng(0)
    detector, decisions = EventDetector(settings or SpotterSettings()), []
    for t_ms in np.arange(0, until_ms, 1000 / fps):
        moved = shape(t_ms) + generator.normal(0, noise_px, STILL.shape).astype(np.float32)
        decision = detector.update(sample(t_ms, moved, **{name: value(t_ms) for name, value in more.items()}))
        if decision is not None:
            decisions.append(decision)
        if seen is not None:
            seen(detector)
    return detector, decisions


@pytest.mark.parametrize("onset_ms", [3000, 3007, 3015, 3022, 3029])
def test_the_apex_is_found_between_frames(onset_ms):
    _, decisions = run(lambda t: bump(t, onset_ms))
    assert [d.phase for d in decisions] == ["provisional", "confirmed"]
    assert decisions[-1].apex_ns / 1e6 == pytest.approx(onset_ms + 160, abs=17)
    assert decisions[-1].onset_ns / 1e6 == pytest.approx(onset_ms, abs=30)
    assert decisions[-1].offset_ns / 1e6 == pytest.approx(onset_ms + 380, abs=60)


def test_uneven_timestamps_are_times_and_not_counts():
    generator = np.random.default_rng(3)
    times = np.cumsum(generator.uniform(15, 50, 160))
    detector = EventDetector(SpotterSettings())
    decisions = [d for t in times if (d := detector.update(sample(t, bump(t, 3000)))) is not None]
    assert decisions[-1].apex_ns / 1e6 == pytest.approx(3160, abs=25)


def test_slow_drift_opens_nothing_for_long():
    detector, decisions = run(lambda t: bump(t, 2500, 1.5, 3000, 3000), until_ms=8000)
    assert decisions == []
    assert not detector.open
    assert detector.gated == {}


def test_a_step_that_stays_is_no_micro_expression():
    _, decisions = run(lambda t: bump(t, 3000, 0.8, 100, 60_000))
    assert decisions == []


def test_a_smile_that_fades_slowly_is_one_movement_and_hides_nothing_after_it():
    def smile_and_more(t):
        smile = bump(t, 3000, 5.0, rise_ms=500.0, fall_ms=1400.0)
        return smile + bump(t, 5600, 1.0)

    _, decisions = run(smile_and_more, until_ms=7000)
    assert [d.phase for d in decisions] == ["macro", "provisional", "confirmed"]


def test_a_smile_that_begins_during_a_blink_leaves_no_held_movement_behind():
    """Rest is then found in the middle of its rise, and on its way back the face passes through there without staying."""

    def smile_and_more(t):
        smile = (
            bump(t, 3150, 5.5, rise_ms=380.0, fall_ms=400.0) if t < 3530 else bump(max(t - 480, 3530), 3150, 5.5, 380.0, 400.0)
        )
        return smile + bump(t, 3000, 0.8, 100.0, 150.0, region="left_brow_inner", down=True) + bump(t, 6800, 1.0)

    _, decisions = run(smile_and_more, until_ms=8500, fps=60.0, eyes=lambda t: 0.4 if 3050 <= t <= 3180 else 0.02)
    assert [d.phase for d in decisions][-2:] == ["provisional", "confirmed"]
    assert decisions[-1].apex_ns / 1e6 == pytest.approx(6960, abs=20)


def test_noise_raises_the_threshold_of_its_region_alone():
    generator = np.random.default_rng(1)

    def shaky(t_ms):
        moved = bump(t_ms, 99_999)
        moved[0] = generator.normal(0, 0.15, 2)
        return moved

    detector, decisions = run(shaky, until_ms=12_000)
    assert decisions == []
    assert detector.threshold_px[0] > 2 * detector.threshold_px[1]


def test_brows_that_move_while_the_lids_are_shut_are_a_blink():
    blinking = {"eyes": lambda t: 0.4 if 3080 <= t <= 3200 else 0.02}
    detector, reasons = held_back(lambda t: bump(t, 3000, 0.5, region="left_brow_inner", down=True), **blinking)
    assert reasons == ["blink"]
    assert detector.gated == {"blink": 1}


def test_lids_that_pull_the_brows_far_are_a_blink_while_the_same_movement_after_them_is_none():
    """Where brows are low a blink moves them by well over a pixel: what tells it is that it peaks with the lids shut."""
    blinking = {"eyes": lambda t: 0.4 if 3080 <= t <= 3200 else 0.02}
    _, reasons = held_back(lambda t: bump(t, 3000, 1.5, region="right_brow_outer", down=True), **blinking)
    assert reasons == ["blink"]
    assert run(lambda t: bump(t, 3180, 1.5, region="right_brow_outer", down=True), **blinking)[1][-1].phase == "confirmed"


def test_a_blink_right_after_a_movement_is_not_taken_for_rest():
    def smile_blink_and_more(t):
        return (
            bump(t, 3000)
            + bump(t, 3340, 1.5, 70.0, 240.0, region="left_brow_outer", down=True)
            + bump(t, 5000, region="right_nose")
        )

    _, decisions = run(smile_blink_and_more, until_ms=6500, eyes=lambda t: 0.4 if 3370 <= t <= 3560 else 0.02)
    assert [d.phase for d in decisions] == ["provisional", "confirmed"] * 2
    assert decisions[-1].apex_ns / 1e6 == pytest.approx(5160, abs=20)


def test_large_brow_movements_and_mouths_are_no_blink():
    blinking = {"eyes": lambda t: 0.4 if 3080 <= t <= 3200 else 0.02}
    large, mouth = (lambda t: bump(t, 3000, 2.4, region="left_brow_inner", down=True)), (lambda t: bump(t, 3000, 0.5))
    for shape in (large, mouth):
        assert run(shape, **blinking)[1][-1].phase == "confirmed"


def test_brows_that_rise_are_no_blink_whatever_the_lids_do():
    blinking = {"eyes": lambda t: 0.4 if 3080 <= t <= 3200 else 0.02}
    assert run(lambda t: bump(t, 3000, 1.0, region="left_brow_inner"), **blinking)[1][-1].phase == "confirmed"


def test_eyes_that_look_elsewhere_are_not_shut_for_long():
    def frown(t):
        return bump(t, 3700, region="left_brow_inner", down=True)

    _, decisions = run(frown, eyes=lambda t: 0.4 if 3000 <= t <= 4500 else 0.02)
    assert decisions[-1].phase == "confirmed"


def test_a_little_of_everything_that_peaks_with_the_lids_is_a_blink():
    """Shut lids take the brows with them, and through the head's fit the rest of the face by a trace."""

    def blink(t):
        return bump(t, 3000, 0.4, region="left_brow_inner", down=True) + bump(t, 3000, 0.3, region="left_nose")

    _, reasons = held_back(blink, eyes=lambda t: 0.4 if 3080 <= t <= 3260 else 0.02)
    assert reasons == ["blink"]


def test_a_smile_that_begins_in_a_blink_is_followed_without_the_brows():
    def blink_and_smile(t):
        return bump(t, 3000, 1.2, 80.0, 160.0, region="left_brow_outer", down=True) + bump(t, 3100, 0.9)

    _, decisions = run(blink_and_smile, eyes=lambda t: 0.4 if 3040 <= t <= 3200 else 0.02)
    assert [d.phase for d in decisions] == ["provisional", "confirmed"]
    assert decisions[-1].apex_ns / 1e6 == pytest.approx(3260, abs=20)


def test_a_mouth_that_moves_right_after_a_blink_is_not_kept_waiting_by_the_brows():
    def blink_and_smile(t):
        return bump(t, 3000, 0.8, 80.0, 400.0, region="left_brow_outer", down=True) + bump(t, 3330, 0.9)

    _, decisions = run(blink_and_smile, eyes=lambda t: 0.4 if 3040 <= t <= 3200 else 0.02)
    assert [d.phase for d in decisions] == ["provisional", "confirmed"]
    assert decisions[-1].apex_ns / 1e6 == pytest.approx(3490, abs=20)


def test_lips_that_part_by_more_than_their_corners_move_are_speech():
    detector, reasons = held_back(lambda t: bump(t, 3000), gap=lambda t: float(np.linalg.norm(bump(t, 3000, 1.2))))
    assert reasons == ["speech"]
    assert detector.gated == {"speech": 1}


def test_a_smile_that_parts_the_lips_is_no_speech():
    _, decisions = run(lambda t: bump(t, 3000), gap=lambda t: float(np.linalg.norm(bump(t, 3000, 0.5))))
    assert decisions[-1].phase == "confirmed"


def test_lips_that_moved_just_before_the_corners_are_speech_already():
    def gap(t):
        return float(np.linalg.norm(bump(t, 3000, 0.5))) - float(np.linalg.norm(bump(t, 2850, 0.5, 70.0, 80.0)))

    _, reasons = held_back(lambda t: bump(t, 3000), gap=gap)
    assert reasons == ["speech"]


def test_a_displacement_that_stays_blinds_for_less_than_a_second():
    def step_and_more(t):
        return bump(t, 3000, 1.5, 150.0, 600_000.0) + bump(t, 3950, 1.0, region="right_nose")

    _, decisions = run(step_and_more)
    assert [d.phase for d in decisions] == ["provisional", "confirmed"]
    assert decisions[-1].apex_ns / 1e6 == pytest.approx(4110, abs=20)


def test_a_held_smile_is_told_when_it_ends_and_hides_nothing_on_top_of_it():
    def held_smile_and_more(t):
        smile = bump(min(t, 3300) if t < 5500 else t - 2200, 3000, 3.0, 300.0, 500.0)
        return smile + bump(t, 4300, 1.0, region="left_brow_outer")

    _, decisions = run(held_smile_and_more, until_ms=7000)
    assert [d.phase for d in decisions] == ["provisional", "confirmed", "macro"]
    assert decisions[1].apex_ns / 1e6 == pytest.approx(4460, abs=20)
    assert decisions[-1].onset_ns / 1e6 == pytest.approx(3000, abs=60)
    assert decisions[-1].offset_ns / 1e6 == pytest.approx(6000, abs=120)


def test_a_region_that_moves_with_the_head_is_head_motion():
    shift = {"head": lambda t: 4.0 * float(np.linalg.norm(bump(t, 3000, 1.0)))}
    detector, decisions = run(lambda t: bump(t, 3000, 0.6), **shift)
    assert [d for d in decisions if d.phase == "confirmed"] == []
    assert detector.gated["head_motion"] >= 1


def test_a_renewed_alignment_before_the_rise_does_no_harm_and_the_onset_lies_after_it():
    _, decisions = run(lambda t: bump(t, 3000), anchor=lambda t: int(t > 3020))
    assert decisions[-1].phase == "confirmed"
    assert decisions[-1].onset_ns > 3020e6


def test_a_low_rate_opens_nothing():
    detector = EventDetector(SpotterSettings())
    for t in np.arange(0, 5000, 1000 / 30):
        assert detector.update(sample(t, bump(t, 3000)), rate_hz=12.0) is None
    assert detector.gate == "low_frame_rate"
    assert list(detector.gated) == ["low_frame_rate"]
