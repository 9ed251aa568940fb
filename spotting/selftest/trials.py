"""What was injected into a recording and what became of it; what was announced on the untouched recording."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ahmsa.synth.known.injection import Injection
from ahmsa.types import Candidate

MATCH_MS = 100.0
"""A movement is found where a confirmed spot's apex lies between its onset and offset, or this close to them."""


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A confirmed spot."""

    apex_ms: float
    score: float


@dataclass(frozen=True, slots=True)
class Conditions:
    """What else the person did around a moment, as the untouched recording shows it."""

    head_px_s: float
    """Travel of the face's middle, px of the 128 px crop a second; NaN where there is no face."""
    talking: bool


@dataclass(frozen=True, slots=True)
class Trial:
    """One injected movement."""

    clip: str
    name: str
    half: str
    label: str | None
    amplitude_px: float
    conditions: Conditions
    score: float
    """Of the spot that found it; 0 where none did."""
    by_chance: bool
    """The untouched recording has a spot in the same place."""

    @property
    def found(self) -> bool:
        return self.score > 0


def confirmed_of(candidates: Iterable[Candidate]) -> list[Confirmed]:
    """The confirmed among a spotter's candidates."""
    return [
        Confirmed((c.apex_t_ns if c.apex_t_ns is not None else c.apex.t_capture_ns) / 1e6, c.score)
        for c in candidates
        if c.phase == "confirmed"
    ]


def trials_of(
    clip: str,
    injections: Sequence[Injection],
    conditions: Sequence[Conditions],
    seen: Sequence[Confirmed],
    untouched: Sequence[Confirmed],
) -> list[Trial]:
    """Match what was injected with what was confirmed, one spot for one movement, in the order of time."""
    found, chance = _scores(injections, seen), _scores(injections, untouched)
    return [
        Trial(clip, i.movement.name, i.movement.half, i.movement.label, i.amplitude_px, around, score, other > 0)
        for i, around, score, other in zip(injections, conditions, found, chance, strict=True)
    ]


def _scores(injections: Sequence[Injection], spots: Sequence[Confirmed]) -> list[float]:
    left = sorted(spots, key=lambda spot: spot.apex_ms)
    scores = []
    for injection in injections:
        low, high = injection.onset_ns / 1e6 - MATCH_MS, injection.offset_ns / 1e6 + MATCH_MS
        hit = next((spot for spot in left if low <= spot.apex_ms <= high), None)
        if hit is not None:
            left.remove(hit)
        scores.append(hit.score if hit is not None else 0.0)
    return scores
