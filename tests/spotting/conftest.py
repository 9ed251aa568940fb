"""Stories for the spotter: a few seconds of generated face, and what the spotter made of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import pytest

from ahmsa.synth import ClipScript, SyntheticFaces
from ahmsa.types import AlignedFace, Candidate
from spotting.settings import SpotterSettings
from spotting.spotter import Motion, Spotter

NOISE = 1.5


@dataclass
class Story:
    """What happened, in order."""

    spotter: Spotter
    told: list[tuple[float, Candidate]] = field(default_factory=list)
    """(ms at which it was told, candidate)"""
    motions: list[Motion] = field(default_factory=list)
    states: list[str] = field(default_factory=list)

    def phases(self, *wanted: str) -> list[Candidate]:
        return [c for _, c in self.told if not wanted or c.phase in wanted or c.kind in wanted]

    @property
    def confirmed(self) -> list[Candidate]:
        return self.phases("confirmed")

    def take(self, face: AlignedFace) -> None:
        step = self.spotter.update(face)
        if step.candidate is not None:
            self.told.append((face.t_capture_ns / 1e6, step.candidate))
        if step.motion is not None:
            self.motions.append(step.motion)
        self.states.append(self.spotter.state)


@pytest.fixture
def watch() -> Callable[..., Story]:
    """watch(events, nuisances, duration_s=..., fps=..., settings=..., change=...) -> Story."""

    def run(events=(), nuisances=(), *, duration_s=6.0, fps=30.0, noise=NOISE, settings=None, change=None, seed=1, person=0):
        story = Story(Spotter(settings or SpotterSettings()))
        script = ClipScript(duration_s, fps, tuple(events), tuple(nuisances), seed, noise_levels=noise, person=person)
        for face in SyntheticFaces(script):
            for shown in as_faces(change(face, story) if change else face):
                story.take(shown)
        return story

    return run


def as_faces(what: AlignedFace | Iterable[AlignedFace] | None) -> list[AlignedFace]:
    if what is None:
        return []
    return [what] if isinstance(what, AlignedFace) else list(what)
