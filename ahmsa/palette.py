"""Colours that the colour-blind can tell apart, and the sign that says the same without any colour.

Okabe and Ito, "Color Universal Design" (2008).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

ORANGE, SKY_BLUE, GREEN, YELLOW = "#E69F00", "#56B4E9", "#009E73", "#F0E442"
BLUE, VERMILLION, PURPLE, GREY = "#0072B2", "#D55E00", "#CC79A7", "#999999"

LABEL_COLOURS: Mapping[str, str] = MappingProxyType({"negative": VERMILLION, "positive": GREEN, "surprise": SKY_BLUE})
LABEL_SIGNS: Mapping[str, str] = MappingProxyType({"negative": "-", "positive": "+", "surprise": "!"})
NO_LABEL_SIGN = "?"
"""The recogniser abstained, or its class has no sign."""
