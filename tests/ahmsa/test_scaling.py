import numpy as np

from ahmsa.scaling import min_max, mirror, recentre


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
