"""The only place where the self-test reads the spotter's own terms: gates, limits and thresholds of a half of the face."""

from __future__ import annotations

import msgspec

from ahmsa.types import Half
from spotting.settings import SpotterSettings
from spotting.spotter import Motion

_PARTS: dict[Half, tuple[str, ...]] = {"upper": ("brow",), "lower": ("nose", "lip")}
_THRESHOLDS = ("min_displacement_px", "noise_sigmas")


def gate_of(motion: Motion, half: Half) -> str | None:
    """The gate that is shut for a half of the face; None where at least one of its regions is watched."""
    del half  # one gate shuts the whole face
    return motion.gate


def limit_px(motion: Motion, half: Half) -> float | None:
    """The smallest movement of that half that would open now, px of the crop; None where nothing is measured."""
    limits = [value for region, value in motion.threshold_px.items() if any(part in region for part in _PARTS[half])]
    return min(limits, default=None)


def with_thresholds(settings: SpotterSettings, factor: float) -> SpotterSettings:
    """The same spotter with all thresholds of displacement `factor` times as high."""
    return msgspec.structs.replace(settings, **{name: factor * getattr(settings, name) for name in _THRESHOLDS})
