"""What a person does beside any injected movement: how far the head travels, and whether they talk."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ahmsa.face.geometry import canonical_points_px, fit_similarity
from ahmsa.types import FloatArray
from spotting.selftest.trials import Conditions
from streamer.selftest.watch import FaceNote

_BEFORE_S = 0.5
"""A movement's surroundings begin this long before its onset."""
_TALK_WINDOW_S = 0.75
"""Speech is judged over this long before and after a moment."""
_TALK_PX_S = 15.0
"""Lips that oscillate by more than this, px of the 128 px crop a second, are talking: on real clips silent faces have 0.3
to 10, talking ones 30 to 80."""
_LIP_AVERAGE_S = 0.1

Series = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Behaviour:
    """Head and lips frame by frame; NaN where there is no face."""

    times_s: Series
    step_px: Series
    """Travel of the face's middle since the frame before, px of the 128 px crop."""
    lips_px_s: Series
    """Travel of the lip gap, in both directions, px of the 128 px crop a second."""

    def around(self, onset_s: float, offset_s: float) -> Conditions:
        """Conditions of a movement."""
        return self._between(onset_s - _BEFORE_S, offset_s, (onset_s + offset_s) / 2)

    def at(self, t_s: float) -> Conditions:
        """Conditions of a moment."""
        return self._between(t_s - _BEFORE_S, t_s + _BEFORE_S, t_s)

    def _between(self, start_s: float, end_s: float, middle_s: float) -> Conditions:
        first, last = np.searchsorted(self.times_s, [start_s, end_s])
        steps = self.step_px[first + 1 : last + 1]
        known = ~np.isnan(steps)
        length_s = float(np.diff(self.times_s[first : last + 1])[known].sum())
        nearest = int(np.argmin(np.abs(self.times_s - middle_s)))
        talking = bool(self.lips_px_s[nearest] > _TALK_PX_S)  # NaN: not talking
        return Conditions(float(steps[known].sum()) / length_s if known.any() else math.nan, talking)


def behaviour_of(times_ns: Sequence[int], faces: Sequence[FaceNote | None]) -> Behaviour:
    """Measure an untouched recording."""
    times_s = np.asarray(times_ns, dtype=np.float64) / 1e9
    places = np.array([_place(face.points_px) if face is not None else (np.nan,) * 3 for face in faces])
    step = np.hypot(*np.diff(places[:, :2], axis=0, prepend=np.nan).T) * places[:, 2]
    gaps = np.array([face.lip_gap_px if face is not None else np.nan for face in faces])
    return Behaviour(times_s, step, _to_and_fro(times_s, gaps))


def _place(points_px: FloatArray) -> tuple[float, float, float]:
    """Middle of the crop in the picture, and crop px for each px of the picture."""
    matrix = fit_similarity(points_px, canonical_points_px(128))
    linear = matrix[:, :2]
    x, y = np.linalg.solve(linear, np.array([63.5, 63.5]) - matrix[:, 2])
    return float(x), float(y), float(np.hypot(*linear[:, 0]))


def _to_and_fro(times_s: Series, gaps_px: Series) -> Series:
    """Travel of the lip gap within the window less where it ends, a second: a smile that parts the lips counts for little."""
    frame_s = float(np.median(np.diff(times_s))) if len(times_s) > 1 else 1.0
    width = max(round(_LIP_AVERAGE_S / frame_s), 1)
    padded = np.pad(gaps_px, (width // 2, width - 1 - width // 2), mode="edge")
    smooth = np.convolve(padded, np.ones(width) / width, mode="valid")
    reach = max(round(_TALK_WINDOW_S / frame_s), 1)
    travel = np.full(len(smooth), np.nan)
    for i in range(len(smooth)):
        part = smooth[max(i - reach, 0) : i + reach + 1]
        part = part[~np.isnan(part)]
        if len(part) > 2:
            travel[i] = (np.abs(np.diff(part)).sum() - abs(part[-1] - part[0])) / ((len(part) - 1) * frame_s)
    return travel
