from dataclasses import replace
from weakref import ref

import cv2
import numpy as np
import pytest

from ahmsa.flow.sequence import INSTANTS
from ahmsa.synth import Disturbance, event
from spotting.settings import SpotterSettings


def apex_ms(candidate):
    return candidate.apex_t_ns / 1e6


@pytest.mark.parametrize("fps", [25, 30, 60, 200])
def test_a_movement_is_announced_and_then_confirmed_at_the_same_times_at_any_frame_rate(watch, fps):
    story = watch([event("surprise", 3.5, 1.5)], duration_s=4.5, fps=fps)
    provisional, confirmed = story.phases()
    assert (provisional.phase, confirmed.phase) == ("provisional", "confirmed")
    assert provisional.event_id == confirmed.event_id
    assert apex_ms(confirmed) == pytest.approx(3665, abs=25)
    assert confirmed.onset.t_capture_ns / 1e6 == pytest.approx(3500, abs=45)
    assert confirmed.offset_t_ns / 1e6 == pytest.approx(3880, abs=80)
    announced_ms, confirmed_ms = (t for t, _ in story.told)
    assert announced_ms - 3665 <= 150
    assert confirmed_ms - 3665 <= 270


@pytest.mark.parametrize(("label", "amplitude_px"), [("positive", 0.9), ("negative", 1.2), ("surprise", 0.9)])
def test_weak_movements_of_every_class_are_found(watch, label, amplitude_px):
    story = watch([event(label, 3.4, amplitude_px)], duration_s=4.4)
    assert [round(apex_ms(c) / 100) for c in story.confirmed] == [36]


def test_onset_and_apex_share_their_alignment_and_lie_in_order(watch):
    [confirmed] = watch([event("positive", 3.5, 2.0)], [Disturbance("sway", 0, 5000)], duration_s=4.6).confirmed
    assert confirmed.onset.anchor == confirmed.apex.anchor
    assert confirmed.onset.index < confirmed.apex.index
    assert confirmed.score > 1


def test_a_movement_comes_with_the_faces_up_to_its_offset_under_the_alignment_of_its_apex(watch):
    provisional, confirmed = watch([event("positive", 3.5, 2.0)], duration_s=4.6).phases()
    for candidate in (provisional, confirmed):
        times = [face.t_capture_ns for face in candidate.between]
        assert len(times) == INSTANTS
        assert times == sorted(times)
        assert candidate.onset.t_capture_ns < times[0]
        assert {face.anchor for face in candidate.between} == {candidate.apex.anchor}
    assert 0 <= (confirmed.offset_t_ns - confirmed.between[-1].t_capture_ns) / 1e6 < 150
    assert confirmed.pair.offset_t_ns == confirmed.offset_t_ns


def test_a_still_face_with_sensor_noise_is_quiet(watch):
    story = watch(duration_s=12, noise=2.5)
    assert story.told == []
    assert story.states[-1] == "watching"


def test_nothing_is_told_while_the_noise_is_still_being_measured(watch):
    story = watch([event("surprise", 0.4, 2.0)], duration_s=1.6)
    assert story.told == []
    assert "calibrating" in story.states


def test_blink_alone_is_not_an_event(watch):
    story = watch(nuisances=[Disturbance("blink", start, start + 220, 2.0) for start in (3000, 4200, 5300)])
    assert story.confirmed == []
    assert story.spotter.gated["blink"] >= 1


def test_a_smile_with_a_blink_is_an_event(watch):
    story = watch([event("positive", 3.5, 2.0)], [Disturbance("blink", 3550, 3750)], duration_s=4.6)
    assert len(story.confirmed) == 1


def test_slow_smile_is_macro(watch):
    story = watch([event("positive", 3.0, 3.5, rise_ms=450, fall_ms=900)])
    assert story.confirmed == []
    [macro] = story.phases("macro")
    assert macro.onset.t_capture_ns / 1e6 == pytest.approx(3000, abs=120)
    assert macro.offset_t_ns / 1e6 == pytest.approx(4350, abs=300)


def test_a_held_expression_becomes_rest_and_hides_nothing_after_it(watch):
    settings = SpotterSettings(max_macro_ms=1000)
    story = watch([event("surprise", 3.0, 3.0, 300, 4500), event("positive", 5.2, 1.5)], duration_s=6.2, settings=settings)
    assert [round(apex_ms(c), -2) for c in story.confirmed] == [5400]


def test_a_turn_of_the_head_is_not_an_event(watch):
    assert watch(nuisances=[Disturbance("head_turn", 3100, 4300)]).confirmed == []


def test_sway_alone_is_not_an_event_and_hides_none(watch):
    story = watch([event("negative", 4.0, 1.8)], [Disturbance("sway", 0, 8000)], duration_s=8)
    assert [round(apex_ms(c), -2) for c in story.confirmed] == [4200]


def test_speech_is_not_an_event(watch):
    story = watch(nuisances=[Disturbance("talking", 3000, 7000)], duration_s=8)
    assert story.confirmed == []
    speaking = [motion for motion in story.motions if motion.gates["left_lip"] == "speech"]
    assert len(speaking) > 30
    assert {motion.gates["left_brow_inner"] for motion in speaking} == {None}


def test_a_brow_that_rises_in_speech_is_found(watch):
    story = watch([event("surprise", 4.0, 2.0)], [Disturbance("talking", 2500, 7000)], duration_s=5)
    assert [round(apex_ms(c), -2) for c in story.confirmed] == [4200]


@pytest.mark.parametrize("kind", ["light_step", "flicker", "slow_gain"])
def test_light_is_not_an_event_and_hides_none(watch, kind):
    story = watch([event("surprise", 4.5, 1.5)], [Disturbance(kind, 3000, 5500)])
    assert [round(apex_ms(c), -2) for c in story.confirmed] == [4700]


def test_duplicate_frames_change_nothing_but_their_count(watch):
    def twice(face, _):
        return face, replace(face, t_capture_ns=face.t_capture_ns + 10_000_000)

    plain = watch([event("surprise", 3.5, 1.5)], duration_s=4.6)
    doubled = watch([event("surprise", 3.5, 1.5)], duration_s=4.6, change=twice)
    assert [apex_ms(c) for c in doubled.confirmed] == [apex_ms(c) for c in plain.confirmed]
    assert doubled.spotter.gated["duplicate_frame"] == 138


def test_too_few_frames_a_second_are_said_so(watch):
    story = watch([event("surprise", 3.5, 2.0)], fps=12, duration_s=5)
    assert story.told == []
    assert story.motions[-1].gate == "low_frame_rate"


def test_missing_and_late_frames_are_borne(watch):
    disturbed = [Disturbance("dropped", 0, 9000), Disturbance("variable_rate", 0, 9000)]
    story = watch([event("surprise", 3.5, 1.5), event("positive", 5.5, 1.5)], disturbed, duration_s=7)
    assert [round(apex_ms(c), -2) for c in story.confirmed] == [3700, 5700]


def test_camera_stall_resets(watch):
    smile = event("positive", 3.2, 4.0, 300, 1000)
    story = watch([smile, event("surprise", 6.0, 1.5)], [Disturbance("stall", 3700, 4600)], duration_s=7)
    assert story.phases("macro") == []
    assert [round(apex_ms(c), -2) for c in story.confirmed] == [6200]


def test_a_face_lost_after_the_announcement_is_retracted_under_the_same_id(watch):
    def lose_once(face, story):
        if story.told and len(story.told) == 1:
            story.told.append((0.0, story.spotter.lost(face.t_capture_ns, "face_lost").candidate))
            return None
        return face

    story = watch([event("positive", 3.5, 2.0)], duration_s=4.6, change=lose_once)
    provisional, retracted = story.phases()
    assert (retracted.phase, retracted.reason) == ("retracted", "face_lost")
    assert retracted.event_id == provisional.event_id


def test_an_alignment_renewed_inside_a_movement_changes_nothing(watch):
    moved = np.float64([[1, 0, 3], [0, 1, -2]])

    def renew_after_onset(face, _):
        if face.t_capture_ns < 3.6e9:
            return face
        pixels = cv2.warpAffine(face.pixels, moved, face.pixels.shape, borderMode=cv2.BORDER_REPLICATE)
        alignment = face.alignment + np.float64([[0, 0, 3], [0, 0, -2]])
        landmarks = face.landmarks_px + np.float32([3, -2])
        return replace(face, pixels=pixels, landmarks_px=landmarks, alignment=alignment, anchor=face.anchor + 1)

    story = watch([event("positive", 3.5, 2.0)], duration_s=4.6, change=renew_after_onset)
    [confirmed] = story.confirmed
    assert confirmed.onset.anchor == confirmed.apex.anchor
    assert confirmed.onset.landmarks_px == pytest.approx(confirmed.apex.landmarks_px, abs=3)


def test_a_second_movement_is_told_unless_it_falls_into_the_refractory_time(watch):
    movements = [event("surprise", 3.2, 1.5), event("positive", 4.0, 1.5)]
    story = watch(movements, duration_s=4.8)
    assert [round(apex_ms(c), -2) for c in story.confirmed] == [3400, 4200]
    assert "refractory" in story.states
    again = [event("surprise", 3.2, 1.5), event("surprise", 4.0, 1.5)]
    silent = watch(again, duration_s=4.6, settings=SpotterSettings(refractory_ms=900))
    assert [round(apex_ms(c), -2) for c in silent.confirmed] == [3400]


def test_the_same_faces_give_the_same_candidates(watch):
    def tell():
        story = watch([event("surprise", 3.0, 1.5), event("negative", 4.5, 1.5)], [Disturbance("sway", 0, 6000)])
        return [(c.event_id, c.phase, c.onset.index, c.apex.index, c.apex_t_ns, c.score) for c in story.phases()]

    assert tell() == tell()


def test_old_faces_are_let_go(watch):
    kept = []

    def remember(face, _):
        kept.append(ref(face.pixels))
        return face

    watch([event("surprise", 3.0, 1.5)], duration_s=6, change=remember)
    alive = sum(pixels() is not None for pixels in kept)
    assert alive <= 2.1 * 30
