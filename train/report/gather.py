"""From run folders to what a report is about. Folders that do not belong together are refused, not averaged over."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from ahmsa.errors import DataError
from train.experiment.baselines import FOLDER
from train.experiment.results import ProtocolResult
from train.experiment.runner import RunResults, read_results
from train.report.published import PublishedTable, table_for

Role = Literal["run", "baseline", "ablation"]


class Leak(msgspec.Struct, frozen=True, kw_only=True):
    """What choosing the epoch on the test subject is worth: `paper` minus `final`, in points of 100."""

    uf1_points: float
    uar_points: float
    looks: int
    """Epochs the choice was made from."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One run of the report."""

    name: str
    role: Role
    group: str
    """The ablation or the run it belongs to; its own name for a run."""
    results: RunResults
    leak: Leak

    @property
    def honest(self) -> ProtocolResult:
        return self.results.protocols["final"]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Every number of a report, as its JSON has it."""

    format: Literal["ahmsa-report-1"] = "ahmsa-report-1"
    entries: list[Entry]
    published: PublishedTable | None

    def of_role(self, role: Role) -> list[Entry]:
        return [entry for entry in self.entries if entry.role == role]


def gather(folders: Sequence[Path]) -> Report:
    """Read runs, the baselines inside them, and folders of ablations.

    folders: each a run folder, or a folder whose subfolders are the runs of one ablation.
    Raises DataError for a folder that holds no run or an unfinished one, and for runs on different maps.
    """
    entries: list[Entry] = []
    for folder in dict.fromkeys(folder.resolve() for folder in folders):
        entries += list(_entries(folder))
    names = [entry.name for entry in entries]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"two runs are called {twice!r}; rename a folder, so that the report can tell them apart.")
    first = entries[0]
    for entry in entries[1:]:
        if entry.results.data.fingerprint != first.results.data.fingerprint:
            raise DataError(
                f"{entry.name} ran on other maps ({_about(entry)}) than {first.name} ({_about(first)}); report them apart."
            )
    data = first.results.data
    return Report(entries=entries, published=table_for({name for name, _ in data.subjects}, len(data.classes)))


def _entries(folder: Path) -> Iterator[Entry]:
    if not folder.is_dir():
        raise DataError(f"no folder {folder}; name a run folder that `ahmsa-train` wrote.")
    if _is_run(folder):
        yield _entry(folder, folder.name, "run", folder.name)
        for baseline in _runs_below(folder / FOLDER):
            yield _entry(baseline, f"{folder.name}: {baseline.name}", "baseline", folder.name)
        return
    steps = _runs_below(folder)
    if not steps:
        raise DataError(f"{folder} is no run folder: it holds no run.json; name a folder that `ahmsa-train` wrote.")
    for step in steps:
        yield _entry(step, f"{folder.name}: {step.name}", "ablation", folder.name)


def _entry(folder: Path, name: str, role: Role, group: str) -> Entry:
    results = read_results(folder)
    final, paper = results.protocols["final"], results.protocols["paper"]
    leak = Leak(
        uf1_points=100 * (paper.uf1 - final.uf1),
        uar_points=100 * (paper.uar - final.uar),
        looks=len({point.epoch for point in results.curves}),
    )
    return Entry(name=name, role=role, group=group, results=results, leak=leak)


def _is_run(folder: Path) -> bool:
    return (folder / "run.json").is_file()


def _runs_below(folder: Path) -> list[Path]:
    """In the order of the numbers in their names, so that batch-64 comes before batch-256."""
    found = [path for path in folder.iterdir() if _is_run(path)] if folder.is_dir() else []
    return sorted(found, key=lambda path: (re.sub(r"\d+", "", path.name), [int(n) for n in re.findall(r"\d+", path.name)]))


def _about(entry: Entry) -> str:
    data = entry.results.data
    return f"{data.name}, {data.samples} maps of {len(data.subjects)} subjects"
