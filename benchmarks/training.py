"""`python -m benchmarks training`: stacked folds against one fold after the other, and what a whole run takes.

Maps are random: time does not depend on what they show. Times of whole runs are extrapolated from some epochs of all folds.
Where a CUDA card is at hand the paper's preset is timed on it as well; `python -m benchmarks.training --whole` runs that one
from end to end.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from msgspec.structs import replace

from ahmsa.databases.clips import Subject
from ahmsa.device import resolve_device
from ahmsa.model.net import network_input
from ahmsa.types import FloatArray
from ahmsa.work.processes import default_jobs, in_processes
from benchmarks.machine import describe
from configs.command import run_program
from configs.load import load_settings, shipped
from configs.training import TrainSettings
from train.experiment.folds import leave_one_subject_out
from train.experiment.runner import LARGEST_GROUP_ON_CPU, run
from train.map_set import IntArray, MapSet, Sample
from train.models.contract import Job
from train.models.fit import fit
from train.models.memory import is_out_of_memory, networks_that_fit
from train.models.stack import Weights

EPOCHS = 2
"""Timed epochs; one more goes before them."""
ALONE = 3
"""Folds that are also trained by themselves."""


def section() -> str:
    lines = [
        "## Training",
        "",
        "Leave one subject out on random maps. A network-epoch is one epoch of one network; whole runs are extrapolated.",
        "",
        "| device | preset | folds, maps | one by one, ms a network-epoch | stacked | times faster | whole run, min |",
        "|---|---|---|---|---|---|---|",
        _row("cpu", "shipped", subjects=50, count=319),
        _row("cpu", "shipped", subjects=50, count=319, processes=default_jobs()),
    ]
    if torch.cuda.is_available():
        lines += [_row("cuda", "shipped", subjects=50, count=319), _row("cuda", "paper", subjects=68, count=442)]
    else:
        lines += ["", "The paper's preset (68 folds, 800 epochs) is for a GPU; no CUDA card here, so it was not measured."]
    return "\n".join(lines)


def _row(device: str, name: str, subjects: int, count: int, processes: int = 1) -> str:
    preset = load_settings(TrainSettings, shipped(f"presets/{name}.toml"))
    maps = _random_maps(subjects, count)
    inputs = network_input(maps.uvs, preset.net)
    jobs = [Job(str(fold.subject), fold.train, number) for number, fold in enumerate(leave_one_subject_out(maps))]
    alone = statistics.median(_seconds_per_epoch(inputs, maps.labels, [job], preset, device) for job in jobs[:ALONE])
    if processes == 1:
        together = _all_at_once(inputs, maps.labels, jobs, preset, device)
    else:
        together = _on_cores(_Load(inputs, maps.labels, jobs, preset), processes)
        device = f"{device}, {processes} processes"
    epochs = len(jobs) * preset.members * preset.fit.epochs
    return (
        f"| {device} | {name} (x{preset.members}, {preset.fit.epochs} epochs) | {subjects}, {count} | {alone * 1e3:.0f} | "
        f"{together * 1e3:.1f} | {alone / together:.1f} | {together * epochs / 60:.1f} |"
    )


def _all_at_once(inputs: FloatArray, labels: IntArray, jobs: list[Job], preset: TrainSettings, device: str) -> float:
    """Seconds per network-epoch in a group as large as a run would make it."""
    group = min(len(jobs), networks_that_fit(preset, device), LARGEST_GROUP_ON_CPU if device == "cpu" else len(jobs))
    while True:
        try:
            return _seconds_per_epoch(inputs, labels, jobs[:group], preset, device) / group
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error) or group == 1:
                raise
        group = max(1, group // 2)


@dataclass(frozen=True, eq=False)
class _Load:
    inputs: FloatArray
    labels: IntArray
    jobs: list[Job]
    preset: TrainSettings


def _on_cores(load: _Load, processes: int) -> float:
    """The same with a group in each of several processes at once, as `ahmsa-train` does it on a CPU."""
    rates = [1 / seconds for _, seconds in in_processes(_on_one_core, load, range(processes), processes)]
    return 1 / sum(rates)


def _on_one_core(load: _Load, _number: int) -> float:
    torch.set_num_threads(1)
    return _all_at_once(load.inputs, load.labels, load.jobs, load.preset, "cpu")


def _seconds_per_epoch(inputs: FloatArray, labels: IntArray, jobs: list[Job], preset: TrainSettings, device: str) -> float:
    ends: list[float] = []

    def watch(_epoch: int, _net: object, weights: Weights) -> None:
        next(iter(weights.values())).sum().item()  # a GPU works ahead: wait for it
        ends.append(time.perf_counter())

    short = replace(preset, fit=replace(preset.fit, epochs=EPOCHS + 1))
    fit(inputs, labels, jobs, short, seed=0, device=device, watch=watch)
    return float(np.median(np.diff(ends)))


def _random_maps(subjects: int, count: int) -> MapSet:
    random = np.random.default_rng(0)
    samples = tuple(Sample(Subject("random", f"{index % subjects:02d}"), f"clip{index}", index % 3) for index in range(count))
    return MapSet(random.random((count, 3, 28, 28), np.float32), samples, source="random maps")


def whole_run(device: str) -> str:
    """The paper's preset from end to end, 68 folds x 800 epochs, on random maps: nothing extrapolated. For a GPU."""
    preset = load_settings(TrainSettings, shipped("presets/paper.toml"))
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        results = run(_random_maps(68, 442), preset, Path(folder) / "run", device=device)
        minutes = (time.perf_counter() - began) / 60
    return f"paper preset, {results.networks} folds x {preset.fit.epochs} epochs on {device}: {minutes:.1f} min ({describe()})"


if __name__ == "__main__":
    run_program(lambda: print(whole_run(resolve_device("cuda")) if "--whole" in sys.argv else section()))
