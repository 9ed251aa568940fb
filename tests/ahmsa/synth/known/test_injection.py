"""Covers ahmsa.synth.known.movements."""

import cv2
import numpy as np
import pytest

from ahmsa.face.geometry import apply_similarity, canonical_points_px, fit_similarity, mesh_points
from ahmsa.synth.drawing.portrait import face_to_camera, portrait
from ahmsa.synth.drawing.render import WHOLE_PICTURE, Renderer
from ahmsa.synth.known.injection import AMPLITUDES_PX, inject, plan_injections
from ahmsa.synth.known.movements import FIELD_FIRST_PX, named_movements
from ahmsa.synth.scenario.moment import Moment
from ahmsa.types import HALVES


@pytest.fixture(scope="module")
def photo():
    """A picture of a face and its five points."""
    points = mesh_points(face_to_camera(portrait().landmarks))
    return Renderer(grey=False, box=WHOLE_PICTURE).picture(Moment()), points


def travelled(before, after):
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    grey = (cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) for image in (before, after))
    return flow.calc(*grey, None)


def test_every_movement_has_its_largest_displacement_of_one_px_in_its_own_half():
    movements = named_movements(3)
    assert {m.half for m in movements} == set(HALVES)
    for movement in movements:
        length = np.hypot(movement.field[..., 0], movement.field[..., 1])
        assert length.max() == pytest.approx(1, abs=1e-5)
        row = np.unravel_index(length.argmax(), length.shape)[0] + FIELD_FIRST_PX
        assert (row < 58) == (movement.half == "upper")
        assert length[0].max() == length[:, -1].max() == 0


@pytest.mark.parametrize("name", ["brow raise", "lip corner up"])
def test_an_injected_movement_moves_the_face_by_its_amplitude_where_it_should(photo, name):
    image, points = photo
    movement = next(m for m in named_movements(1) if m.name == name)
    flow = travelled(image, inject(image, points, movement, 2.0))
    to_crop = fit_similarity(points, canonical_points_px(128))
    row, column = np.unravel_index(np.hypot(*movement.field.transpose(2, 0, 1)).argmax(), movement.field.shape[:2])
    wanted = movement.field[row, column] * 2.0 / np.hypot(*to_crop[:, 0])
    at = np.array([[column + FIELD_FIRST_PX, row + FIELD_FIRST_PX]], np.float32)
    x, y = apply_similarity(cv2.invertAffineTransform(to_crop), at)[0].round().astype(int)
    measured = flow[y - 4 : y + 5, x - 4 : x + 5].mean(axis=(0, 1))
    assert measured == pytest.approx(wanted, abs=0.9)
    assert measured @ wanted > 0.6 * wanted @ wanted


def test_what_lies_beside_the_face_stays_to_the_bit_and_the_picture_given_is_left_alone(photo):
    image, points = photo
    before = image.copy()
    changed = inject(image, points, named_movements(1)[0], 3.0)
    assert np.array_equal(image, before)
    assert np.array_equal(changed[:, :150], image[:, :150])
    assert not np.array_equal(changed, image)


def test_a_face_that_leaves_the_picture_is_moved_as_far_as_it_is_in_it(photo):
    image, points = photo
    far = points - np.float32([points[:, 0].mean(), 0])
    assert inject(image, far, named_movements(1)[0], 3.0).shape == image.shape
    assert np.array_equal(inject(image, far - np.float32([900, 0]), named_movements(1)[0], 3.0), image)


def test_movements_come_with_real_durations_on_frames_where_the_face_is_seen():
    times = [round(i * 1e9 / 30) for i in range(1800)]
    seen = [not 600 <= i < 900 for i in range(1800)]
    made = plan_injections(times, seen, named_movements(0), seed=4, every_s=1.5, first_s=2.5)
    assert len(made) > 15
    assert {i.amplitude_px for i in made} == set(AMPLITUDES_PX)
    for injection in made:
        assert {injection.onset_ns, injection.apex_ns, injection.offset_ns} <= set(times)
        assert 100 <= (injection.apex_ns - injection.onset_ns) / 1e6 <= 270
        assert 95 <= (injection.offset_ns - injection.apex_ns) / 1e6 <= 330
        assert injection.onset_ns >= 2.5e9
        assert injection.offset_ns < 20e9 or injection.onset_ns >= 30e9
        assert injection.strength_px(injection.apex_ns) == injection.amplitude_px
        assert injection.strength_px(injection.offset_ns) == injection.strength_px(injection.onset_ns) == 0


def test_the_same_seed_gives_the_same_movements_and_another_seed_others():
    times = [round(i * 1e9 / 30) for i in range(900)]
    plans = [plan_injections(times, [True] * 900, named_movements(0), seed=seed) for seed in (1, 1, 2)]
    told = [[(i.onset_ns, i.movement.name, i.amplitude_px) for i in plan] for plan in plans]
    assert told[0] == told[1] != told[2]


@pytest.mark.parametrize("times", [[], [0], [0, 33_000_000]])
def test_a_recording_too_short_holds_no_movement(times):
    assert plan_injections(times, [True] * len(times), named_movements(0), seed=1) == []
