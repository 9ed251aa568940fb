"""The generated database on disk, in CASME II's layout: a workbook, and a folder of 200 fps frames for each clip."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import cv2
import numpy as np

from ahmsa.databases.readers import demo
from ahmsa.databases.readers.casme2 import FPS
from ahmsa.errors import RunError
from ahmsa.files import whole_file
from ahmsa.synth.clip import clip_of, event
from ahmsa.synth.scenario.script import Disturbance
from ahmsa.work.processes import in_processes

_WORKBOOK, _TREE = "CASME2-coding-20140508.xlsx", "CASME2_RAW_selected"
_TITLES = ("Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None, "Action Units", "Estimated Emotion")
_ONSET_S = 0.1
_AMPLITUDES_PX, _RISES_MS, _FALLS_MS = (0.6, 2.0), (55.0, 75.0), (60.0, 80.0)
"""Short movements: a clip has every frame from onset to offset, as CASME II has."""


@dataclass(frozen=True, slots=True)
class _Row:
    """One clip, as the workbook has it."""

    person: int
    clip: str
    onset: int
    apex: int
    offset: int
    emotion: str
    amplitude_px: float
    seed: int

    @property
    def subject(self) -> str:
        return f"{self.person + 1:02d}"


def write_database(root: Path, jobs: int, progress: Callable[[int, int], object]) -> None:
    """Write it below `root`, in `jobs` processes; nothing happens where it is there already.

    The workbook is written last: where it is, all is. progress: called with (clips done, clips in all). Raises RunError where
    something cannot be written.
    """
    workbook = root / _WORKBOOK
    if workbook.is_file():
        return
    rows = _rows()
    progress(0, len(rows))
    for done, _ in enumerate(_write_all(root / _TREE, rows, jobs), start=1):
        progress(done, len(rows))
    _write_workbook(workbook, rows)


def _write_all(tree: Path, rows: list[_Row], jobs: int) -> Iterator[Path]:
    if jobs <= 1:
        yield from (_write_frames(tree, row) for row in rows)
    else:
        yield from (folder for _, folder in in_processes(_write_frames, tree, rows, jobs))


def _rows() -> list[_Row]:
    numbered = product(range(demo.SIZE.people), demo.EMOTIONS, range(demo.SIZE.clips))
    return [_row(seed, person, emotion) for seed, (person, emotion, _) in enumerate(numbered)]


def _row(seed: int, person: int, emotion: str) -> _Row:
    rng = np.random.default_rng([seed, 7])
    rise, fall = (round(float(rng.uniform(*span)) * FPS / 1000) for span in (_RISES_MS, _FALLS_MS))
    onset = round(_ONSET_S * FPS)
    amplitude_px = float(rng.uniform(*_AMPLITUDES_PX))
    return _Row(person, f"EP{seed:02d}_01", onset, onset + rise, onset + rise + fall, emotion, amplitude_px, seed)


def _write_frames(tree: Path, row: _Row) -> Path:
    """The folder of the clip."""
    frame_ms = 1000 / FPS
    times = (
        row.onset * frame_ms / 1000,
        row.amplitude_px,
        (row.apex - row.onset) * frame_ms,
        (row.offset - row.apex) * frame_ms,
    )
    length_s = (row.offset + 1) / FPS
    sway = Disturbance("sway", 0.0, 1000 * length_s)
    clip = clip_of(
        [event(demo.EMOTIONS[row.emotion], *times)], [sway], duration_s=length_s, fps=FPS, seed=row.seed, person=row.person
    )
    folder = tree / f"sub{row.subject}" / row.clip
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{folder} cannot be made ({error.strerror}); choose another place by --data") from None
    for number in range(row.onset, row.offset + 1):
        frame = clip.frame(number)
        assert frame is not None  # this camera loses none
        picture = cv2.imencode(".jpg", frame.image, [cv2.IMWRITE_JPEG_QUALITY, 95])[1]
        with whole_file(folder / f"img{number}.jpg") as part:
            part.write_bytes(picture.tobytes())
    return folder


def _write_workbook(path: Path, rows: list[_Row]) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(_TITLES)
    for row in rows:
        sheet.append((row.subject, row.clip, None, row.onset, row.apex, row.offset, None, None, row.emotion))
    with whole_file(path) as part:
        book.save(part)
