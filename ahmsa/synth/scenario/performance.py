"""What the face, the head and the light do at any instant: a script turned into numbers."""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache

import numpy as np

from ahmsa.synth.motion.muscles import Motion, expression
from ahmsa.synth.motion.timing import course
from ahmsa.synth.scenario.moment import Moment, Now
from ahmsa.synth.scenario.performers import PERFORMERS
from ahmsa.synth.scenario.plan import script_of
from ahmsa.synth.scenario.script import ClipScript, Disturbance, Scenario, TrueEvent


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
            perform = PERFORMERS.get(nuisance.kind)
            if perform is not None:
                perform(
                    moment,
                    Now(t_ms, nuisance.start_ms, nuisance.end_ms, nuisance.intensity, _traits(self._script.seed, number)),
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


@lru_cache(maxsize=64)
def _traits(seed: int, number: int) -> tuple[float, ...]:
    return tuple(np.random.default_rng([seed, 2, number]).uniform(size=24).tolist())


class Scripted:
    """A scenario or script, and what it makes of every instant: what clips and faces have in common."""

    def __init__(self, what: Scenario | ClipScript) -> None:
        self.script = script_of(what) if isinstance(what, Scenario) else what
        self._performance = Performance(self.script)

    @property
    def truth(self) -> tuple[TrueEvent, ...]:
        return self.script.events

    @property
    def nuisances(self) -> tuple[Disturbance, ...]:
        return self.script.nuisances

    @property
    def fps(self) -> float:
        return self.script.fps
