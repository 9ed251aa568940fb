"""When things happen: durations of real expressions and smooth time courses."""

from __future__ import annotations

import math

import numpy as np

MICRO_LIMIT_MS = 500.0


def micro_times_ms(rng: np.random.Generator) -> tuple[float, float]:
    """(onset to apex, apex to offset) of a micro-expression.

    Log-normal with the quantiles of CAS(ME)^2 and SAMM, p10 / p50 / p90: rise 90-133 / 165 / 240 ms, fall
    85-133 / 215 / 314 ms; redrawn while the whole lasts longer than half a second.
    """
    while True:
        rise = float(np.clip(rng.lognormal(math.log(165), 0.29), 80, 330))
        fall = float(np.clip(rng.lognormal(math.log(215), 0.30), 85, 400))
        if rise + fall <= MICRO_LIMIT_MS:
            return rise, fall


def macro_times_ms(rng: np.random.Generator) -> tuple[float, float]:
    """(onset to apex, apex to offset) of an ordinary expression of 0.7-4 s; the apex is followed by a held phase."""
    total = float(np.exp(rng.uniform(math.log(700), math.log(4000))))
    rise = float(np.clip(total * rng.uniform(0.2, 0.45), 250, 900))
    return rise, total - rise


def ramp(x: float) -> float:
    """Raised cosine: 0 up to x = 0, 1 from x = 1, smooth between."""
    return 0.0 if x <= 0 else 1.0 if x >= 1 else 0.5 - 0.5 * math.cos(math.pi * x)


def course(t_ms: float, onset_ms: float, apex_ms: float, offset_ms: float, hold: float = 0.0) -> float:
    """Strength 0-1 of an expression at a time: up to 1 at the apex, and back.

    hold: share of the fall during which it stays close to the top (it sinks by 4 %, so that the apex remains the maximum).
    """
    if t_ms <= apex_ms:
        return ramp((t_ms - onset_ms) / (apex_ms - onset_ms))
    x = (t_ms - apex_ms) / (offset_ms - apex_ms)
    if x < hold:
        return 1.0 - 0.04 * x / hold
    return (0.96 if hold > 0 else 1.0) * (1.0 - ramp((x - hold) / (1.0 - hold)))


def there_and_back(t_ms: float, start_ms: float, end_ms: float, edge: float) -> float:
    """0 -> 1 -> 0 over an interval; `edge` is the share of it that each slope takes."""
    x = (t_ms - start_ms) / (end_ms - start_ms)
    return ramp(x / edge) * ramp((1.0 - x) / edge)
