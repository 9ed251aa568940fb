import numpy as np
import pytest

from ahmsa.flow.strain import strain_magnitude

Y, X = np.mgrid[:40, :48].astype(np.float32)


def strain_of(u, v):
    return strain_magnitude(np.stack([u + 0 * X, v + 0 * X]).astype(np.float32))


def test_a_translation_strains_nothing():
    assert not strain_of(1.7 + 0 * X, -0.4 + 0 * X).any()


def test_a_uniform_expansion_strains_by_the_root_of_two_everywhere_borders_included():
    assert strain_of(0.03 * X, 0.03 * Y) == pytest.approx(0.03 * np.sqrt(2), abs=1e-5)


def test_a_pure_rotation_strains_nothing():
    assert np.abs(strain_of(-0.02 * Y, 0.02 * X)).max() < 1e-6


def test_a_shear_strains_by_its_slope_over_the_root_of_two():
    assert strain_of(0.05 * Y, 0) == pytest.approx(0.05 / np.sqrt(2), abs=1e-5)


def test_derivatives_are_central_inside_and_one_sided_on_the_border():
    ramp = np.zeros((5, 6), dtype=np.float32)
    ramp[:, 3:] = 1.0
    assert strain_magnitude(np.stack([ramp, 0 * ramp]))[2].tolist() == [0.0, 0.0, 0.5, 0.5, 0.0, 0.0]
    edge = np.zeros((5, 6), dtype=np.float32)
    edge[:, 0] = 1.0
    assert strain_magnitude(np.stack([edge, 0 * edge]))[2].tolist() == [1.0, 0.5, 0.0, 0.0, 0.0, 0.0]


def test_a_batch_is_strained_one_by_one():
    fields = np.random.default_rng(0).normal(size=(3, 2, 20, 24)).astype(np.float32)
    together = strain_magnitude(fields)
    assert together.shape == (3, 20, 24)
    assert np.array_equal(together[1], strain_magnitude(fields[1]))
