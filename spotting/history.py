"""The newest second or two of the signal as arrays, smoothed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spotting.regions import REGIONS
from spotting.signal import Sample

Times = npt.NDArray[np.int64]
Trace = npt.NDArray[np.float64]

_KEEP_NS = 1_500_000_000
_ROOM = 1024
"""Samples in one array: ten times what is kept of a camera, so that they are seldom moved."""
_PAIRS, _EACH = (len(REGIONS), 2), (len(REGIONS),)
_KEPT: dict[str, tuple[tuple[int, ...], type]] = {
    "t_capture_ns": ((), np.int64),
    "displacement_px": (_PAIRS, np.float64),
    "head_px": (_PAIRS, np.float64),
    "lost": (_EACH, np.bool_),
    "spread_px": (_EACH, np.float64),
    "misfit_px": ((), np.float64),
    "lip_gap_px": ((), np.float64),
    "luma": ((), np.float64),
}
"""Field of a sample -> shape and type of a row."""


@dataclass(frozen=True, slots=True)
class Window:
    """Consecutive samples; index -1 is now. Lengths are px of a 128 crop."""

    times_ns: Times
    """(n,)"""
    moved_px: Trace
    """(n, r, 2) displacement of the regions, smoothed."""
    head_px: Trace
    """(n, r, 2) how far the head has carried the regions."""
    lost: npt.NDArray[np.bool_]
    """(n, r) regions that were not found."""
    spread_px: Trace
    """(n, r) how far the places of a region disagree."""
    misfit_px: Trace
    """(n,)"""
    lip_gap_px: Trace
    """(n,)"""
    luma: Trace
    """(n,)"""

    def since(self, t_ns: int) -> slice:
        """The samples from then on."""
        return slice(int(np.searchsorted(self.times_ns, t_ns)), len(self.times_ns))


class History:
    """Remembers samples and gives them back as a window."""

    def __init__(self, smooth_ms: float) -> None:
        self._smooth_ms = smooth_ms
        self._rows: dict[str, npt.NDArray[Any]] = {
            name: np.zeros((_ROOM, *shape), kind) for name, (shape, kind) in _KEPT.items()
        }
        self._first = self._end = 0
        self._newest: Sample | None = None

    def add(self, sample: Sample) -> None:
        if self._end == len(self._rows["t_capture_ns"]):
            self._move_to_front()
        for name, rows in self._rows.items():
            rows[self._end] = getattr(sample, name)
        self._end += 1
        self._newest = sample
        times = self._rows["t_capture_ns"]
        while times[self._first] < sample.t_capture_ns - _KEEP_NS:
            self._first += 1

    def _move_to_front(self) -> None:
        """In new arrays: a window that was given away looks into the old ones."""
        kept = slice(self._first, self._end)
        free = max(_ROOM - len(self), len(self))
        for name, rows in self._rows.items():
            self._rows[name] = np.concatenate([rows[kept], np.zeros((free, *rows.shape[1:]), rows.dtype)])
        self._first, self._end = 0, len(self)

    def clear(self) -> None:
        self._first = self._end
        self._newest = None

    def __len__(self) -> int:
        return self._end - self._first

    @property
    def newest(self) -> Sample:
        assert self._newest is not None
        return self._newest

    def window(self) -> Window:
        rows = {name: rows[self._first : self._end] for name, rows in self._rows.items()}
        return Window(
            times_ns=rows["t_capture_ns"],
            moved_px=smooth(rows["t_capture_ns"], rows["displacement_px"], self._smooth_ms),
            head_px=rows["head_px"],
            lost=rows["lost"],
            spread_px=rows["spread_px"],
            misfit_px=rows["misfit_px"],
            lip_gap_px=rows["lip_gap_px"],
            luma=rows["luma"],
        )


def smooth(times_ns: Times, values: npt.NDArray[np.floating], half_width_ms: float) -> Trace:
    """Triangular average over time, also where frames come unevenly. values: (n, ...) -> the same shape."""
    distance_ms = np.abs(times_ns[:, None] - times_ns[None, :]) / 1e6
    kernel = np.clip(1 - distance_ms / half_width_ms, 0, None)
    kernel /= kernel.sum(axis=1, keepdims=True)
    # A product of matrices this small is quicker, and the same on any machine, without the threads of a BLAS.
    return np.asarray(np.einsum("ij,jk->ik", kernel, values.reshape(len(times_ns), -1)).reshape(values.shape), np.float64)
