"""What the field used before: three offline detectors to compare with. They see whole clips, and may look ahead.

Each has one threshold, tuned by its paper on laboratory videos. Here they were tuned anew on the benchmark's tuning seeds, and
count in robust standard deviations instead of shares of a clip's maximum, which one turn of the head would set: none of them
shall lose by a camera that it was not made for.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, Protocol, cast

import cv2
import numpy as np
import numpy.typing as npt

from ahmsa.types import AlignedFace, ByteImage, FloatArray

Times = tuple[float, float, float]
"""Onset, apex, offset, ms."""
Signal = npt.NDArray[np.float64]

_LOOK_BACK_MS = 200.0
_LEAST_MS = 100.0
_GAP_MS = 100.0


class Baseline(Protocol):
    """Takes the faces of one clip in order, and tells the movements at its end."""

    name: str

    def update(self, face: AlignedFace) -> None: ...

    def finish(self) -> list[Times]: ...


def offline_baselines(fps: float) -> list[Baseline]:
    """One of each, for a clip of that frame rate."""
    return [FixedReference(fps), MainDirection(fps), FrameDifference(fps)]


class FrameDifference:
    """Mean grey difference to the face 200 ms before; runs that stand out."""

    name = "frame-difference peak"

    def __init__(self, fps: float, sigmas: float = 15.0) -> None:
        self._sigmas = sigmas
        self._past = _Past(max(round(_LOOK_BACK_MS * fps / 1000), 1))
        self._times: list[float] = []
        self._values: list[float] = []

    def update(self, face: AlignedFace) -> None:
        before = self._past.before(face)
        difference = 0.0 if before is None else float(cv2.absdiff(before, face.pixels).mean())
        self._times.append(face.t_capture_ns / 1e6)
        self._values.append(difference)

    def finish(self) -> list[Times]:
        return _runs(np.array(self._times), np.array(self._values), self._sigmas)


class MainDirection:
    """Main directional maximal difference (Wang 2017): how far the main direction of each of 6 x 6 blocks turns back after 2 k.

    The mean of the largest third of the blocks, less its neighbourhood; runs that stand out, widened to both sides, because the
    difference is large near the apex only.
    """

    name = "main-direction difference (MDMD style)"

    def __init__(self, fps: float, sigmas: float = 6.0) -> None:
        self._sigmas = sigmas
        self._lag = max(round(_LOOK_BACK_MS * fps / 1000), 1)
        self._past = _Past(2 * self._lag)
        self._flow: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        self._times: list[float] = []
        self._values: list[float] = []

    def update(self, face: AlignedFace) -> None:
        start = self._past.before(face)
        self._times.append(face.t_capture_ns / 1e6)
        if start is None:
            self._values.append(0.0)
            return
        there = self._flow.calc(start, self._past.middle(self._lag), None)
        whole = self._flow.calc(start, face.pixels, None)
        self._values.append(_turned_back(there, whole))

    def finish(self) -> list[Times]:
        lag = self._lag
        values = np.roll(np.array(self._values), -lag)
        padded = np.pad(values, lag, mode="edge")
        relative = np.clip(values - 0.5 * (padded[: len(values)] + padded[2 * lag :]), 0, None)
        return _runs(np.array(self._times), relative, self._sigmas, widen_ms=80.0)


class FixedReference:
    """After He 2021: flow from the first of about 200 frames, nose motion taken out, thresholds above the local minimum.

    Thresholds are those of the paper for brows, mouth and nose, in px of a 128 crop, times `factor`.
    """

    name = "fixed reference, offline (He 2021 style)"

    _WINDOW_MS = 6667.0
    _NEAR_MS = 1000.0
    _SLOPE = 0.33
    _PX_PER_PAPER_PX = 0.55
    """The paper's crop of 256 px shows the face this much larger than ours."""
    _REGIONS: tuple[tuple[tuple[int, ...], float], ...] = (
        ((63, 105), 1.8), ((66, 107), 1.8), ((336, 296), 1.8), ((334, 293), 1.8),
        ((61,), 1.85), ((291,), 1.85), ((0,), 1.85), ((17,), 1.85),
        ((129,), 2.1), ((358,), 2.1),
    )  # fmt: skip

    def __init__(self, fps: float, factor: float = 0.7) -> None:
        self._factor = factor
        self._fps = fps
        self._reference: AlignedFace | None = None
        self._times: list[float] = []
        self._rows: list[Signal] = []
        self._parts: list[tuple[Signal, Signal]] = []

    def update(self, face: AlignedFace) -> None:
        reference = self._reference
        if reference is None or face.anchor != reference.anchor or _apart_ms(reference, face) > self._WINDOW_MS:
            self._end_window()
            self._reference = reference = face
        flow = cv2.calcOpticalFlowFarneback(reference.pixels, face.pixels, cast(Any, None), 0.5, 3, 15, 5, 7, 1.5, 0)
        nose = _patch_mean(flow, reference.landmarks_px[[195, 5]].mean(axis=0), 7, 0.7)
        rows = [
            np.linalg.norm(_patch_mean(flow, reference.landmarks_px[list(group)].mean(axis=0), 6, 0.2) - nose)
            for group, _ in self._REGIONS
        ]
        self._times.append(face.t_capture_ns / 1e6)
        self._rows.append(np.array(rows))

    def finish(self) -> list[Times]:
        self._end_window()
        found: list[Times] = []
        for times, rows in self._parts:
            for column, (_, threshold) in zip(rows.T, self._REGIONS, strict=True):
                found += self._detect(times, column, threshold * self._PX_PER_PAPER_PX * self._factor)
        return [times for times in _merged(found) if _LEAST_MS <= times[2] - times[0] <= self._WINDOW_MS]

    def _end_window(self) -> None:
        if len(self._rows) > 5:
            self._parts.append((np.array(self._times), np.stack(self._rows)))
        self._times, self._rows = [], []

    def _detect(self, times: Signal, values: Signal, threshold: float) -> list[Times]:
        smooth = _low_pass(values, self._fps, 5.0)
        near = max(round(self._NEAR_MS * self._fps / 1000), 1)
        valley = -cv2.dilate(-smooth[:, None], np.ones((2 * near + 1, 1)))[:, 0]
        found = []
        for start, end in _stretches(smooth - valley > threshold):
            peak = start + int(np.argmax(smooth[start:end]))
            floor = valley[peak] + self._SLOPE * (smooth[peak] - valley[peak])
            left, right = peak, peak
            while left > 0 and smooth[left] > floor:
                left -= 1
            while right < len(smooth) - 1 and smooth[right] > floor:
                right += 1
            found.append((float(times[left]), float(times[peak]), float(times[right])))
        return found


class _Past:
    """The last faces under one alignment."""

    def __init__(self, length: int) -> None:
        self._faces: deque[AlignedFace] = deque(maxlen=length + 1)

    def before(self, face: AlignedFace) -> ByteImage | None:
        """Remember a face; give that of `length` frames ago, if it was cut alike."""
        if self._faces and self._faces[-1].anchor != face.anchor:
            self._faces.clear()
        self._faces.append(face)
        return self._faces[0].pixels if len(self._faces) == self._faces.maxlen else None

    def middle(self, back: int) -> ByteImage:
        return self._faces[-1 - back].pixels


def _turned_back(there: FloatArray, whole: FloatArray) -> float:
    """Mean over the third of the blocks where most motion of the first half is undone by the second."""
    undone = []
    for rows in np.array_split(np.arange(there.shape[0]), 6):
        for columns in np.array_split(np.arange(there.shape[1]), 6):
            block = np.ix_(rows, columns)
            first, both = there[block].reshape(-1, 2), whole[block].reshape(-1, 2)
            bins = ((np.degrees(np.arctan2(first[:, 1], first[:, 0])) + 45) // 90).astype(int) % 4
            main = bins == np.bincount(bins, minlength=4).argmax()
            lengths = np.linalg.norm(first[main], axis=1)
            top = lengths >= np.quantile(lengths, 2 / 3)
            undone.append(float((lengths[top] - np.linalg.norm(both[main][top], axis=1)).mean()))
    return float(np.sort(undone)[-12:].mean())


def _patch_mean(flow: npt.NDArray[Any], centre: npt.NDArray[Any], radius: int, share: float) -> Signal:
    """Mean of the longest `share` of the vectors of a square patch."""
    x, y = np.clip(np.round(centre).astype(int), radius, flow.shape[0] - 1 - radius)
    patch = flow[y - radius : y + radius + 1, x - radius : x + radius + 1].reshape(-1, 2)
    lengths = np.linalg.norm(patch, axis=1)
    return cast(Signal, patch[lengths >= np.quantile(lengths, 1 - share)].mean(axis=0))


def _runs(times: Signal, values: Signal, sigmas: float, widen_ms: float = 0.0) -> list[Times]:
    """Stretches more than so many robust standard deviations above the median."""
    if len(values) < 3:
        return []
    smooth = np.convolve(values, [0.25, 0.5, 0.25], mode="same")
    middle = float(np.median(values))
    threshold = middle + sigmas * 1.4826 * float(np.median(np.abs(values - middle)))
    found = [
        (float(times[start]), float(times[start + int(np.argmax(smooth[start:end]))]), float(times[end - 1]))
        for start, end in _stretches(smooth > threshold)
    ]
    merged = [(max(start - widen_ms, 0.0), apex, end + widen_ms) for start, apex, end in _merged(found, _GAP_MS)]
    return [run for run in merged if run[2] - run[0] >= _LEAST_MS]


def _stretches(flags: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def _merged(found: Sequence[Times], gap_ms: float = 0.0) -> list[Times]:
    """Overlapping movements as one, with the apex of the longest."""
    merged: list[Times] = []
    for run in sorted(found):
        if merged and run[0] <= merged[-1][2] + gap_ms:
            last = merged[-1]
            apex = last[1] if last[2] - last[0] >= run[2] - run[0] else run[1]
            merged[-1] = (last[0], apex, max(last[2], run[2]))
        else:
            merged.append(run)
    return merged


def _low_pass(values: Signal, fps: float, hz: float) -> Signal:
    from scipy.signal import butter, filtfilt

    if len(values) < 15 or hz >= fps / 2:
        return values
    b, a = butter(2, hz / (fps / 2))
    return cast(Signal, filtfilt(b, a, values))


def _apart_ms(one: AlignedFace, other: AlignedFace) -> float:
    return abs(other.t_capture_ns - one.t_capture_ns) / 1e6
