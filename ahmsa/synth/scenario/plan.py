"""Drawing a clip's details from a scenario: when which expression comes, and what disturbs it."""

from __future__ import annotations

import math
from itertools import repeat

import numpy as np

from ahmsa.errors import SettingsError
from ahmsa.synth.motion.timing import macro_times_ms, micro_times_ms
from ahmsa.synth.scenario.script import NUISANCES, ClipScript, Disturbance, Scenario, TrueEvent
from ahmsa.types import LABELS, Kind

MIXED = {
    "sway": 1.0,
    "head_turn": 1.0,
    "blink": 1.0,
    "talking": 1.0,
    "flicker": 0.7,
    "slow_gain": 0.7,
    "light_step": 0.7,
    "noise": 0.5,
    "compression": 0.4,
    "dropped": 0.2,
    "jitter": 0.3,
}
"""What a webcam session at a desk brings, all at once."""

LIFELIKE = {
    **MIXED,
    "sway": 0.0,
    "turning": 1.0,
    "lively_talking": 1.0,
    "gaze": 1.0,
    "swallowing": 1.0,
    "glasses": 0.5,
}
"""What real people do before a webcam: the head never stops, and speech moves brows and head as well."""

_MICRO: Kind = "micro"
_MACRO: Kind = "macro"
_SHORT: dict[str, tuple[float, float, float]] = {
    "blink": (15.0, 100, 300),
    "head_turn": (4.0, 600, 2200),
    "talking": (2.0, 1500, 5000),
    "slow_gain": (2.0, 3000, 9000),
    "light_step": (1.0, 1000, 3000),
    "stall": (0.5, 500, 1500),
    "away": (0.4, 1600, 3500),
    "lively_talking": (2.5, 2500, 7000),
    "gaze": (12.0, 300, 1500),
    "swallowing": (1.5, 600, 1000),
    "chewing": (1.0, 3000, 8000),
    "hand": (1.0, 1500, 4000),
    "cut": (0.4, 2000, 4000),
}
"""Kinds that come and go: how many a minute, shortest and longest, ms. All others last as long as the clip."""
_HIDING = ("stall", "away", "hand", "cut")
"""Nothing can be seen during these: they always keep clear of expressions."""
_HARMLESS = ("slow_gain",)
"""Too slow to be placed clear of anything."""
_CLEARANCE_MS = 250.0


def script_of(scenario: Scenario) -> ClipScript:
    """The clip that a scenario stands for; the same scenario gives the same script.

    Raises SettingsError for a nuisance that does not exist.
    """
    unknown = sorted(set(scenario.nuisances) - set(NUISANCES))
    if unknown:
        raise SettingsError(f"nuisance {unknown[0]!r} is not known; choose from {', '.join(NUISANCES)}")
    rng = np.random.default_rng([scenario.seed, 0])
    events = _events(scenario, rng)
    nuisances: list[Disturbance] = []
    for kind in NUISANCES:  # in this order, so that the order of the mapping does not matter
        if scenario.nuisances.get(kind, 0) > 0:
            nuisances += _nuisances(scenario, kind, events, np.random.default_rng([scenario.seed, 3, NUISANCES.index(kind)]))
    return ClipScript(
        duration_s=scenario.duration_s,
        fps=scenario.fps,
        events=tuple(events),
        nuisances=tuple(sorted(nuisances, key=lambda n: (n.start_ms, n.kind))),
        seed=scenario.seed,
        noise_levels=scenario.noise_levels,
        jpeg_quality=scenario.jpeg_quality,
        person=scenario.person,
    )


def _events(scenario: Scenario, rng: np.random.Generator) -> list[TrueEvent]:
    """Every expression has an equal slot of the time after the quiet start, and a random place in it."""
    minutes = max(scenario.duration_s - scenario.quiet_start_s, 0) / 60
    micro, macro = round(scenario.micro_per_minute * minutes), round(scenario.macro_per_minute * minutes)
    kinds: list[Kind] = [*repeat(_MICRO, micro), *repeat(_MACRO, macro)]
    labels = [LABELS[number % len(LABELS)] for number in range(len(kinds))]
    order = rng.permutation(len(kinds))
    slot_ms = minutes * 60_000 / max(len(kinds), 1)
    events = []
    for place, number in enumerate(order):
        kind = kinds[number]
        rise, fall = micro_times_ms(rng) if kind == "micro" else macro_times_ms(rng)
        shrink = min(0.8 * slot_ms / (rise + fall), 1.0)
        rise, fall = rise * shrink, fall * shrink
        span = scenario.amplitude_px if kind == "micro" else scenario.macro_amplitude_px
        start = scenario.quiet_start_s * 1000 + place * slot_ms
        onset = start + float(rng.uniform(0.05, 0.95)) * (slot_ms - rise - fall)
        amplitude = math.exp(float(rng.uniform(math.log(span[0]), math.log(span[1]))))
        events.append(TrueEvent(labels[number], onset, onset + rise, onset + rise + fall, amplitude, kind))
    return events


def _nuisances(scenario: Scenario, kind: str, events: list[TrueEvent], rng: np.random.Generator) -> list[Disturbance]:
    end_ms, intensity = scenario.duration_s * 1000, scenario.nuisances[kind]
    if kind not in _SHORT:
        return [Disturbance(kind, 0.0, end_ms, intensity)]
    per_minute, shortest, longest = _SHORT[kind]
    first_ms = scenario.quiet_start_s * 1000
    made: list[Disturbance] = []
    for _ in range(max(round(per_minute * (end_ms - first_ms) / 60_000), 1)):
        clear = kind in _HIDING or (kind not in _HARMLESS and rng.uniform() >= scenario.overlap)
        length = math.exp(float(rng.uniform(math.log(shortest), math.log(longest))))
        for _ in range(100):
            start = float(rng.uniform(first_ms, max(end_ms - length, first_ms + 1)))
            taken = [(n.start_ms, n.end_ms) for n in made]
            if clear:
                taken += [(e.onset_ms, e.offset_ms) for e in events]
            if all(start + length + _CLEARANCE_MS < low or start - _CLEARANCE_MS > high for low, high in taken):
                made.append(Disturbance(kind, start, start + length, intensity))
                break
            length = max(length * 0.97, shortest)
    return made
