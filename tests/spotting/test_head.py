"""The rigid motion that most points of a face agree on."""

import numpy as np
import pytest

from spotting.head import fit_rigid, rigid_basis

SIDE = 128


@pytest.fixture
def basis():
    random = np.random.default_rng(0)
    return rigid_basis(random.uniform(0, SIDE, (80, 2)), random.uniform(-20, 40, 80), SIDE)


def test_a_shift_a_turn_and_a_nod_are_found_exactly(basis):
    motion = np.array([[2.0, -1.0], [0.3, 0.5], [-0.5, 0.3], [1.5, -0.7]])
    found, error_px = fit_rigid(basis, basis @ motion, np.ones(len(basis)), 0.1)
    assert found == pytest.approx(motion, abs=1e-3)
    assert error_px < 1e-3


def test_a_quarter_of_the_points_that_move_by_themselves_do_not_turn_the_head(basis):
    motion = np.array([[2.0, -1.0], [0.3, 0.5], [-0.5, 0.3], [1.5, -0.7]])
    flow = basis @ motion
    flow[::4] += (4.0, -3.0)
    found, _ = fit_rigid(basis, flow, np.ones(len(basis)), 0.1)
    assert found == pytest.approx(motion, abs=0.02)
    plain = np.linalg.lstsq(basis, flow, rcond=None)[0]
    assert np.abs(plain - motion).max() > 0.5, "least squares alone would be wrong"


def test_points_without_a_vote_say_nothing(basis):
    flow = np.zeros((len(basis), 2))
    flow[:40] = (9.0, 9.0)
    votes = np.repeat([0.0, 1.0], 40)
    assert fit_rigid(basis, flow, votes, 0.1)[0] == pytest.approx(np.zeros((4, 2)), abs=1e-6)


def test_too_few_points_are_no_head(basis):
    motion, error_px = fit_rigid(basis[:7], np.ones((7, 2)), np.ones(7), 0.1)
    assert (motion.any(), error_px) == (False, float("inf"))
