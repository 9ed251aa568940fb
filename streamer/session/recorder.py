"""A session on disk: `events.jsonl`, `motion.csv`, `clocks.csv`, `session.json`. Text, appended and flushed line by line:
what was written before a crash stays readable. No image is stored here.

`events.jsonl` holds one line per message of the emotion, spot, marker and status topics: the published JSON, with its `topic`
put in front. `motion.csv` has a row per motion message. `session.json` says which source, settings, model and versions they
came from, and when it started and ended. `clocks.csv` has a pair of both clocks every ten seconds.
"""

from __future__ import annotations

import contextlib
import csv
import errno
import io
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import monotonic, monotonic_ns
from typing import Any

import msgspec

from ahmsa.errors import RunError
from ahmsa.files import new_private_file, private_folder, write_whole
from streamer.stream.clocks import ClockPair, clock_pair, utc_text
from streamer.stream.schema import MotionMessage, StatusMessage, WorkerStatus, decode

LAYOUT = 1
"""Version of the folder's layout; files and columns may be added within it."""
EVENTS, MOTION, SESSION, CLOCKS = "events.jsonl", "motion.csv", "session.json", "clocks.csv"
CLOCK_COLUMNS = ("monotonic_ns", "utc_ns")
MOTION_COLUMNS = ("session", "seq", "source", "t_capture_ns", "t_publish_ns", "wall_time", "face_id", "gate", "rejected")
DISPLACEMENT, THRESHOLD, GATE = "_displacement_px", "_threshold_px", "_gate"
IMAGE_SIDE = "image_"
"""Put before a region's name in the header: its left is the image's left, which is the person's right."""
_CLOCKS_EVERY_NS = 10_000_000_000
_PACKAGES = ("ahmsa", "numpy", "opencv-contrib-python-headless", "ai-edge-litert", "torch", "pyzmq", "msgspec")


class Clocks(msgspec.Struct, frozen=True):
    """One moment on both clocks."""

    monotonic_ns: int
    wall_time: str


class SessionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What `session.json` holds."""

    layout: int = LAYOUT
    session: str
    source: str
    started: Clocks
    ended: Clocks | None = None
    """None where the program was cut off."""
    reason: str | None = None
    """Why it ended."""
    settings: dict[str, Any]
    worker: WorkerStatus | None = None
    """The recogniser: model (hash of the checkpoint) and device."""
    versions: dict[str, str]
    platform: str
    video: str | None = None
    """The file that was analysed, where it was a file."""
    fingerprint: str | None = None
    """Of file, settings and weights: an analysis that is run again does anew only what has changed."""
    problem: str | None = None
    """What was wrong with the file, in one sentence; what was found before is kept."""


def clocks_of(pair: ClockPair) -> Clocks:
    return Clocks(pair.monotonic_ns, utc_text(pair.utc_ns))


def versions_now() -> dict[str, str]:
    """Of what decides the results."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


class Recorder:
    """Writes one session into a new folder. Raises RunError where that cannot be made or holds a session already."""

    def __init__(
        self,
        folder: Path,
        *,
        session: str,
        source: str,
        settings: Mapping[str, Any],
        started: ClockPair | None = None,
        look_s: float = 1.0,
        **more: Any,
    ) -> None:
        """started: the moment from which the session's seconds count; None: now. look_s: a record that was
        removed is noticed within so long. more: further fields of SessionRecord."""
        self.folder = folder
        self._clocks_ns = 0
        self._regions: tuple[str, ...] = ()
        self._early: list[MotionMessage] = []
        self._look_s, self._checked_s = look_s, monotonic()
        try:
            private_folder(folder)
            if (folder / EVENTS).exists():
                raise RunError(f"{folder} already holds a session; name a new folder to record into")
            # Unbuffered: what was written is out of this process, whatever ends it.
            self._events = io.FileIO(new_private_file(folder / EVENTS), "ab")
            self._motion = io.FileIO(new_private_file(folder / MOTION), "ab")
            self._clocks = io.FileIO(new_private_file(folder / CLOCKS), "ab")
        except OSError as error:
            raise RunError(
                f"cannot record into {folder}: {error.strerror or error}; name a folder that can be written"
            ) from None
        self._record = SessionRecord(
            session=session,
            source=source,
            started=clocks_of(started or clock_pair()),
            settings=dict(settings),
            versions=versions_now(),
            platform=platform.platform(),
            **more,
        )
        self._write_session()
        with self._as_run_error():
            self._put(self._clocks, _csv_line(CLOCK_COLUMNS))
            self._note_clocks(clock_pair())

    def take(self, topic: str, payload: bytes) -> None:
        """Write one message that is about to be published. Raises RunError where it cannot be kept."""
        with self._as_run_error():
            self._check_place()
            if monotonic_ns() - self._clocks_ns >= _CLOCKS_EVERY_NS:
                self._note_clocks(clock_pair())
            if topic.startswith("motion."):
                message = decode(payload)
                if isinstance(message, MotionMessage):
                    self._take_motion(message)
                return
            self._put(self._events, b'{"topic":' + msgspec.json.encode(topic) + b"," + payload[1:] + b"\n")
            if topic.startswith("status."):
                self._note_worker(decode(payload))

    def close(self, reason: str, problem: str | None = None) -> bool:
        """Write down how it ended, as far as that can be written: what is on disk stays readable without. Returns whether all
        of it could."""
        end = clock_pair()
        self._record = msgspec.structs.replace(self._record, ended=clocks_of(end), reason=reason, problem=problem)
        is_whole = True
        files = (self._events.close, self._motion.close, self._clocks.close)
        for step in (self._write_missing_header, partial(self._note_clocks, end), *files, self._write_end):
            try:
                step()
            except (OSError, RunError):
                is_whole = False
        return is_whole

    def _write_missing_header(self) -> None:
        if not self._regions:
            self._write_header()

    def _write_end(self) -> None:
        # A folder that was removed is not made again.
        if not (self.folder / EVENTS).exists():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self.folder / EVENTS))
        self._write_session()

    @contextlib.contextmanager
    def _as_run_error(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise RunError(f"cannot record into {self.folder}: {reason}; the run ended, what was written is kept") from None

    def _check_place(self) -> None:
        """Now and then: is what is written still where it can be found?"""
        if monotonic() - self._checked_s < self._look_s:
            return
        self._checked_s = monotonic()
        for file, name in ((self._events, EVENTS), (self._motion, MOTION)):
            mine = os.fstat(file.fileno())
            try:
                there = (self.folder / name).stat()
            except FileNotFoundError:
                there = None
            if there is None or (there.st_dev, there.st_ino) != (mine.st_dev, mine.st_ino):
                raise RunError(f"{self.folder / name} was removed while it was being written; the run ended, record anew")

    @staticmethod
    def _put(file: io.RawIOBase, line: bytes) -> None:
        """A line as a whole. A disk that is nearly full takes a part of it and complains about the rest."""
        rest = memoryview(line)
        while rest:
            rest = rest[file.write(rest) or 0 :]

    def _note_clocks(self, pair: ClockPair) -> None:
        self._clocks_ns = pair.monotonic_ns
        self._put(self._clocks, _csv_line((pair.monotonic_ns, pair.utc_ns)))

    def _take_motion(self, message: MotionMessage) -> None:
        if not self._regions and not message.regions:
            # Before the first sample with regions the columns are not known.
            self._early.append(message)
            return
        if not self._regions:
            self._regions = tuple(message.regions)
            self._write_header()
        self._write_motion(message)

    def _write_header(self) -> None:
        pairs = [IMAGE_SIDE + name + part for name in self._regions for part in (DISPLACEMENT, THRESHOLD, GATE)]
        self._put(self._motion, _csv_line([*MOTION_COLUMNS, *pairs]))
        for early in self._early:
            self._write_motion(early)
        self._early.clear()

    def _write_motion(self, message: MotionMessage) -> None:
        row: list[object] = [getattr(message, name) for name in MOTION_COLUMNS]
        for name in self._regions:
            sample = message.regions.get(name)
            row += [sample.displacement_px, sample.threshold_px, sample.gate] if sample else ["", "", ""]
        self._put(self._motion, _csv_line(row))

    def _note_worker(self, status: object) -> None:
        if isinstance(status, StatusMessage) and status.worker.model and status.worker != self._record.worker:
            self._record = msgspec.structs.replace(self._record, worker=status.worker)
            self._write_session()

    def _write_session(self) -> None:
        write_whole(
            self.folder / SESSION, msgspec.json.format(msgspec.json.encode(self._record), indent=2) + b"\n", private=True
        )


def _csv_line(cells: Sequence[object]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerow(cells)
    return text.getvalue().encode()
