"""A region's own noise, and what it must exceed."""

import numpy as np
import pytest

from spotting.history import Window
from spotting.movement import Noise, travel_px
from spotting.regions import REGIONS
from spotting.settings import SpotterSettings

RATE_HZ = 30
SIGMA_PX = 0.2


def window(moved_px, head_px=None):
    n = len(moved_px)
    head = np.zeros((n, len(REGIONS), 2)) if head_px is None else head_px
    flat = np.zeros(n)
    return Window(
        times_ns=(np.arange(n) * 1e9 / RATE_HZ).astype(np.int64),
        moved_px=moved_px,
        head_px=head,
        lost=np.zeros((n, len(REGIONS)), bool),
        spread_px=np.zeros((n, len(REGIONS))),
        misfit_px=flat,
        lip_gap_px=flat,
        luma=flat,
    )


def measured(moved_px, head_px=None, *, calm=True):
    """Sigma after the samples have come one by one."""
    noise = Noise(SpotterSettings())
    for end in range(2, len(moved_px) + 1):
        noise.update(window(moved_px[:end], None if head_px is None else head_px[:end]), calm=calm)
    return noise.sigma_px


@pytest.fixture
def shaking():
    return np.random.default_rng(0).normal(0, SIGMA_PX, (300, len(REGIONS), 2))


def test_it_is_the_deviation_of_what_a_region_moves_within_a_rise(shaking):
    # A difference of two independent positions has twice the variance of either.
    assert measured(shaking) == pytest.approx(np.full(len(REGIONS), SIGMA_PX * np.sqrt(2)), rel=0.25)


def test_nothing_is_learnt_while_a_gate_is_shut(shaking):
    assert not measured(shaking, calm=False).any()


def test_nothing_is_learnt_while_the_head_travels(shaking):
    head = np.linspace(0, 300, 300)[:, None, None] * np.ones((1, len(REGIONS), 2))
    assert not measured(shaking, head).any()


def test_a_travel_is_the_diagonal_of_its_box():
    head = np.zeros((4, len(REGIONS), 2))
    head[1, :, 0], head[2, :, 1] = 3.0, 4.0
    assert travel_px(window(np.zeros((4, len(REGIONS), 2)), head), 0) == pytest.approx(np.full(len(REGIONS), 5.0))
