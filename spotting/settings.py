"""Settings of the `spotting` room."""

from __future__ import annotations

import msgspec


class SpotterSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Knobs of the causal spotter; each says its effect."""
