"""What a self-test says, as plain values: for the table, the JSON file, the plot and the advice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec
import numpy as np

from ahmsa.types import HALVES
from spotting.selftest.figures import Share, amplitude_found, recall_by_amplitude, share
from spotting.selftest.trials import Trial
from streamer.selftest.blind import blind_frames, blind_share
from streamer.selftest.measure import Measured


class Recall(msgspec.Struct, frozen=True, kw_only=True):
    """Movements of one amplitude, or of all."""

    amplitude_px: float | None
    found: int
    of: int
    low: float
    """Lower end of the 95 % interval of the share found."""
    high: float


class HalfSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One half of the face."""

    recall: list[Recall]
    found_80_px: float | None
    """The amplitude of which 80 % are found, px of the 128 px crop; None where it is above all that were tried."""
    limit_px: float | None
    """Median over time of the smallest movement that would have been announced, px of the 128 px crop."""
    blind_share: float
    blind_by_gate: dict[str, float]
    """Gate -> share of the time after calibration in which it was shut for this half."""


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """One recording, or several taken together."""

    name: str
    minutes: float
    rate_hz: float
    interocular_px: float
    luma: float
    head_px_s: float
    """Median travel of the face, px of the 128 px crop a second."""
    talking_share: float
    movements: int
    by_chance: int
    """Movements in whose place the untouched recording has a spot as well."""
    recall: list[Recall]
    found_80_px: float | None
    alarms: int
    """Confirmed on the untouched recording; real movements of the person are among them."""
    alarms_per_minute: float
    halves: dict[str, HalfSummary]
    remarks: list[str]


def summarise(measured: Sequence[Measured], name: str | None = None) -> Summary:
    """One summary of all these recordings together."""
    untouched = [one.untouched for one in measured]
    trials = [trial for one in measured for trial in one.trials]
    faces = [face for one in untouched for face in one.faces if face is not None]
    alarms, minutes = sum(len(one.alarms) for one in untouched), sum(one.seen.minutes for one in untouched)
    around = [one.behaviour.at(t / 1e9) for one in untouched for t in one.times_ns[:: max(round(one.rate_hz / 4), 1)]]
    return Summary(
        name=name or ", ".join(one.name for one in untouched),
        minutes=round(minutes, 3),
        rate_hz=round(float(np.median([one.rate_hz for one in untouched])), 2),
        interocular_px=round(float(np.median([face.interocular_px for face in faces])), 1),
        luma=round(float(np.median([face.luma for face in faces])), 1),
        head_px_s=round(float(np.nanmedian([one.head_px_s for one in around])), 2),
        talking_share=round(float(np.mean([one.talking for one in around])), 3),
        movements=len(trials),
        by_chance=sum(trial.by_chance for trial in trials),
        recall=recall_lines(trials),
        found_80_px=_rounded(amplitude_found(recall_by_amplitude(trials))),
        alarms=alarms,
        alarms_per_minute=round(alarms / max(minutes, 1e-9), 2),
        halves={half: _half(measured, [trial for trial in trials if trial.half == half], half) for half in HALVES},
        remarks=[remark for one in untouched for remark in one.remarks],
    )


def recall_lines(trials: Sequence[Trial]) -> list[Recall]:
    """One line per amplitude, and one of all."""
    by_amplitude = recall_by_amplitude(trials)
    return [*(_line(amplitude, found) for amplitude, found in by_amplitude.items()), _line(None, share(trials))]


def _line(amplitude_px: float | None, found: Share) -> Recall:
    low, high = found.interval
    return Recall(amplitude_px=amplitude_px, found=found.hits, of=found.of, low=round(low, 3), high=round(high, 3))


def _half(measured: Sequence[Measured], trials: Sequence[Trial], half: str) -> HalfSummary:
    side = next(each for each in HALVES if each == half)
    frames, shut = 0, Counter[str]()
    for one in measured:
        more, gates = blind_frames(one.untouched, side)
        frames, shut = frames + more, shut + gates
    limits = [f.limits_px[side] for one in measured for f in one.untouched.faces if f is not None and f.state != "calibrating"]
    known = [limit for limit in limits if limit is not None]
    return HalfSummary(
        recall=recall_lines(trials),
        found_80_px=_rounded(amplitude_found(recall_by_amplitude(trials))),
        limit_px=_rounded(float(np.median(known)) if known else None),
        blind_share=round(blind_share(frames, shut), 3),
        blind_by_gate={gate: round(count / max(frames, 1), 3) for gate, count in shut.most_common()},
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
