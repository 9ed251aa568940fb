"""What the face, the head and the light do at any instant: a script turned into numbers."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from ahmsa.synth.muscles import Motion, expression, unit_motion
from ahmsa.synth.script import ClipScript, Disturbance, TrueEvent
from ahmsa.synth.timing import course, ramp, there_and_back

AWAY_SHIFT_PX = 250.0
"""Face px by which the picture pans when the face leaves it."""


@dataclass(slots=True)
class Moment:
    """One instant. Lengths are face px, angles degrees."""

    motions: list[tuple[Motion, float]] = field(default_factory=list)
    """Displacement fields and their amplitudes, px."""
    closure: float = 0.0
    """Of the lids: 0 open, 1 shut."""
    lip_gap_px: float = 0.0
    """What the lip gap has grown by."""
    shift_x: float = 0.0
    shift_y: float = 0.0
    roll_deg: float = 0.0
    yaw_deg: float = 0.0
    scale: float = 1.0
    pan: float = 0.0
    """Shift of the whole picture."""
    gain: float = 1.0
    noise_levels: float = 0.0


class Performance:
    """A script as a function of time."""

    def __init__(self, script: ClipScript) -> None:
        self._script = script
        self._events_at: dict[int, list[int]] = defaultdict(list)
        self._nuisances_at: dict[int, list[int]] = defaultdict(list)
        for number, event in enumerate(script.events):
            for second in range(int(event.onset_ms // 1000), int(event.offset_ms // 1000) + 1):
                self._events_at[second].append(number)
        for number, nuisance in enumerate(script.nuisances):
            for second in range(int(nuisance.start_ms // 1000), int(nuisance.end_ms // 1000) + 1):
                self._nuisances_at[second].append(number)
        self._expression = lru_cache(maxsize=16)(self._draw_expression)

    def at(self, t_ms: float) -> Moment:
        moment = Moment(noise_levels=self._script.noise_levels)
        second = int(t_ms // 1000)
        for number in self._events_at.get(second, ()):
            event = self._script.events[number]
            if event.onset_ms < t_ms < event.offset_ms:
                motion, hold = self._expression(number)
                strength = course(t_ms, event.onset_ms, event.apex_ms, event.offset_ms, hold)
                moment.motions.append((motion, event.amplitude_px * strength))
        for number, nuisance in self.active(t_ms):
            perform = _PERFORMERS.get(nuisance.kind)
            if perform is not None:
                perform(
                    moment,
                    _Now(t_ms, nuisance.start_ms, nuisance.end_ms, nuisance.intensity, _traits(self._script.seed, number)),
                )
        return moment

    def active(self, t_ms: float) -> list[tuple[int, Disturbance]]:
        """The nuisances at an instant, with their numbers in the script."""
        numbers = self._nuisances_at.get(int(t_ms // 1000), ())
        found = ((number, self._script.nuisances[number]) for number in numbers)
        return [(number, nuisance) for number, nuisance in found if nuisance.start_ms <= t_ms < nuisance.end_ms]

    def _draw_expression(self, number: int) -> tuple[Motion, float]:
        event: TrueEvent = self._script.events[number]
        rng = np.random.default_rng([self._script.seed, 1, number])
        hold = float(rng.uniform(0.0, 0.2)) if event.kind == "micro" else float(rng.uniform(0.3, 0.6))
        return expression(event.label, rng), hold


@dataclass(frozen=True, slots=True)
class _Now:
    """An instant within a nuisance."""

    t_ms: float
    start_ms: float
    end_ms: float
    intensity: float
    traits: tuple[float, ...]
    """Even random numbers 0-1 that belong to the nuisance for good."""

    def there_and_back(self, edge: float) -> float:
        return there_and_back(self.t_ms, self.start_ms, self.end_ms, edge)


@lru_cache(maxsize=64)
def _traits(seed: int, number: int) -> tuple[float, ...]:
    return tuple(np.random.default_rng([seed, 2, number]).uniform(size=24).tolist())


def _sway(moment: Moment, now: _Now) -> None:
    waves = [
        sum(
            math.sin(
                2
                * math.pi
                * (now.t_ms / 1000 * (0.05 + 0.3 * now.traits[3 * axis + wave] ** 2) + now.traits[12 + 3 * axis + wave])
            )
            for wave in range(3)
        )
        / 2
        for axis in range(4)
    ]
    strength = now.intensity * ramp((now.t_ms - now.start_ms) / 400) * ramp((now.end_ms - now.t_ms) / 400)
    moment.shift_x += 3.0 * strength * waves[0]
    moment.shift_y += 2.0 * strength * waves[1]
    moment.roll_deg += 1.0 * strength * waves[2]
    moment.yaw_deg += 1.5 * strength * waves[3]


def _head_turn(moment: Moment, now: _Now) -> None:
    strength = now.intensity * now.there_and_back(0.25 + 0.2 * now.traits[0])
    moment.yaw_deg += strength * _signed(now.traits[1], 4, 14)
    moment.roll_deg += strength * _signed(now.traits[2], 1, 7)
    moment.shift_x += strength * _signed(now.traits[3], 0, 6)
    moment.shift_y += strength * _signed(now.traits[4], 0, 4)
    moment.scale *= 1 + 0.02 * strength * _signed(now.traits[5], 0, 1)


def _blink(moment: Moment, now: _Now) -> None:
    x = (now.t_ms - now.start_ms) / (now.end_ms - now.start_ms)
    shut = 0.3 + 0.1 * now.traits[0]
    closure = ramp(x / shut) * (1 - ramp((x - shut - 0.08) / (0.92 - shut)))
    moment.closure = max(moment.closure, closure)
    moment.motions.append((_BROWS_IN_BLINK, 0.4 * now.intensity * closure * (0.5 + now.traits[1])))


def _talking(moment: Moment, now: _Now) -> None:
    seconds = now.t_ms / 1000
    envelope = now.there_and_back(0.1)
    pauses = min(max(0.9 + 1.1 * math.sin(2 * math.pi * (seconds * (0.5 + 0.4 * now.traits[0]) + now.traits[1])), 0.0), 1.0)
    syllables = sum(
        weight * math.sin(2 * math.pi * (seconds * rate + now.traits[4 + number]))
        for number, (weight, rate) in enumerate(
            ((0.5, 2 + now.traits[2]), (0.45, 3.3 + now.traits[3]), (0.3, 4.7 + 2.2 * now.traits[8]))
        )
    )
    strength = now.intensity * envelope * pauses
    opened = 3.5 * strength * (syllables + 0.4)
    moment.lip_gap_px += opened
    moment.motions.append((_ROUNDED_LIPS, 0.3 * opened))
    moment.motions.append((_STRETCHED_LIPS, 0.5 * strength * math.sin(2 * math.pi * (seconds * 1.6 + now.traits[9]))))


def _flicker(moment: Moment, now: _Now) -> None:
    beat = math.sin(2 * math.pi * (now.t_ms / 1000 * (3 + 8 * now.traits[0]) + now.traits[1]))
    hunting = math.sin(2 * math.pi * (now.t_ms / 1000 * (0.7 + now.traits[2]) + now.traits[3]))
    moment.gain *= 1 + 0.03 * now.intensity * (0.6 * beat + 0.4 * hunting)


def _slow_gain(moment: Moment, now: _Now) -> None:
    moment.gain *= 1 + 0.15 * now.intensity * _side(now.traits[0]) * there_and_back(now.t_ms, now.start_ms, now.end_ms, 0.5)


def _light_step(moment: Moment, now: _Now) -> None:
    on = ramp((now.t_ms - now.start_ms) / 60) * ramp((now.end_ms - now.t_ms) / 60)
    moment.gain *= 1 + 0.2 * now.intensity * _side(now.traits[0]) * on


def _noise(moment: Moment, now: _Now) -> None:
    moment.noise_levels = math.hypot(moment.noise_levels, 2 * now.intensity)


def _away(moment: Moment, now: _Now) -> None:
    edge = min(600 / (now.end_ms - now.start_ms), 0.5)
    moment.pan += AWAY_SHIFT_PX * now.there_and_back(edge)


_PERFORMERS: dict[str, Callable[[Moment, _Now], None]] = {
    "sway": _sway,
    "head_turn": _head_turn,
    "blink": _blink,
    "talking": _talking,
    "flicker": _flicker,
    "slow_gain": _slow_gain,
    "light_step": _light_step,
    "noise": _noise,
    "away": _away,
}
"""Kinds that change what is seen; the others change which frames come, and are the camera's."""

_BROWS_IN_BLINK = unit_motion({"brow_lowerer_4": 0.5, "lid_tightener_7": 0.4})
_ROUNDED_LIPS = unit_motion({"dimpler_14": 1.0}).scaled(-1)
_STRETCHED_LIPS = unit_motion({"lip_stretcher_20": 1.0, "upper_lip_raiser_10": 0.5})


def _side(trait: float) -> float:
    return 1.0 if trait > 0.5 else -1.0


def _signed(trait: float, low: float, high: float) -> float:
    return _side(trait) * (low + (high - low) * abs(2 * trait - 1))
