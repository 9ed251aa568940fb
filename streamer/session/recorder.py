"""A session on disk: `events.jsonl`, `motion.csv`, `clocks.csv`, `session.json`. Text, appended and flushed line by line:
what was written before a crash stays readable. No image is stored here.

`events.jsonl` holds one line per message of the emotion, spot, marker and status topics: the published JSON, with its `topic`
put in front. `motion.csv` has a row per motion message. `session.json` says which source, settings, model and versions they
came from, and when it started and ended. `clocks.csv` has a pair of both clocks every ten seconds.
"""

from __future__ import annotations

import csv
import platform
import threading
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import monotonic_ns
from typing import Any

import msgspec
import zmq

from ahmsa.errors import RunError
from ahmsa.files import write_whole
from streamer.stream.client import EmotionStream
from streamer.stream.clocks import ClockPair, clock_pair, utc_text
from streamer.stream.publisher import INPROC
from streamer.stream.schema import MotionMessage, StatusMessage, WorkerStatus, decode

LAYOUT = 1
"""Version of the folder's layout; files and columns may be added within it."""
EVENTS, MOTION, SESSION, CLOCKS = "events.jsonl", "motion.csv", "session.json", "clocks.csv"
CLOCK_COLUMNS = ("monotonic_ns", "utc_ns")
MOTION_COLUMNS = ("session", "seq", "source", "t_capture_ns", "t_publish_ns", "wall_time", "face_id", "gate")
DISPLACEMENT, THRESHOLD = "_displacement_px", "_threshold_px"
IMAGE_SIDE = "image_"
"""Put before a region's name in the header: its left is the image's left, which is the person's right."""
_CLOCKS_EVERY_NS = 10_000_000_000
_PACKAGES = ("ahmsa", "numpy", "opencv-contrib-python", "mediapipe", "torch", "pyzmq", "msgspec")


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
        self, folder: Path, *, session: str, source: str, settings: Mapping[str, Any], started: ClockPair | None = None
    ) -> None:
        """started: the moment from which the session's seconds count; None: now."""
        self.folder = folder
        self._clocks_ns = 0
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if (folder / EVENTS).exists():
                raise RunError(f"{folder} already holds a session; name a new folder to record into")
            self._events = (folder / EVENTS).open("xb")
            self._motion = (folder / MOTION).open("x", newline="", encoding="utf-8")
            self._clocks = (folder / CLOCKS).open("x", newline="", encoding="utf-8")
        except OSError as error:
            raise RunError(
                f"cannot record into {folder}: {error.strerror or error}; name a folder that can be written"
            ) from None
        self._rows = csv.writer(self._motion)
        self._regions: tuple[str, ...] = ()
        self._early: list[MotionMessage] = []
        self._record = SessionRecord(
            session=session,
            source=source,
            started=clocks_of(started or clock_pair()),
            settings=dict(settings),
            versions=versions_now(),
            platform=platform.platform(),
        )
        self._write_session()
        csv.writer(self._clocks).writerow(CLOCK_COLUMNS)
        self._note_clocks(clock_pair())

    def take(self, topic: str, payload: bytes) -> None:
        """Write one published message."""
        if monotonic_ns() - self._clocks_ns >= _CLOCKS_EVERY_NS:
            self._note_clocks(clock_pair())
        if topic.startswith("motion."):
            message = decode(payload)
            if isinstance(message, MotionMessage):
                self._take_motion(message)
            return
        self._events.write(b'{"topic":' + msgspec.json.encode(topic) + b"," + payload[1:] + b"\n")
        self._events.flush()
        if topic.startswith("status."):
            self._note_worker(decode(payload))

    def close(self, reason: str) -> None:
        """Write down how it ended."""
        if not self._regions:
            self._write_header()
        self._events.close()
        self._motion.close()
        end = clock_pair()
        self._note_clocks(end)
        self._clocks.close()
        self._record = msgspec.structs.replace(self._record, ended=clocks_of(end), reason=reason)
        self._write_session()

    def _note_clocks(self, pair: ClockPair) -> None:
        self._clocks_ns = pair.monotonic_ns
        csv.writer(self._clocks).writerow((pair.monotonic_ns, pair.utc_ns))
        self._clocks.flush()

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
        pairs = [IMAGE_SIDE + name + part for name in self._regions for part in (DISPLACEMENT, THRESHOLD)]
        self._rows.writerow([*MOTION_COLUMNS, *pairs])
        for early in self._early:
            self._write_motion(early)
        self._early.clear()

    def _write_motion(self, message: MotionMessage) -> None:
        row: list[object] = [getattr(message, name) for name in MOTION_COLUMNS]
        for name in self._regions:
            sample = message.regions.get(name)
            row += [sample.displacement_px, sample.threshold_px] if sample else ["", ""]
        self._rows.writerow(row)
        self._motion.flush()

    def _note_worker(self, status: object) -> None:
        if isinstance(status, StatusMessage) and status.worker.model and status.worker != self._record.worker:
            self._record = msgspec.structs.replace(self._record, worker=status.worker)
            self._write_session()

    def _write_session(self) -> None:
        write_whole(self.folder / SESSION, msgspec.json.format(msgspec.json.encode(self._record), indent=2) + b"\n")


class RecorderThread:
    """A subscriber that hands every message to a recorder; in the publisher's process, so that nothing is dropped."""

    def __init__(
        self, recorder: Recorder, context: zmq.Context[Any], marker_recorded: Callable[[str, int], None] | None = None
    ) -> None:
        """`marker_recorded(topic, seq)` is called when a marker is written."""
        self.failure: BaseException | None = None
        self._recorder = recorder
        self._marker_recorded = marker_recorded
        self._stream = EmotionStream(INPROC, topics=[""], high_water_mark=0, context=context)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def close(self, reason: str) -> None:
        """Write what has been published until now, and the end. Call it when the publisher has stopped."""
        self._closing.set()
        self._thread.join(2.0)
        self._recorder.close(reason)

    def _run(self) -> None:
        try:
            while True:
                received = self._stream.receive(0.05)
                if received is not None:
                    self._recorder.take(*received)
                    if self._marker_recorded is not None and received[0].startswith("marker."):
                        self._marker_recorded(received[0], decode(received[1]).seq)
                elif self._closing.is_set():
                    break
        except BaseException as error:  # noqa: BLE001 (the parent ends the run with it)
            self.failure = error
        finally:
            self._stream.close()
