"""What a detector found in one condition of the benchmark, beside what really happened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from ahmsa.synth import TrueEvent
from ahmsa.types import Candidate
from spotting.evaluate.scoring import Interval, Score, score_strict

_MATCH_MS = 100.0


@dataclass(slots=True)
class Outcome:
    """What a detector made of one condition."""

    name: str
    predicted: list[Interval] = field(default_factory=list)
    truth: list[Interval] = field(default_factory=list)
    minutes: float = 0.0
    provisional_ms: list[float] = field(default_factory=list)
    """Announced this long after the true apex."""
    confirmed_ms: list[float] = field(default_factory=list)
    frame_ms: list[float] = field(default_factory=list)
    """Processor time that the spotter took per frame."""
    announced: int = 0
    retracted: int = 0
    gated: Counter[str] = field(default_factory=Counter)

    def add_truth(self, truth: Iterable[TrueEvent], video: str, duration_s: float) -> None:
        """What really happened in a clip."""
        self.minutes += duration_s / 60
        self.truth += [
            Interval(video, event.onset_ms, event.apex_ms, event.offset_ms, event.kind, event.label, event.amplitude_px)
            for event in truth
        ]

    def take(self, candidate: Candidate, now_ns: int, truth: Iterable[TrueEvent], video: str) -> None:
        """What the spotter said of that clip, and when."""
        apex_ms = _apex_ms(candidate)
        late = [now_ns / 1e6 - event.apex_ms for event in truth if event.kind == "micro" and _is_within(apex_ms, event)]
        if candidate.phase == "provisional":
            self.announced += 1
            self.provisional_ms += late[:1]
        elif candidate.phase == "retracted" and candidate.kind == "micro":
            self.retracted += 1
        else:
            self.confirmed_ms += late[:1] if candidate.kind == "micro" else []
            offset_ns = candidate.offset_t_ns if candidate.offset_t_ns is not None else now_ns
            onset_ms = candidate.onset.t_capture_ns / 1e6
            self.predicted.append(Interval(video, onset_ms, apex_ms, offset_ns / 1e6, candidate.kind))

    def add(self, clip: Outcome) -> None:
        """Another clip of the same condition and detector."""
        self.predicted += clip.predicted
        self.truth += clip.truth
        self.minutes += clip.minutes
        self.provisional_ms += clip.provisional_ms
        self.confirmed_ms += clip.confirmed_ms
        self.frame_ms += clip.frame_ms
        self.announced += clip.announced
        self.retracted += clip.retracted
        self.gated.update(clip.gated)

    @property
    def score(self) -> Score:
        return score_strict(self.predicted, self.truth)

    def recall_between(self, low_px: float, high_px: float = float("inf")) -> float:
        """Share of the true micro-expressions of an amplitude that were found; NaN where there are none."""
        hits, labels = self.score.recall_by_amplitude((low_px, high_px)).get((low_px, high_px), (0, 0))
        return hits / labels if labels else float("nan")


def _apex_ms(candidate: Candidate) -> float:
    return (candidate.apex_t_ns if candidate.apex_t_ns is not None else candidate.apex.t_capture_ns) / 1e6


def _is_within(apex_ms: float, event: TrueEvent) -> bool:
    return event.onset_ms - _MATCH_MS <= apex_ms <= event.offset_ms + _MATCH_MS
