"""The spotting signal of one face as arrays, as a recorded session holds it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ahmsa.types import HALVES, Half
from streamer.stream.schema import MotionMessage

_SHORTEST_PAUSE_S, _PAUSE_GAPS = 0.25, 2.5
"""Samples further apart than this, and than so many usual gaps (`stream.motion_hz` may be low), have a pause between them in
which nothing was measured."""


@dataclass(frozen=True)
class Signal:
    """One face's samples in the order of their time."""

    t_ns: npt.NDArray[np.int64]
    """(n,) capture times."""
    regions: tuple[str, ...]
    displacement_px: npt.NDArray[np.float32]
    """(n, regions); nan where a region was not measured."""
    threshold_px: npt.NDArray[np.float32]
    """(n, regions)"""
    gates: tuple[str | None, ...]
    """(n,) the gate that was shut for the whole face."""
    half_gates: Mapping[Half, tuple[str | None, ...]]
    """(n,) each: the gate that was shut for all of a half of the face."""
    shut: tuple[Mapping[str, str], ...]
    """(n,) region -> gate that was shut for it."""
    rejected: tuple[str | None, ...]
    """(n,) the gate that kept a movement from being announced, where that was decided."""
    end_ns: int = 0
    """Capture time of the source's last frame, where that is later than the last sample."""

    def nearest(self, t_ns: int) -> int | None:
        """The sample that is nearest in time, no further than a pause away."""
        if not len(self.t_ns):
            return None
        at = int(np.argmin(np.abs(self.t_ns - t_ns)))
        return at if abs(int(self.t_ns[at]) - t_ns) <= self._pause_s * 1e9 else None

    def spans_s(self) -> npt.NDArray[np.float64]:
        """(n,) seconds that each sample stands for: until the next one, but not across a pause. A face that cannot be measured,
        being too dark, has one sample that says so, and stays so until the next."""
        if not len(self.t_ns):
            return np.zeros(0)
        gaps = np.diff(self.t_ns) / 1e9
        together = gaps <= self._pause_s
        usual = float(np.median(gaps[together])) if np.any(together) else 0.0
        until_end = max((self.end_ns - int(self.t_ns[-1])) / 1e9, usual)
        unmeasured = np.isnan(self.displacement_px).all(axis=1)
        return np.where(unmeasured, np.append(gaps, until_end), np.append(np.where(together, gaps, usual), usual))

    def limit_px(self, half: Half) -> npt.NDArray[np.float32]:
        """(n,) the smallest movement of that half of the face that would be announced; nan while a gate was shut for all of
        it."""
        return self._limits_px[half]

    @cached_property
    def _limits_px(self) -> dict[Half, npt.NDArray[np.float32]]:
        limits: dict[Half, npt.NDArray[np.float32]] = {half: np.full(len(self.t_ns), np.nan, np.float32) for half in HALVES}
        for column, region in enumerate(self.regions):
            open_ = [gate is None and region not in shut for gate, shut in zip(self.gates, self.shut, strict=True)]
            half = half_of(region)
            limits[half] = np.fmin(limits[half], np.where(open_, self.threshold_px[:, column], np.nan))
        return limits

    def stretches(self, half: Half | None = None) -> Iterator[tuple[str, int, int]]:
        """(gate, first sample, last sample) for as long as one gate stays shut without a pause, for the face or half of it."""
        gates = self.gates if half is None else self.half_gates[half]
        start = 0
        for i in range(1, len(gates) + 1):
            ends = i == len(gates) or gates[i] != gates[start] or self.follows_pause[i]
            if ends:
                gate = gates[start]
                if gate is not None:
                    yield gate, start, i - 1
                start = i

    def crossings(self) -> Iterator[tuple[str, int, int]]:
        """(region with the highest signal, first sample, last sample) for as long as any region is over its threshold."""
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = np.nan_to_num(self.displacement_px / self.threshold_px, nan=0.0, posinf=0.0)
        if not ratio.size:
            return
        over = ratio.max(axis=1) >= 1
        start: int | None = None
        for i in range(len(over) + 1):
            inside = i < len(over) and bool(over[i]) and not (start is not None and self.follows_pause[i])
            if inside and start is None:
                start = i
            elif not inside and start is not None:
                peak = np.unravel_index(np.argmax(ratio[start:i]), ratio[start:i].shape)[1]
                yield self.regions[int(peak)], start, i - 1
                start = None

    @cached_property
    def follows_pause(self) -> npt.NDArray[np.bool_]:
        """(n,) samples with a pause before them."""
        return np.diff(self.t_ns, prepend=self.t_ns[:1]) > self._pause_s * 1e9

    @cached_property
    def _pause_s(self) -> float:
        usual_s = float(np.median(np.diff(self.t_ns))) / 1e9 if len(self.t_ns) > 1 else 0.0
        return max(_SHORTEST_PAUSE_S, _PAUSE_GAPS * usual_s)


def half_of(region: str) -> Half:
    """Which half of the face a region belongs to."""
    return "upper" if "brow" in region or region == "glabella" else "lower"


@dataclass
class SignalBuilder:
    """Collects motion messages of one face."""

    _times: list[int] = field(default_factory=list)
    _gates: list[str | None] = field(default_factory=list)
    _shut: list[dict[str, str]] = field(default_factory=list)
    _rejected: list[str | None] = field(default_factory=list)
    _rows: list[dict[str, tuple[float, float]]] = field(default_factory=list)
    _regions: dict[str, None] = field(default_factory=dict)

    def add(self, message: MotionMessage) -> None:
        self._times.append(message.t_capture_ns)
        self._gates.append(message.gate)
        self._shut.append({name: one.gate for name, one in message.regions.items() if one.gate is not None})
        self._rejected.append(message.rejected)
        self._rows.append({name: (one.displacement_px, one.threshold_px) for name, one in message.regions.items()})
        self._regions.update(dict.fromkeys(message.regions))

    def signal(self, end_ns: int = 0) -> Signal:
        """end_ns: capture time of the source's last frame."""
        regions = tuple(self._regions)
        order = np.argsort(np.array(self._times, dtype=np.int64), kind="stable")
        return Signal(
            t_ns=np.array(self._times, dtype=np.int64)[order],
            regions=regions,
            displacement_px=self._array(regions, 0)[order],
            threshold_px=self._array(regions, 1)[order],
            gates=tuple(self._gates[i] for i in order),
            half_gates={half: tuple(self._half_gate(i, half) for i in order) for half in HALVES},
            shut=tuple(self._shut[i] for i in order),
            rejected=tuple(self._rejected[i] for i in order),
            end_ns=end_ns,
        )

    def _half_gate(self, i: int, half: Half) -> str | None:
        """The gate of the whole face, or that which shuts most of a half of which nothing is watched."""
        whole, shut = self._gates[i], self._shut[i]
        if whole is not None or not shut:
            return whole
        mine = [shut.get(region) for region in self._rows[i] if half_of(region) == half]
        return Counter(mine).most_common(1)[0][0] if mine and None not in mine else None

    def _array(self, regions: Sequence[str], which: int) -> npt.NDArray[np.float32]:
        nothing = (np.nan, np.nan)
        values = [[row.get(name, nothing)[which] for name in regions] for row in self._rows]
        return np.array(values, dtype=np.float32).reshape(len(self._rows), len(regions))
