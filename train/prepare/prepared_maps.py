"""From the frames of a database to flow maps: align by the onset, choose the apex, compute the map; in parallel, resumable.

Every finished map is a file of its own under a folder named by the hash of everything that changes its pixels: the settings
and the version of the code that makes it (`ahmsa.settings.MAP_VERSION`). A killed run starts again where it stopped; maps of
other settings are never mixed in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile

import msgspec
import numpy as np

from ahmsa.databases.catalogue import read_surveys
from ahmsa.databases.clips import Clip, Subject, Survey
from ahmsa.errors import AhmsaError, DataError, RunError
from ahmsa.settings import MAP_VERSION, FaceSettings, FlowSettings, Inputs
from ahmsa.work.processes import in_processes
from train.map_set import MapSet, Sample
from train.prepare.apex import ApexRule
from train.prepare.clip_worker import ClipWorker
from train.prepare.map_file import load_map, map_path

DEFAULT_CACHE = Path("runs") / "maps"
_NAMED_PROBLEMS = 5


class PrepareSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything a user can set that changes a map."""

    crop_px: int = FaceSettings().crop_px
    flow: FlowSettings = msgspec.field(default_factory=FlowSettings)
    apex_rule: ApexRule = "middle"
    inputs: Inputs = "map"


@dataclass(frozen=True, slots=True)
class Prepared:
    maps: MapSet
    folder: Path
    """Where the map files lie."""
    surveys: list[Survey]
    bad: list[str] = field(default_factory=list)
    """Clips that were skipped, each with its reason; empty unless skipping was asked for."""

    def remarks(self) -> list[str]:
        """What a user of these maps must know: clips that were skipped, totals that differ, frames chosen by a rule."""
        remarks = [f"skipped {problem}" for problem in self.bad]
        for survey in self.surveys:
            if not survey.complete:
                remarks.append(f"note: {survey.database} differs from its official totals; see ahmsa-data check")
            if notes := sum(not problem.fatal for problem in survey.problems):
                remarks.append(f"note: {notes} rows or clips of {survey.database} were read by a rule; see ahmsa-data check")
        return remarks


Progress = Callable[[int, int], object]
"""Called with (clips done, clips in all)."""


def prepare(
    database: str,
    root: Path,
    settings: PrepareSettings,
    *,
    classes: int = 3,
    cache_folder: Path = DEFAULT_CACHE,
    jobs: int = 1,
    skip_bad: bool = False,
    progress: Progress | None = None,
) -> Prepared:
    """The maps of a database, made where they are not in the cache yet.

    Raises DataError after all good clips are done, naming the bad ones, unless `skip_bad`; and where a class has no map. Raises
    RunError at once where maps cannot be kept.
    """
    surveys = read_surveys(database, root, classes)
    folder = _writable(cache_folder / f"{database}-{settings_hash(settings)}")
    clips = [clip for survey in surveys for clip in survey.clips]
    bad = [str(problem) for survey in surveys for problem in survey.problems if problem.fatal]
    todo = [clip for clip in clips if load_map(map_path(folder, clip), clip) is None]
    worker = ClipWorker(folder, settings.crop_px, settings.flow, settings.apex_rule, settings.inputs)
    report = progress or (lambda *_: None)
    report(len(clips) - len(todo), len(clips))
    for done, problem in enumerate(_work_all(todo, worker, jobs), start=len(clips) - len(todo) + 1):
        if problem is not None:
            bad.append(problem)
        report(done, len(clips))
    if bad and not skip_bad:
        raise DataError(_refusal(database, bad))
    return Prepared(_map_set(clips, folder, surveys[0].protocol.labels, root, settings), folder, surveys, bad)


def _writable(folder: Path) -> Path:
    """The folder, made where it is not there yet."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        raise RunError(f"no map can be kept in {folder} ({error.strerror}); choose a place that can be written to") from None


def settings_hash(settings: PrepareSettings) -> str:
    """Twelve hex digits of the settings and of the version of the map: a change of either makes new maps."""
    fields = msgspec.to_builtins(settings)
    if settings.inputs == "map":
        del fields["inputs"]  # as before there was a choice: maps that were made then are still good
    return hashlib.sha256(f"map {MAP_VERSION} ".encode() + msgspec.json.encode(fields)).hexdigest()[:12]


def _refusal(database: str, bad: Sequence[str]) -> str:
    named, more = "; ".join(bad[:_NAMED_PROBLEMS]), len(bad) - _NAMED_PROBLEMS
    return (
        f"{len(bad)} clip{'s' if len(bad) > 1 else ''} of {database} cannot be prepared: {named}"
        f"{f' (and {more} more)' if more > 0 else ''}; put them right, or leave them out with --skip-bad"
    )


def _map_set(clips: Sequence[Clip], folder: Path, labels: tuple[str, ...], root: Path, settings: PrepareSettings) -> MapSet:
    found = [(clip, flow_map) for clip in clips if (flow_map := load_map(map_path(folder, clip), clip)) is not None]
    if not found:
        raise DataError(f"{root} gave no map at all; see ahmsa-data check")
    samples = tuple(Sample(Subject(clip.database, clip.subject), clip.name, labels.index(clip.label)) for clip, _ in found)
    uvs = np.stack([flow_map.uvs for _, flow_map in found])
    sequences = [flow_map.sequence for _, flow_map in found if flow_map.sequence is not None]
    maps = MapSet(
        uvs,
        samples,
        source=str(root),
        label_names=labels,
        flow=settings.flow,
        crop_px=settings.crop_px,
        sequences=np.stack(sequences) if sequences else None,
    )
    return maps.require_every_class()


def _work_all(clips: Sequence[Clip], worker: ClipWorker, jobs: int) -> Iterator[str | None]:
    """One result per clip, as they finish: None, or what is wrong with it."""
    if jobs <= 1 or len(clips) <= 1:
        yield from (_attempt(worker, clip) for clip in clips)
    else:
        yield from (problem for _, problem in in_processes(_attempt, worker, clips, jobs))


def _attempt(worker: ClipWorker, clip: Clip) -> str | None:
    try:
        worker.make(clip)
    except AhmsaError as error:
        return f"{clip.subject} {clip.name} ({clip.source}): {error}"
    return None
