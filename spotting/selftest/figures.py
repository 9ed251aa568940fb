"""Figures of a self-test: shares with their intervals, the amplitude that is found four times in five, the curve."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from spotting.selftest.trials import Confirmed, Trial


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    hits: int
    of: int

    @property
    def value(self) -> float:
        return self.hits / self.of if self.of else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval (Wilson 1927); everything from 0 to 1 where nothing was tried."""
        if not self.of:
            return 0.0, 1.0
        from scipy.stats import binomtest

        between = binomtest(self.hits, self.of).proportion_ci(method="wilson")
        return float(between.low), float(between.high)

    def __str__(self) -> str:
        return f"{self.hits}/{self.of}" if self.of else "-"


def share(trials: Iterable[Trial], wanted: Callable[[Trial], bool] = lambda _: True) -> Share:
    """How many of the wanted trials were found."""
    found = [trial.found for trial in trials if wanted(trial)]
    return Share(sum(found), len(found))


def recall_by_amplitude(trials: Sequence[Trial]) -> dict[float, Share]:
    """Amplitude, px -> share found, in the order of amplitudes."""
    amplitudes = sorted({trial.amplitude_px for trial in trials})
    return {a: share(trial for trial in trials if trial.amplitude_px == a) for a in amplitudes}


def amplitude_found(recall: dict[float, Share], wanted: float = 0.8) -> float | None:
    """The amplitude, px, of which the wanted share is found; None where even the largest is found less often.

    Recall is first made to grow with amplitude (isotonic regression), then interpolated over the amplitude's logarithm.
    """
    from sklearn.isotonic import IsotonicRegression

    tried = {a: s for a, s in recall.items() if s.of}
    if not tried:
        return None
    amplitudes = np.log(list(tried))
    shares, weights = [s.value for s in tried.values()], [s.of for s in tried.values()]
    values = IsotonicRegression().fit(amplitudes, shares, sample_weight=weights).predict(amplitudes)
    if values[-1] < wanted:
        return None
    first = int(np.argmax(values >= wanted))
    if first == 0:
        return float(np.exp(amplitudes[0]))
    rise = (wanted - values[first - 1]) / (values[first] - values[first - 1])
    return float(np.exp(amplitudes[first - 1] + rise * (amplitudes[first] - amplitudes[first - 1])))


def curve(
    trials: Sequence[Trial], alarms: Sequence[Confirmed], minutes: float, factors: Sequence[float]
) -> list[tuple[float, Share, float]]:
    """(factor, recall, alarms a minute) for thresholds `factor` times as high as those that gave the scores, which are in units
    of the threshold."""
    return [
        (
            factor,
            Share(sum(trial.score >= factor for trial in trials), len(trials)),
            sum(alarm.score >= factor for alarm in alarms) / max(minutes, 1e-9),
        )
        for factor in factors
    ]
