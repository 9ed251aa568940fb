"""The only place where the self-test knows which settings make the spotter's thresholds."""

from __future__ import annotations

import msgspec

from spotting.settings import SpotterSettings

_THRESHOLDS = (
    "min_displacement_px",
    "max_threshold_px",
    "noise_sigmas",
    "head_leak",
    "travel_leak",
    "misfit_factor",
    "speech_leak",
    "spread_factor",
)


def with_thresholds(settings: SpotterSettings, factor: float) -> SpotterSettings:
    """The same spotter with all thresholds of displacement `factor` times as high."""
    return msgspec.structs.replace(settings, **{name: factor * getattr(settings, name) for name in _THRESHOLDS})
