"""Aligned faces straight from the generator."""

from itertools import pairwise

import numpy as np
import pytest

from ahmsa.face.geometry import canonical_points_px, mesh_points
from ahmsa.settings import FaceSettings
from ahmsa.synth import MIXED, Disturbance, Scenario, SyntheticFaces, clip_of, event

REST, APEX = 30, 35


def faces_of(events=(), nuisances=(), duration_s=2.0, **more):
    return list(SyntheticFaces(clip_of(events, nuisances, duration_s=duration_s, **more).script))


def lid_gap(face):
    marks = face.landmarks_px
    return float(np.linalg.norm(marks[159] - marks[145]) + np.linalg.norm(marks[386] - marks[374])) / 2


def test_faces_are_canonical_and_good():
    faces = faces_of(duration_s=0.5)
    assert len(faces) == 15
    for face in faces:
        assert face.pixels.shape == (128, 128)
        assert face.landmarks_px.shape == (468, 2)
        assert face.quality.problem is None
        assert face.face_id == 0
        assert np.abs(mesh_points(face.landmarks_px) - canonical_points_px(128)).max() < 10
    assert faces[0].quality.interocular_px == pytest.approx(90, abs=3)


def test_the_same_scenario_gives_the_same_faces():
    scenario = Scenario(seed=2, duration_s=4, nuisances=MIXED, micro_per_minute=60, quiet_start_s=0)
    for one, other in zip(SyntheticFaces(scenario), SyntheticFaces(scenario), strict=True):
        assert np.array_equal(one.pixels, other.pixels)
        assert np.array_equal(one.landmarks_px, other.landmarks_px)
        assert (one.index, one.t_capture_ns, one.anchor, one.quality) == (
            other.index,
            other.t_capture_ns,
            other.anchor,
            other.quality,
        )


def test_faces_can_be_iterated_again():
    faces = SyntheticFaces(clip_of(duration_s=0.2).script)
    assert [f.index for f in faces] == [f.index for f in faces] == list(range(6))


def test_landmarks_move_with_the_brows_by_the_amplitude():
    faces = faces_of([event("surprise", 1.0, 3.0, 166.7, 200)])
    moved = faces[APEX].landmarks_px - faces[REST - 3].landmarks_px
    assert -3.6 < moved[[105, 334, 107, 336, 66, 296], 1].min() < -1.8
    assert np.abs(moved[[61, 291]]).max() < 1.0


def test_a_blink_narrows_the_lid_gap_and_leaves_the_mouth():
    faces = faces_of(nuisances=[Disturbance("blink", 1000, 1250)])
    open_gap, shut_gap = lid_gap(faces[25]), min(lid_gap(face) for face in faces)
    assert shut_gap < 0.65 * open_gap
    assert lid_gap(faces[45]) == pytest.approx(open_gap, rel=0.1)
    moved = np.linalg.norm(faces[33].landmarks_px - faces[25].landmarks_px, axis=1)
    assert moved[[61, 291, 1, 13, 14]].max() < 0.8


def test_talking_opens_and_closes_the_lips_several_times_a_second():
    faces = faces_of(nuisances=[Disturbance("talking", 200, 3800)], duration_s=4.0)
    gap = np.array([np.linalg.norm(f.landmarks_px[13] - f.landmarks_px[14]) for f in faces])
    assert np.ptp(gap[10:110]) > 4
    assert np.ptp(gap[:5]) < 1.0
    swing = gap[10:110] - gap[10:110].mean()
    crossings = int((np.diff(np.sign(swing)) != 0).sum())
    assert 8 <= crossings <= 50


def test_the_anchor_is_held_through_expressions_and_renewed_when_the_head_has_moved():
    assert len({f.anchor for f in faces_of([event("negative", 1.0, 3.0)])}) == 1
    turning = clip_of(nuisances=[Disturbance("head_turn", 500, 2500, 2.0)], duration_s=3, seed=1).script
    assert len({f.anchor for f in SyntheticFaces(turning)}) > 1


def test_a_face_that_has_left_is_none_and_comes_back():
    faces = SyntheticFaces(clip_of(nuisances=[Disturbance("away", 500, 2500)], duration_s=3.2).script)
    seen = [face is not None for _, _, face in faces.moments()]
    assert seen[0]
    assert not seen[45]
    assert seen[-1]
    assert len(seen) == 96
    assert [f.index for f in faces] == [k for k, there in enumerate(seen) if there]


def test_landmarks_are_held_between_refreshes_at_200_fps():
    faces = list(SyntheticFaces(clip_of(duration_s=0.2, fps=200).script, FaceSettings(landmark_interval_ms=30)))
    refreshes = sum(not np.array_equal(a.landmarks_px, b.landmarks_px) for a, b in pairwise(faces))
    assert len(faces) == 40
    assert refreshes == pytest.approx(200 / 30, abs=1.5)


def test_noise_and_compression_reach_the_crop():
    def restlessness(**more):
        a, b = faces_of(duration_s=0.4, **more)[-2:]
        return float((a.pixels.astype(float) - b.pixels).std())

    assert restlessness(noise_levels=0) == 0
    assert restlessness(noise_levels=1) < restlessness(noise_levels=3)
    one = faces_of(duration_s=0.1, noise_levels=0)[0].pixels.astype(float)
    coded = faces_of(duration_s=0.1, noise_levels=0, jpeg_quality=50)[0].pixels
    assert 0.2 < np.abs(one - coded).mean() < 5
