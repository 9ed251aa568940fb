"""Known movements on real people: `python -m benchmarks real` measures every clip of a folder.

The clips lie in AHMSA_REAL (default ../shared/data/realvideo), flow maps of real micro-expressions in AHMSA_MAPS (default
../shared/data/flow3db-dev); without maps only this project's own movements are injected. `python -m benchmarks.real NAME...`
prints the section for some clips without writing anything.
"""

from __future__ import annotations

import os
import sys
import zlib
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from ahmsa.errors import AhmsaError, DataError
from ahmsa.work.processes import in_processes
from benchmarks.real_maps import MapMovements
from benchmarks.real_plot import plot_curve
from benchmarks.real_tables import blind, by_clip, by_motion, by_movement, shown
from configs.schema import LiveSettings
from spotting.selftest.figures import curve
from spotting.selftest.trials import Trial
from spotting.settings import SpotterSettings
from streamer.acquire.sources import SourceSpec
from streamer.commands.spot import VIDEOS
from streamer.selftest.measure import Measured, Plan, measure, watch_untouched
from streamer.selftest.recording import FileRecording

PICTURES = Path(__file__).parent.parent / "docs" / "pictures"
_SHARED = Path(__file__).parents[2] / "shared" / "data"
_SEED, _EVERY_S, _FIRST_S, _MOST_S = 7, 2.0, 1.5, 60.0
_MAP_AMPLITUDES_PX = (0.7, 1.0, 1.5, 2.0, 3.0)
_WORKERS = 2
_LOWERED = 0.5
"""The curve comes from a run with thresholds this many times as high; its scores say what higher ones would have left."""
_FACTORS = (0.5, 0.6, 0.7, 0.85, 1.0, 1.25, 1.5, 2.0, 3.0)
_THRESHOLDS = (
    "min_displacement_px",
    "max_threshold_px",
    "noise_sigmas",
    "head_leak",
    "travel_leak",
    "misfit_factor",
    "speech_leak",
    "spread_factor",
)
"""Settings that make the spotter's thresholds of displacement."""
_HEADING = "## Spotting on real people\n\n"
_TEXT = """Known movements in {clips} clips of real people ({minutes:.1f} minutes): flow maps of other people's
micro-expressions, of 0.7-3 px, and those of `ahmsa/synth/known/movements.py`, of 0.5-3 px; px are those of the 128 px crop.
Rise 120-230 ms, fall 130-290 ms, one about every 2.5 s, from 1.5 s on. Found: a confirmed spot whose apex lies between onset -
100 ms and offset + 100 ms. Alarms are all that was confirmed on the untouched clips, real movements of the person included;
such an alarm lies in the place of {chance} of the {trials} movements. Head motion: travel of the face's middle, px of the crop
a second. Talking: the lip gap oscillates by more than 15 px a second. Blind: a gate is shut for that half of the face."""


@dataclass(slots=True)
class _Taken:
    """Everything measured, over all clips."""

    measured: list[Measured] = field(default_factory=list)
    lowered: list[Measured] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    @property
    def trials(self) -> list[Trial]:
        return [trial for one in self.measured for trial in one.trials]


def section(names: list[str] | None = None) -> str:
    """Markdown: the tables and the curve; the reason where the clips are not here. names: only these clips."""
    folder = Path(os.environ.get("AHMSA_REAL", str(_SHARED / "realvideo")))
    if not folder.is_dir():
        return f"{_HEADING}Not measured: the clips of real people are not on this machine (set AHMSA_REAL)."
    files = [file for file in sorted(folder.iterdir()) if file.suffix in VIDEOS and (not names or file.stem in names)]
    taken = _measure(files)
    if not taken.measured:
        return f"{_HEADING}Not measured: no clip in AHMSA_REAL could be used ({'; '.join(taken.failed) or 'it is empty'})."
    trials, minutes = taken.trials, sum(one.untouched.seen.minutes for one in taken.measured)
    said = _TEXT.format(
        clips=len(taken.measured), minutes=minutes, chance=sum(trial.by_chance for trial in trials), trials=len(trials)
    )
    parts = [said, by_clip(taken.measured), by_motion(trials), by_movement(trials), blind(taken.measured), _curve(taken)]
    if taken.failed:
        parts.append("Not measured: " + "; ".join(taken.failed) + ".")
    return _HEADING + "\n\n".join(parts)


def _measure(files: list[Path]) -> _Taken:
    done: dict[Path, tuple[Measured, Measured] | str] = {}
    for file, result in in_processes(_clip, LiveSettings(), files, _WORKERS):
        done[file] = result
        print(f"{file.stem}: done", file=sys.stderr, flush=True)
    taken = _Taken()
    for file in files:  # the tables have the order of the files, whichever was done first
        result = done[file]
        if isinstance(result, str):
            taken.failed.append(result)
        else:
            taken.measured.append(result[0])
            taken.lowered.append(result[1])
    return taken


def with_thresholds(settings: SpotterSettings, factor: float) -> SpotterSettings:
    """The same spotter with all thresholds of displacement `factor` times as high."""
    return msgspec.structs.replace(settings, **{name: factor * getattr(settings, name) for name in _THRESHOLDS})


def _clip(settings: LiveSettings, file: Path) -> tuple[Measured, Measured] | str:
    """A clip under the shipped thresholds and under lowered ones; the reason where it cannot be measured."""
    plans = _plans(_SEED + zlib.crc32(file.stem.encode()) % 1_000_000)
    lower = msgspec.structs.replace(settings, spotter=with_thresholds(settings.spotter, _LOWERED))
    try:
        return _measured(file, settings, plans), _measured(file, lower, plans[:1])
    except AhmsaError as error:
        return str(error)


def _measured(file: Path, settings: LiveSettings, plans: list[Plan]) -> Measured:
    recording = FileRecording(SourceSpec("video", str(file)), settings.source, _MOST_S)
    untouched = watch_untouched(recording, settings)
    trials: list[Trial] = []
    for plan in plans:
        with suppress(DataError):  # a face that is seen in glimpses may hold the movements of one plan and not of another
            trials += measure(recording, untouched, settings, plan).trials
    return Measured(untouched, trials)


def _plans(seed: int) -> list[Plan]:
    """Other people's flow maps, where they are at hand, and the movements of `ahmsa.synth`; others in each clip."""
    maps = Path(os.environ.get("AHMSA_MAPS", str(_SHARED / "flow3db-dev")))
    own = Plan(rounds=1, every_s=_EVERY_S, first_s=_FIRST_S, seed=seed)
    if not maps.is_dir():
        return [replace(own, rounds=3)]
    return [replace(own, rounds=2, amplitudes_px=_MAP_AMPLITUDES_PX, movements=MapMovements(maps)), own]


def _curve(taken: _Taken) -> str:
    trials = [trial for one in taken.lowered for trial in one.trials]
    alarms = [alarm for one in taken.lowered for alarm in one.untouched.alarms]
    minutes = sum(one.untouched.seen.minutes for one in taken.lowered)
    points = curve(trials, alarms, minutes, [factor / _LOWERED for factor in _FACTORS])
    plot_curve([(f, r.value, a) for f, (_, r, a) in zip(_FACTORS, points, strict=True)], PICTURES / "real.png")
    lines = ["| thresholds, times | found | alarms a minute |\n|---|---|---|"]
    lines += [
        f"| {factor:g} | {shown(found)} | {rate:.1f} |" for factor, (_, found, rate) in zip(_FACTORS, points, strict=True)
    ]
    return "As the threshold moves:\n\n" + "\n".join(lines) + "\n\n![recall against alarms a minute](pictures/real.png)"


if __name__ == "__main__":
    print(section(sys.argv[1:]))
