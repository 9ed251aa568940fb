import numpy as np
import pytest

from ahmsa.flow.other_motion import energy, other_energy, own_share

Y, X = np.mgrid[:128, :128].astype(np.float32)
BROW = np.exp(-((X - 40) ** 2 + (Y - 30) ** 2) / 150)
MOUTH = np.exp(-((X - 64) ** 2 + (Y - 96) ** 2) / 300)


def up(where: np.ndarray, px: float) -> np.ndarray:
    return np.stack([0 * where, -px * where]).astype(np.float32)


def test_a_movement_of_a_face_at_rest_is_all_its_own():
    other = other_energy([up(MOUTH, 0.0)])
    assert own_share(up(BROW, 1.5), other) > 0.95


def test_a_face_that_goes_on_talking_has_nothing_of_its_own():
    assert own_share(up(MOUTH, 2.0), other_energy([up(MOUTH, 0.1), up(MOUTH, -2.5)])) < 0.05


def test_a_brow_that_rises_while_the_mouth_talks_has_its_own_part():
    brow, talk = up(BROW, 3.0), up(MOUTH, 3.0)
    share = own_share(brow + talk, other_energy([up(MOUTH, 4.0)]))
    assert share == pytest.approx(energy(brow).sum() / energy(brow + talk).sum(), abs=0.1)


def test_noise_alone_is_no_movement():
    noise = np.random.default_rng(0).normal(0, 0.03, (2, 128, 128)).astype(np.float32)
    assert own_share(noise, other_energy([noise])) < 0.3


@pytest.mark.parametrize("side", [64, 128])
def test_an_energy_is_the_square_of_the_length(side):
    assert energy(np.full((2, side, side), 0.5, np.float32)) == pytest.approx(0.5, abs=1e-4)
