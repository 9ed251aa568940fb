import numpy as np
import pytest

from benchmarks.real import with_thresholds
from spotting.history import Window
from spotting.movement import Excursion, thresholds
from spotting.regions import REGIONS
from spotting.settings import SpotterSettings

R = len(REGIONS)


def test_all_that_makes_a_threshold_is_scaled():
    random = np.random.default_rng(0)
    window = Window(
        times_ns=np.arange(20) * 33_000_000,
        moved_px=np.zeros((20, R, 2)),
        head_px=random.uniform(0, 1, (20, R, 2)),
        lost=np.zeros((20, R), bool),
        spread_px=random.uniform(0, 0.2, (20, R)),
        misfit_px=random.uniform(0, 0.2, 20),
        lip_gap_px=random.uniform(0, 0.2, 20),
        luma=np.full(20, 120.0),
    )
    excursion = Excursion(np.zeros(R, int), np.full(R, 10), np.ones(R), np.ones(R), random.uniform(0, 1, R))
    sigma_px, settings = random.uniform(0, 0.1, R), SpotterSettings()
    usual = thresholds(window, excursion, sigma_px, settings)
    for factor in (0.5, 2.0):
        scaled = thresholds(window, excursion, sigma_px, with_thresholds(settings, factor))
        assert scaled == pytest.approx(factor * usual)
