"""The tables of the benchmark on real people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from ahmsa.types import HALVES
from spotting.selftest.figures import Share, recall_by_amplitude, share
from spotting.selftest.trials import Conditions, Trial
from streamer.selftest.blind import blind_frames, blind_share
from streamer.selftest.measure import Measured
from streamer.selftest.summary import summarise

_SPEEDS = ((0.0, 5.0), (5.0, 15.0), (15.0, 40.0), (40.0, float("inf")))
_CLEAR_PX = 1.5

Fits = Callable[[Conditions], bool]


def by_clip(measured: Sequence[Measured]) -> str:
    """One line a clip."""
    lines = [
        "| clip | s | head p50, px/s | talking | found | found, 1.5 px and more | alarms | blind, upper | blind, lower "
        "| by gate, lower |\n|---|---|---|---|---|---|---|---|---|---|"
    ]
    for one in measured:
        summary = summarise([one])
        gates = ", ".join(f"{gate} {part:.0%}" for gate, part in list(summary.halves["lower"].blind_by_gate.items())[:3])
        blind = " | ".join(f"{half.blind_share:.2f}" for half in summary.halves.values())
        lines.append(
            f"| {summary.name} | {summary.minutes * 60:.0f} | {summary.head_px_s:.0f} | {summary.talking_share:.0%} | "
            f"{share(one.trials)} | {share(one.trials, _clear)} | {summary.alarms} | {blind} | {gates or '-'} |"
        )
    return "\n".join(lines)


def by_motion(trials: list[Trial]) -> str:
    """Found by what the head and the lips did."""
    lines = [
        "| around the movement | 0.5 px | 0.7-1 px | 1.5 px and more | upper half, 1.5 px and more "
        "| lower half, 1.5 px and more |\n"
        "|---|---|---|---|---|---|"
    ]
    for name, fits in _surroundings():
        group = [trial for trial in trials if fits(trial.conditions)]
        lines.append(
            f"| {name} | {shown(share(group, lambda t: t.amplitude_px < 0.7))} | "
            f"{shown(share(group, lambda t: 0.7 <= t.amplitude_px <= 1.0))} | {shown(share(group, _clear))} | "
            f"{shown(share(group, lambda t: _clear(t) and t.half == 'upper'))} | "
            f"{shown(share(group, lambda t: _clear(t) and t.half == 'lower'))} |"
        )
    return "Found, with 95 % intervals:\n\n" + "\n".join(lines)


def by_movement(trials: list[Trial]) -> str:
    """Found by what moved."""
    lines = ["| movement | found | from 1.5 px | by amplitude |\n|---|---|---|---|"]
    for half, name in dict.fromkeys((trial.half, trial.name) for trial in trials):
        group = [trial for trial in trials if trial.name == name and trial.half == half]
        by_amplitude = ", ".join(f"{a:g} px {found}" for a, found in recall_by_amplitude(group).items())
        lines.append(f"| {half}: {name} | {share(group)} | {share(group, _clear)} | {by_amplitude} |")
    return "\n".join(lines)


def blind(measured: Sequence[Measured]) -> str:
    """Share of the time in which each half could not be watched, and what was announced there."""
    lines = ["| share of time blind | upper half | lower half | alarms a minute |\n|---|---|---|---|"]
    for name, fits in _surroundings():
        cells, frames_s, alarms = [], 0.0, 0
        for half in HALVES:
            frames, shut = 0, Counter[str]()
            for one in measured:
                more, gates = blind_frames(one.untouched, half, fits)
                frames, shut = frames + more, shut + gates
            cells.append(f"{blind_share(frames, shut):.2f} {_largest(shut, frames)}" if frames else "-")
        for one in measured:
            frames_s += blind_frames(one.untouched, "upper", fits)[0] / one.untouched.rate_hz
            alarms += sum(fits(one.untouched.behaviour.at(alarm.apex_ms / 1e3)) for alarm in one.untouched.alarms)
        lines.append(f"| {name} | {' | '.join(cells)} | {alarms} in {frames_s / 60:.1f} min |")
    return "\n".join(lines)


def _is_quiet_at(low: float, high: float, conditions: Conditions) -> bool:
    return low <= conditions.head_px_s < high and not conditions.talking


def _surroundings() -> Iterator[tuple[str, Fits]]:
    for low, high in _SPEEDS:
        name = f"head {low:g}-{high:g} px/s" if high < float("inf") else f"head above {low:g} px/s"
        yield f"{name}, no speech", partial(_is_quiet_at, low, high)
    yield "talking", lambda c: c.talking
    yield "all", lambda _: True


def _clear(trial: Trial) -> bool:
    return trial.amplitude_px >= _CLEAR_PX


def shown(found: Share) -> str:
    """A share with its interval."""
    low, high = found.interval
    return f"{found} ({low:.2f}-{high:.2f})" if found.of else "-"


def _largest(shut: Counter[str], frames: int) -> str:
    return "(" + ", ".join(f"{gate} {count / frames:.2f}" for gate, count in shut.most_common(2)) + ")" if shut else ""
