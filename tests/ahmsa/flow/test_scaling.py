import cv2
import numpy as np
import pytest

from ahmsa.flow.scaling import min_max, mirror, recentre, restore_proportion
from ahmsa.flow.strain import strain_magnitude


def test_a_flat_channel_is_zero_and_not_a_division_by_zero():
    assert not min_max(np.full((3, 28, 28), 7.0, dtype=np.float32)).any()
    assert not recentre(np.full((3, 28, 28), 7.0, dtype=np.float32)).any()


def test_recentring_puts_rest_back_to_zero_and_keeps_the_direction_of_motion():
    motion = np.zeros((3, 28, 28), dtype=np.float32)
    motion[0, 20:24, 4:9], motion[1, 20:24, 4:9], motion[2, 20:24, 4:9] = -1.0, -0.5, 0.2
    seen = recentre(min_max(motion))
    assert np.all(seen[:, 0, 0] == 0)
    assert seen[0, 21, 5] < 0
    assert seen[1, 21, 5] < 0
    assert seen[2, 21, 5] > 0


def test_a_mirrored_face_moves_to_the_other_side_and_mirroring_twice_is_nothing():
    generator = np.random.default_rng(0)
    maps = generator.normal(size=(2, 3, 28, 28)).astype(np.float32)
    flipped = mirror(maps)
    assert np.allclose(flipped[:, 0, :, 0], -maps[:, 0, :, -1])
    assert np.allclose(flipped[:, 1, :, 0], maps[:, 1, :, -1])
    assert np.array_equal(mirror(flipped), maps)


def smooth_flow(seed):
    """A muscle-like flow field (2, 28, 28) whose u and v are about equally strong."""
    noise = np.random.default_rng(seed).normal(size=(28, 28, 2)).astype(np.float32)
    return cv2.GaussianBlur(noise, (0, 0), 3.0).transpose(2, 0, 1)


@pytest.mark.parametrize("v_strength", [0.5, 1.0, 2.0])
def test_strain_tells_how_large_v_was_beside_u(v_strength):
    found = []
    for seed in range(20):
        u, v = smooth_flow(seed) * np.array([1.0, v_strength], np.float32)[:, None, None]
        scaled = min_max(np.stack([u, v, strain_magnitude(np.stack([u, v]))]))
        _, seen_v, _ = restore_proportion(scaled[None])[0]
        found.append(np.ptp(seen_v) / (np.ptp(v) / np.ptp(u)))
    assert np.median(np.abs(np.log2(found))) < 0.25


def test_without_strain_the_proportion_is_the_usual_one_and_nothing_is_divided_by_zero():
    flat = np.zeros((1, 3, 28, 28), np.float32)
    assert np.array_equal(restore_proportion(flat), flat)
    flat[0, :2] = min_max(smooth_flow(0))
    restored = restore_proportion(flat)
    assert np.array_equal(restored[0, 0], flat[0, 0])
    assert np.ptp(restored[0, 1]) == pytest.approx(2**0.4, rel=0.05)
