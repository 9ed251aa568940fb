"""`ahmsa-analyse`: many videos, one session each, and three tables over all of them.

    OUT/sessions/<name>/   a session as `ahmsa-live --record` writes it
    OUT/events.csv         one row per movement
    OUT/faces.csv          one row per face: how much of it was seen, watched, and blind by which gate
    OUT/files.csv          one row per file

A session appears under its name when it is whole. Run again, an analysis does only what is missing or has changed, and the
tables are always made of the sessions: a run that was killed and run again gives the same bytes.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from ahmsa.errors import AhmsaError, SourceError, UsageError
from ahmsa.files import private_folder, write_whole
from ahmsa.printable import is_printable
from ahmsa.work.processes import in_processes
from streamer.acquire.video_file import video_info
from streamer.offline.analyse_video import Analysed, Given, Job, analyse_video
from streamer.session.reader import read_session
from streamer.session.session import Session, load_session
from streamer.session.table import EVENT_COLUMNS, FACE_COLUMNS, csv_text, duration_s, event_columns, event_rows, face_rows

VIDEOS = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv")
SESSIONS = "sessions"
FILE_COLUMNS = (
    *("video", "state", "problem", "duration_s", "frames", "processed", "dropped", "rate_hz"),
    *("faces", "confirmed", "rejected", "unfinished", "model", "path"),
)

Execute = Callable[[Given, Sequence[Job]], Iterator[tuple[Job, Analysed]]]
Notify = Callable[[Job, str | None], None]
"""Told of each finished video, and what was wrong with it."""


@dataclass(frozen=True)
class Plan:
    """What an analysis has to do."""

    jobs: list[Job]
    """Every video, in the order of the tables."""
    open: list[Job]
    """Those that are not done yet."""


def plan(paths: Sequence[Path], out: Path, given: Given) -> Plan:
    """Find the videos, and which of them are done. Raises UsageError where there are none."""
    videos = list(_videos(paths))
    if not videos:
        raise UsageError(f"no video found in {', '.join(map(str, paths))}; name files, or folders that hold {' '.join(VIDEOS)}")
    unwritten = next((video for video, _ in videos if not is_printable(str(video))), None)
    if unwritten is not None:
        raise UsageError(f"the name of {unwritten} cannot stand in a table (no text, or control characters); rename it")
    names = _names(videos)
    common = _digest_of_settings(given)
    jobs = [Job(name, video, _digest_of_file(video, common)) for name, (video, _) in zip(names, videos, strict=True)]
    return Plan(jobs, [_measured(job) for job in jobs if not _is_done(out, job)])


def analyse(work: Plan, out: Path, given: Given, execute: Execute, notify: Notify) -> list[tuple[Job, str]]:
    """Do what is open, then write the tables. Returns the files that something was wrong with, and what."""
    problems: dict[str, str] = {}
    for job, done in execute(given, work.open):
        if done.files:
            write_session(out / SESSIONS / job.name, done.files)
        if done.problem is not None:
            problems[job.name] = done.problem
        notify(job, done.problem)
    return write_tables(work.jobs, out, problems)


def on_this_machine(jobs: int) -> Execute:
    """Videos in at most `jobs` processes."""

    def execute(given: Given, open_jobs: Sequence[Job]) -> Iterator[tuple[Job, Analysed]]:
        if open_jobs:
            yield from in_processes(analyse_video, given, open_jobs, jobs)

    return execute


def on_cluster(address: str) -> Execute:
    """Videos on a Ray cluster, whose nodes must see them under the same paths. Raises UsageError where Ray is missing."""
    from ahmsa.work.cluster import connected, on_nodes, ray_module

    ray = ray_module()

    def execute(given: Given, open_jobs: Sequence[Job]) -> Iterator[tuple[Job, Analysed]]:
        if open_jobs:
            with connected(ray, address):
                gpus = 1 if given.device.startswith("cuda") else 0
                yield from on_nodes(analyse_video, replace(given, progress=None), open_jobs, lambda job: job.name, gpus=gpus)

    return execute


def write_session(folder: Path, files: dict[str, bytes]) -> None:
    """A session's folder, whole or not there."""
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    private_folder(part)
    for name, content in files.items():
        write_whole(part / name, content, private=True)
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)


def write_tables(jobs: Sequence[Job], out: Path, problems: dict[str, str]) -> list[tuple[Job, str]]:
    """events.csv, faces.csv and files.csv of the sessions in `out`. Returns what was wrong with which file."""
    events: list[dict[str, Any]] = []
    faces: list[dict[str, Any]] = []
    files: list[dict[str, Any]] = []
    wrong = []
    for job in jobs:
        try:
            session: Session | None = load_session(out / SESSIONS / job.name)
        except AhmsaError:
            session = None
        problem = session.record.problem if session is not None else problems.get(job.name, "it was not analysed")
        if problem is not None:
            wrong.append((job, problem))
        if session is not None:
            events += [row | {"video": job.name} for row in event_rows(session)]
            faces += [row | {"video": job.name} for row in face_rows(session)]
        files.append(_file_row(job, session, problem))
    write_whole(out / "events.csv", csv_text(events, event_columns(events) if events else EVENT_COLUMNS))
    write_whole(out / "faces.csv", csv_text(faces, FACE_COLUMNS))
    write_whole(out / "files.csv", csv_text(files, FILE_COLUMNS))
    return wrong


def _file_row(job: Job, session: Session | None, problem: str | None) -> dict[str, Any]:
    row: dict[str, Any] = {"video": job.name, "path": str(job.video), "problem": problem}
    if session is None:
        return row | {"state": "failed"}
    last = session.statuses[-1] if session.statuses else None
    states = [event.state for event in session.events]
    seconds = duration_s(session, session.record.source)
    return row | {
        "state": "done" if problem is None else "cut off",
        "duration_s": round(seconds, 3),
        "frames": last.captured if last else 0,
        "processed": last.processed if last else 0,
        "dropped": sum(last.dropped.values()) if last else 0,
        "rate_hz": round((last.captured - 1) / seconds, 2) if last and seconds else None,
        "faces": len(session.signals),
        **{state: states.count(state) for state in ("confirmed", "rejected", "unfinished")},
        "model": session.record.worker.model if session.record.worker else None,
    }


def _videos(paths: Iterable[Path]) -> Iterator[tuple[Path, Path]]:
    """Each video once, with the path that it is called by: below the folder that was named, or its own name."""
    seen: set[Path] = set()
    for path in paths:
        if path.is_dir():
            below = sorted(file for file in path.rglob("*") if file.suffix.lower() in VIDEOS and file.is_file())
            found = [(file, file.relative_to(path)) for file in below if not any(part.startswith(".") for part in file.parts)]
        elif path.exists():
            found = [(path, Path(path.name))]
        else:
            raise UsageError(f"there is no {path}; name videos or folders of videos")
        for file, name in found:
            whole = file.resolve()
            if whole not in seen:
                seen.add(whole)
                yield whole, name


def _names(videos: Sequence[tuple[Path, Path]]) -> list[str]:
    """A folder's name for each video; videos of one name are told apart by their suffix or a number."""
    plain = [_plain(str(name.with_suffix(""))) for _, name in videos]
    named: list[str] = []
    for stem, (_, name) in zip(plain, videos, strict=True):
        wanted = stem if plain.count(stem) == 1 else _plain(f"{stem}_{name.suffix.lstrip('.')}")
        number, free = 2, wanted
        while free in named:
            free, number = f"{wanted}_{number}", number + 1
        named.append(free)
    return named


def _plain(text: str) -> str:
    return re.sub(r"[^\w.-]+", "_", text).strip("._") or "video"


def _digest_of_settings(given: Given) -> bytes:
    from ahmsa.model.checkpoint import shipped

    weights = Path(given.checkpoint or shipped())
    digest = hashlib.sha256(msgspec.json.encode(given.settings))
    try:
        digest.update(weights.read_bytes())
    except OSError as error:
        raise UsageError(f"cannot read the checkpoint {weights}: {error.strerror}") from None
    return digest.digest()


def _digest_of_file(video: Path, common: bytes) -> str:
    """By size and time of change: reading a hundred videos only to know them again would take long."""
    known = video.stat()
    return hashlib.sha256(common + f"{video}:{known.st_size}:{known.st_mtime_ns}".encode()).hexdigest()[:16]


def _is_done(out: Path, job: Job) -> bool:
    try:
        record = read_session(out / SESSIONS / job.name)
    except AhmsaError:
        return False
    return record.fingerprint == job.fingerprint and record.ended is not None


def _measured(job: Job) -> Job:
    """With its length, for the time that is left."""
    try:
        info = video_info(job.video)
    except SourceError:
        return job
    return replace(job, seconds=info.duration_s or info.frames / info.rate_hz)
