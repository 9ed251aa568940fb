"""What training and evaluation read: flow maps with their labels, and whose faces they are."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ahmsa.databases.clips import Subject
from ahmsa.errors import DataError
from ahmsa.settings import FlowSettings
from ahmsa.types import LABELS, FloatArray

IntArray = npt.NDArray[np.int64]


class Sample(NamedTuple):
    """Key and class of one map."""

    subject: Subject
    name: str
    """The clip, unique within its subject."""
    label: int
    """Index into the map set's label names."""


@dataclass(frozen=True)
class MapSet:
    """Flow maps and what is known of each, in one order.

    Raises DataError where keys repeat, numbers lie outside 0-1, or maps and samples do not fit together.
    """

    uvs: FloatArray
    """(n, 3, h, w) u, v, strain, each channel of each map scaled to 0-1."""
    samples: tuple[Sample, ...]
    source: str
    """Where the maps come from, for messages."""
    label_names: tuple[str, ...] = LABELS
    flow: FlowSettings | None = None
    """How the maps were made; None for ready-made maps."""
    crop_px: int | None = None
    """Side of the crop the flow was computed on; None for ready-made maps."""
    sequences: FloatArray | None = None
    """(n, planes, h, w) how each movement goes on (ahmsa.flow.sequence); None where only maps were made."""

    def __post_init__(self) -> None:
        if self.uvs.ndim != 4 or self.uvs.shape[1] != 3 or len(self.uvs) != len(self.samples):
            raise DataError(f"{self.source}: {len(self.samples)} samples do not fit maps of shape {self.uvs.shape}.")
        doubles = [key for key, count in Counter((s.subject, s.name) for s in self.samples).items() if count > 1]
        if doubles:
            subject, name = doubles[0]
            raise DataError(
                f"{self.source}: clip {name} of {subject} is there more than once ({len(doubles)} such clips); keep one."
            )
        if not np.isfinite(self.uvs).all() or self.uvs.min() < 0 or self.uvs.max() > 1:
            raise DataError(f"{self.source}: maps must hold numbers from 0 to 1; make them with `ahmsa-data prepare`.")

    def __len__(self) -> int:
        return len(self.samples)

    @cached_property
    def labels(self) -> IntArray:
        """(n,) class of each map."""
        return np.array([sample.label for sample in self.samples], dtype=np.int64)

    @cached_property
    def subjects(self) -> tuple[Subject, ...]:
        """All subjects, sorted."""
        return tuple(sorted({sample.subject for sample in self.samples}))

    @cached_property
    def databases(self) -> tuple[str, ...]:
        return tuple(sorted({subject.database for subject in self.subjects}))

    @property
    def class_counts(self) -> dict[str, int]:
        counts = Counter(sample.label for sample in self.samples)
        return {name: counts[index] for index, name in enumerate(self.label_names)}

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen hex digits over maps, keys and labels: two sets with the same one are the same data."""
        digest = hashlib.sha256(np.ascontiguousarray(self.uvs).tobytes())
        digest.update(repr((self.samples, self.label_names)).encode())
        if self.sequences is not None:
            digest.update(np.ascontiguousarray(self.sequences).tobytes())
        return digest.hexdigest()[:16]

    def require_every_class(self) -> MapSet:
        """The set itself; DataError where a class has no sample, because nothing could learn or judge it."""
        counts = self.class_counts
        empty = [name for name in self.label_names if counts[name] == 0]
        if empty:
            raise DataError(f"{self.source}: no sample of class {', '.join(empty)} among {len(self)}; found {counts}.")
        return self

    def take(self, indices: Iterable[int]) -> MapSet:
        """The samples at `indices`, in that order."""
        chosen = list(indices)
        sequences = None if self.sequences is None else self.sequences[chosen]
        return replace(self, uvs=self.uvs[chosen], samples=tuple(self.samples[index] for index in chosen), sequences=sequences)


def join(sets: Sequence[MapSet]) -> MapSet:
    """Several databases as one, such as the composite of SMIC, SAMM and CASME II.

    Raises DataError where their maps differ in size, classes or the way they were made.
    """
    first = sets[0]
    for other in sets[1:]:
        same = (other.uvs.shape[1:], other.label_names, other.flow, other.crop_px)
        if same != (first.uvs.shape[1:], first.label_names, first.flow, first.crop_px):
            raise DataError(
                f"maps of {first.source} and {other.source} differ in size, classes or flow settings; prepare them alike."
            )
    sequences = [part.sequences for part in sets if part.sequences is not None]
    return replace(
        first,
        uvs=np.concatenate([part.uvs for part in sets]),
        samples=tuple(sample for part in sets for sample in part.samples),
        source=", ".join(part.source for part in sets),
        sequences=None if len(sequences) < len(sets) else np.concatenate(sequences),
    )
