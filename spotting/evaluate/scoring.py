"""Scoring as the MEGC challenges do it (He 2020, Li 2021): an interval is a hit if it overlaps a true one by half.

Two ways are offered. `score_strict` pairs predictions and labels one to one, by the assignment of most hits and then of the
largest overlap, kind by kind: it is the score of this project. `score_published` repeats two quirks of published scorers, to
compare with their tables: one prediction may hit several labels, and hits ignore the kind, so that false positives are counted
by the kind that was predicted but misses by the kind of the label.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ahmsa.databases.long_videos import LongVideo
from ahmsa.types import Kind

KINDS: tuple[Kind, ...] = ("micro", "macro")

MICRO_LIMIT_MS = 500.0
"""The field's limit between micro- and macro-expressions."""
AMPLITUDE_BINS_PX = (0.0, 0.5, 1.0, 2.0, float("inf"))


@dataclass(frozen=True, slots=True)
class Interval:
    """A movement in a video, true or predicted."""

    video: str
    onset_ms: float
    apex_ms: float
    offset_ms: float
    kind: Kind
    label: str | None = None
    """Emotion, where one is known or was recognised."""
    amplitude_px: float | None = None
    """Largest displacement, px of the 128 crop, where it is known."""


def labels_of(video: LongVideo) -> list[Interval]:
    """The labelled movements of a long video, in ms after the first frame of its folder.

    An apex that is not annotated is taken halfway between onset and offset.
    """
    first = next(iter(video.frames.names), 0)

    def ms(number: float) -> float:
        return (number - first) * 1000 / video.fps

    return [
        Interval(
            video=m.video,
            onset_ms=ms(m.onset),
            apex_ms=ms((m.onset + m.offset) / 2 if m.apex is None else m.apex),
            offset_ms=ms(m.offset),
            kind=m.kind,
            label=m.label,
        )
        for m in video.movements
    ]


@dataclass(frozen=True, slots=True)
class Counts:
    """Hits, false alarms and misses; add them over videos, never average F1."""

    tp: int = 0
    fp: int = 0
    fn: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn)

    @property
    def precision(self) -> float:
        return self.tp / max(self.tp + self.fp, 1)

    @property
    def recall(self) -> float:
        return self.tp / max(self.tp + self.fn, 1)

    @property
    def f1(self) -> float:
        return 2 * self.tp / max(2 * self.tp + self.fp + self.fn, 1)


@dataclass(frozen=True, slots=True)
class Score:
    """What a set of predictions is worth. Errors are over hits; NaN where there are none."""

    counts: Mapping[Kind, Counts]
    hits: tuple[tuple[Interval, Interval], ...]
    """(label, prediction) pairs."""
    missed: tuple[Interval, ...]
    false_alarms: tuple[Interval, ...]
    any_kind: Counts | None = None
    """As MEGC's figure over all: a pair counts whatever the kinds of its two sides; None where there is no such pairing."""

    @property
    def all(self) -> Counts:
        """Both kinds together, each paired with its own."""
        return self.counts["micro"] + self.counts["macro"]

    def apex_errors_ms(self) -> npt.NDArray[np.float64]:
        """Signed: positive where the prediction is late; micro-expressions only."""
        return np.array([p.apex_ms - t.apex_ms for t, p in self.hits if t.kind == "micro"])

    def onset_errors_ms(self) -> npt.NDArray[np.float64]:
        """Signed: positive where the prediction is late; micro-expressions only."""
        return np.array([p.onset_ms - t.onset_ms for t, p in self.hits if t.kind == "micro"])

    def recall_by_amplitude(self, bins_px: Sequence[float] = AMPLITUDE_BINS_PX) -> dict[tuple[float, float], tuple[int, int]]:
        """(low, high) px -> (hits, labels) of micro-expressions whose amplitude is known; empty bins are left out."""
        hit = [t.amplitude_px for t, _ in self.hits if t.kind == "micro" and t.amplitude_px is not None]
        missed = [t.amplitude_px for t in self.missed if t.kind == "micro" and t.amplitude_px is not None]
        table = {}
        for low, high in pairwise(bins_px):
            hits = sum(low <= a < high for a in hit)
            labels = hits + sum(low <= a < high for a in missed)
            if labels:
                table[low, high] = (hits, labels)
        return table

    def false_alarms_per_minute(self, minutes: float, kind: Kind = "micro") -> float:
        return self.counts[kind].fp / minutes

    def strs(self) -> float:
        """Spot-then-recognise score: F1 of spotting (all) x F1 of analysis, macro-averaged over the true labels of the hits.

        NaN where no hit carries both labels.
        """
        pairs = [(t.label, p.label) for t, p in self.hits if t.label is not None and p.label is not None]
        if not pairs:
            return float("nan")
        return self.all.f1 * _macro_f1(pairs)


def kind_by_length(length_ms: float) -> Kind:
    """What a movement of that length is called."""
    return "micro" if length_ms <= MICRO_LIMIT_MS else "macro"


def overlap(a: Interval, b: Interval, frame_ms: float = 0.0) -> float:
    """Intersection over union in time. `frame_ms` counts the last frame in, as scorers that count frames do."""
    if a.video != b.video:
        return 0.0
    common = min(a.offset_ms, b.offset_ms) - max(a.onset_ms, b.onset_ms) + frame_ms
    union = max(a.offset_ms, b.offset_ms) - min(a.onset_ms, b.onset_ms) + frame_ms
    return max(common, 0.0) / union if union > 0 else 0.0


def score_strict(
    predicted: Sequence[Interval], truth: Sequence[Interval], *, least: float = 0.5, frame_ms: float = 0.0
) -> Score:
    """One-to-one at IoU >= `least`, kind by kind: of all pairings the one with most hits and then the largest overlap."""
    hits: list[tuple[Interval, Interval]] = []
    counts: dict[Kind, Counts] = {}
    for kind in KINDS:
        mine, labels = _of_kind(predicted, kind), _of_kind(truth, kind)
        pairs = _pairs(mine, labels, least, frame_ms)
        hits += pairs
        counts[kind] = Counts(len(pairs), len(mine) - len(pairs), len(labels) - len(pairs))
    together = len(_pairs(predicted, truth, least, frame_ms))
    any_kind = Counts(together, len(predicted) - together, len(truth) - together)
    return replace(_score(counts, hits, predicted, truth), any_kind=any_kind)


def score_published(
    predicted: Sequence[Interval], truth: Sequence[Interval], *, least: float = 0.5, frame_ms: float = 0.0
) -> Score:
    """The looser variant of published scorers; see the module's text. Not one-to-one: compare with their tables only."""
    hits = []
    for label in truth:
        best = max(predicted, key=lambda p: overlap(p, label, frame_ms), default=None)
        if best is not None and overlap(best, label, frame_ms) >= least:
            hits.append((label, best))
    hit_labels, used = {id(t) for t, _ in hits}, {id(p) for p in predicted if _hits_any(p, truth, least, frame_ms)}
    counts: dict[Kind, Counts] = {
        kind: Counts(
            tp=sum(t.kind == kind for t, _ in hits),
            fp=sum(p.kind == kind and id(p) not in used for p in predicted),
            fn=sum(t.kind == kind and id(t) not in hit_labels for t in truth),
        )
        for kind in KINDS
    }
    return _score(counts, hits, predicted, truth)


def _score(
    counts: Mapping[Kind, Counts],
    hits: Sequence[tuple[Interval, Interval]],
    predicted: Sequence[Interval],
    truth: Sequence[Interval],
) -> Score:
    hit_labels, used = {id(t) for t, _ in hits}, {id(p) for _, p in hits}
    return Score(
        counts=counts,
        hits=tuple(hits),
        missed=tuple(t for t in truth if id(t) not in hit_labels),
        false_alarms=tuple(p for p in predicted if id(p) not in used),
    )


def _pairs(
    predicted: Sequence[Interval], truth: Sequence[Interval], least: float, frame_ms: float
) -> list[tuple[Interval, Interval]]:
    from scipy.optimize import linear_sum_assignment

    pairs = []
    for video in sorted({t.video for t in truth}):
        labels, mine = [t for t in truth if t.video == video], [p for p in predicted if p.video == video]
        if not mine:
            continue
        overlaps = np.array([[overlap(p, t, frame_ms) for p in mine] for t in labels])
        # A hit is worth more than any sum of overlaps, so that the number of hits comes first.
        worth = np.where(overlaps >= least, len(labels) + overlaps, 0.0)
        rows, columns = linear_sum_assignment(-worth)
        pairs += [(labels[i], mine[j]) for i, j in zip(rows, columns, strict=True) if worth[i, j] > 0]
    return pairs


def _of_kind(intervals: Iterable[Interval], kind: Kind) -> list[Interval]:
    return [interval for interval in intervals if interval.kind == kind]


def _hits_any(prediction: Interval, truth: Sequence[Interval], least: float, frame_ms: float) -> bool:
    return any(overlap(prediction, label, frame_ms) >= least for label in truth)


def _macro_f1(pairs: Sequence[tuple[str, str]]) -> float:
    scores = []
    for label in sorted({true for true, _ in pairs}):
        tp = sum(true == label == seen for true, seen in pairs)
        fp = sum(true != label == seen for true, seen in pairs)
        fn = sum(true == label != seen for true, seen in pairs)
        scores.append(Counts(tp, fp, fn).f1)
    return float(np.mean(scores))
