"""The newest second or two of the signal as arrays, smoothed."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spotting.signal import Sample

Times = npt.NDArray[np.int64]
Trace = npt.NDArray[np.float64]

_KEEP_NS = 1_500_000_000


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
        self._past: deque[Sample] = deque()

    def add(self, sample: Sample) -> None:
        self._past.append(sample)
        while self._past[0].t_capture_ns < sample.t_capture_ns - _KEEP_NS:
            self._past.popleft()

    def clear(self) -> None:
        self._past.clear()

    def __len__(self) -> int:
        return len(self._past)

    @property
    def newest(self) -> Sample:
        return self._past[-1]

    def window(self) -> Window:
        past = self._past
        times = np.array([sample.t_capture_ns for sample in past], np.int64)
        moved = np.stack([sample.displacement_px for sample in past])
        return Window(
            times_ns=times,
            moved_px=smooth(times, moved, self._smooth_ms),
            head_px=np.stack([sample.head_px for sample in past]).astype(np.float64),
            lost=np.stack([sample.lost for sample in past]),
            spread_px=np.stack([sample.spread_px for sample in past]).astype(np.float64),
            misfit_px=np.array([sample.misfit_px for sample in past]),
            lip_gap_px=np.array([sample.lip_gap_px for sample in past]),
            luma=np.array([sample.luma for sample in past]),
        )


def smooth(times_ns: Times, values: npt.NDArray[np.floating], half_width_ms: float) -> Trace:
    """Triangular average over time, also where frames come unevenly. values: (n, ...) -> the same shape."""
    distance_ms = np.abs(times_ns[:, None] - times_ns[None, :]) / 1e6
    kernel = np.clip(1 - distance_ms / half_width_ms, 0, None)
    kernel /= kernel.sum(axis=1, keepdims=True)
    # A product of matrices this small is quicker, and the same on any machine, without the threads of a BLAS.
    return np.asarray(np.einsum("ij,jk->ik", kernel, values.reshape(len(times_ns), -1)).reshape(values.shape), np.float64)
