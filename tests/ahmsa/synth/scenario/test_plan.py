from dataclasses import replace
from itertools import pairwise

from ahmsa.synth import (
    MIXED,
    NUISANCES,
    Scenario,
    script_of,
)
from ahmsa.types import LABELS


def test_a_scenario_gives_the_same_script_every_time_and_another_seed_another():
    scenario = Scenario(seed=4, duration_s=60, nuisances=MIXED, macro_per_minute=3)
    assert script_of(scenario) == script_of(scenario)
    assert script_of(scenario) == script_of(replace(scenario, nuisances=dict(reversed(MIXED.items()))))
    assert script_of(scenario).events != script_of(replace(scenario, seed=5)).events


def test_events_do_not_overlap_and_short_nuisances_keep_clear_of_them():
    everything = dict.fromkeys(NUISANCES, 1.0)
    script = script_of(Scenario(seed=1, duration_s=120, nuisances=everything, macro_per_minute=2, overlap=0.0))
    events = sorted(script.events, key=lambda e: e.onset_ms)
    assert {e.label for e in events} == set(LABELS)
    assert {e.kind for e in events} == {"micro", "macro"}
    assert events[0].onset_ms >= 3000
    assert all(a.offset_ms < b.onset_ms for a, b in pairwise(events))
    assert all(e.kind == "macro" or (e.offset_ms - e.onset_ms <= 500 and 0.5 <= e.amplitude_px <= 3) for e in events)
    assert {n.kind for n in script.nuisances} == set(NUISANCES)
    for nuisance in script.nuisances:
        if nuisance.kind in ("blink", "head_turn", "talking", "light_step", "stall", "away"):
            assert nuisance.start_ms >= 3000
            assert not any(nuisance.start_ms < e.offset_ms and nuisance.end_ms > e.onset_ms for e in events)


def test_a_scenario_without_nuisances_has_none():
    assert script_of(Scenario(duration_s=30)).nuisances == ()
