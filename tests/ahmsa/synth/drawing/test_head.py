import numpy as np
import pytest

from ahmsa.face.geometry import canonical_points_px, fit_similarity, mesh_points
from ahmsa.synth import ClipScript, Disturbance
from ahmsa.synth.drawing.head import Head, turned
from ahmsa.synth.drawing.people import PEOPLE
from ahmsa.synth.drawing.portrait import CAMERA_PER_FACE, portrait
from ahmsa.synth.drawing.render import WHOLE_PICTURE, Renderer
from ahmsa.synth.scenario.performance import Performance


@pytest.fixture(scope="module")
def head():
    face = portrait()
    return Head(face.landmarks, face.depth)


def test_a_head_at_rest_stays_where_it_is(head):
    points = portrait().landmarks
    assert head.turned(points, 0, 0)[:, :2] == pytest.approx(points, abs=1e-3)
    assert head.origin(points, 0, 0) == pytest.approx(points, abs=1e-3)


@pytest.mark.parametrize(("yaw", "pitch"), [(8, 0), (0, -9), (-12, 6)])
def test_what_is_seen_at_a_place_is_what_turned_there(head, yaw, pitch):
    x, y = np.meshgrid(np.arange(10, 120, 10.0), np.arange(0, 130, 10.0))
    points = np.stack([x, y], axis=-1).reshape(-1, 2).astype(np.float32)
    there = head.turned(head.origin(points, yaw, pitch), yaw, pitch)
    assert there[:, :2] == pytest.approx(points, abs=0.15)


def test_the_nose_goes_further_than_the_eyes_and_the_far_cheek_narrows(head):
    moved = head.turned(portrait().landmarks, 10, 0)[:, :2] - portrait().landmarks
    nose, eye_left, eye_right = moved[1, 0], moved[33, 0], moved[263, 0]
    assert nose > eye_left + 2
    assert nose > eye_right + 2
    nodded = head.turned(portrait().landmarks, 0, 10)[:, :2] - portrait().landmarks
    assert nodded[1, 1] > nodded[10, 1] + 1


def test_a_turn_before_a_near_camera_is_nearly_but_not_quite_affine_in_the_place_and_its_depth():
    points, depth = portrait().landmarks, portrait().depth
    flow = turned(points, depth, 8, 3)[:, :2] - points
    basis = np.column_stack([points, depth, np.ones(len(points))])
    left = flow - basis @ np.linalg.lstsq(basis, flow, rcond=None)[0]
    size = np.linalg.norm(left, axis=1)
    assert 0.05 < np.percentile(size, 95) < 1.0


@pytest.mark.parametrize("intensity", [0.5, 1.5, 4.0])
def test_turning_heads_travel_as_fast_as_they_are_asked_to(intensity):
    script = ClipScript(12.0, 30.0, (), (Disturbance("turning", 0, 12_000, intensity),), seed=5)
    performance, renderer = Performance(script), Renderer(grey=True, box=WHOLE_PICTURE)
    middles, yaws = [], []
    for frame in range(30, 330, 2):
        moment = performance.at(frame * 1000 / 30)
        matrix = fit_similarity(mesh_points(renderer.landmarks(moment)[:, :2]), canonical_points_px(128))
        middles.append(np.linalg.solve(matrix[:, :2], np.array([63.5, 63.5]) - matrix[:, 2]))
        yaws.append(moment.yaw_deg)
    speed = np.linalg.norm(np.diff(middles, axis=0), axis=1).mean() * 15 / CAMERA_PER_FACE
    assert speed == pytest.approx(10 * intensity, rel=0.35)
    assert max(np.abs(yaws)) < 13


@pytest.mark.parametrize("person", range(len(PEOPLE)))
def test_every_person_is_in_the_canonical_place_and_nobody_looks_like_another(person):
    face = portrait(person)
    to_place = fit_similarity(mesh_points(face.landmarks), canonical_points_px(128))
    assert to_place == pytest.approx(np.eye(2, 3), abs=0.02)
    for other in range(person):
        assert np.abs(face.landmarks - portrait(other).landmarks).max() > 2
    assert face.texture.shape == portrait().texture.shape
