"""Aligned faces without a face detector: the landmarks are known, so long benchmarks run at a few hundred frames a second.

Everything else is as in the live program: the picture around the face is drawn in camera pixels with light, noise and
compression, and `ahmsa.face.tracker.FaceTracker` holds, renews and cuts the alignment.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import cv2
import numpy as np

from ahmsa.face.tracker import FaceTracker
from ahmsa.settings import FaceSettings
from ahmsa.synth.camera import expose, quality_at, shots
from ahmsa.synth.drawing.portrait import WIDTH_PX
from ahmsa.synth.drawing.render import Box, People, Renderer
from ahmsa.synth.scenario.moment import Moment
from ahmsa.synth.scenario.performance import Scripted
from ahmsa.synth.scenario.script import ClipScript, Scenario
from ahmsa.types import AlignedFace, ByteImage, FloatArray, Frame

_WINDOW: Box = (176, 80, 288, 280)
"""The crop and 35 px around it; whole blocks of 8 px, so that compression cuts it like the whole picture."""
_JITTER_PX = 0.15
"""Noise of a landmark from one detection to the next, camera px; FaceMesh has half of that on the generated clips, more on
webcams."""
_SHARED_JITTER = 0.6
"""Share of that noise in which neighbouring landmarks move together."""
_DEPTH_ERROR_PX = 4.0
_LOST_PX = 60.0
"""A face whose centre is closer than this to the picture's edge is not found."""


class SyntheticFaces(Scripted):
    """The aligned faces of a scenario or script.

    A frame without a face (the camera delivers it, but the face has left it) comes as None from `moments` and not at all from
    iteration.
    """

    def __init__(self, what: Scenario | ClipScript, settings: FaceSettings | None = None) -> None:
        super().__init__(what)
        self._settings = settings or FaceSettings()
        self._people = People(grey=True, box=_WINDOW, person=self.script.person)

    def __iter__(self) -> Iterator[AlignedFace]:
        return (face for _, _, face in self.moments() if face is not None)

    def moments(self) -> Iterator[tuple[int, int, AlignedFace | None]]:
        """(index, t_capture_ns, face or None) of every frame that the camera delivers."""
        detector = _KnownLandmarks(self.script.seed)
        last: tuple[int, ByteImage] | None = None
        with FaceTracker(self._settings, detector) as tracker:
            for shot in shots(self.script, self._performance):
                moment = self._performance.at(shot.t_content_ms)
                if last is None or last[0] != shot.content:
                    quality = quality_at(self.script, self._performance, shot.t_content_ms)
                    grey = expose(self._people.of(moment).picture(moment), moment, self.script, shot, quality)
                    last = (shot.content, cast(ByteImage, cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)))
                detector.see(self._people.of(moment), moment, shot.content)
                faces = tracker.update(Frame(shot.index, shot.t_capture_ns, last[1]))
                yield shot.index, shot.t_capture_ns, faces[0] if faces else None


def _depth_error(places: FloatArray) -> FloatArray:
    """(n,) error of FaceMesh's depths, which are an average face's and not this one's: smooth over the face, camera px."""
    across, down = ((places - places.mean(axis=0)) / places.std(axis=0)).T
    return cast(FloatArray, _DEPTH_ERROR_PX * (np.sin(1.3 * across + 0.4) * np.cos(0.9 * down) - 0.3 * down))


class _KnownLandmarks:
    """Stands in for FaceMesh: gives the true landmarks, with FaceMesh's jitter."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._renderer: Renderer | None = None
        self._moment = Moment()
        self._content = 0

    def see(self, renderer: Renderer, moment: Moment, content: int) -> None:
        self._renderer, self._moment, self._content = renderer, moment, content

    def detect(self, image: ByteImage) -> list[FloatArray]:  # noqa: ARG002 - a detector's signature
        if self._renderer is None:
            return []
        points = self._renderer.landmarks(self._moment)
        if not _LOST_PX <= float(points[:, 0].mean()) <= WIDTH_PX - _LOST_PX:
            return []
        rng = np.random.default_rng([self._seed, 4, self._content])
        noise = rng.normal(0, _JITTER_PX * (1 - _SHARED_JITTER**2) ** 0.5, points.shape)
        noise += rng.normal(0, _JITTER_PX * _SHARED_JITTER, 3)
        noise[:, 2] += _depth_error(points[:, :2])
        return [(points + noise - np.array([*_WINDOW[:2], 0])).astype(np.float32)]

    def close(self) -> None:
        """Nothing to let go of."""
