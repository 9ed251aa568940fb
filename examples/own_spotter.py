"""Movements by a spotter of one's own: `streamer.acquire.capture.Spotting` is all that it must look like.

One is made for each face. It gets that face frame by frame under alignment (`ahmsa.types.AlignedFace`), and says in a `Step`
what became of a movement (`ahmsa.types.Candidate`).
"""

from collections import deque
from collections.abc import Iterator, Mapping

import cv2
import numpy as np

import ahmsa
from ahmsa.synth import clip_of, event
from ahmsa.types import AlignedFace, Candidate, FloatArray, Frame, Gate
from spotting.settings import SpotterSettings
from spotting.spotter import Step
from streamer.acquire.playback import Playback


class PictureChange:
    """Announces what changes the picture of the lower face within a fifth of a second and is gone after another."""

    _REACH = 6  # frames of 30 a second
    _TIMES = 4.0  # the largest score of the first second

    def __init__(self, settings: SpotterSettings) -> None:
        del settings  # those of the built-in spotter
        self._faces: deque[AlignedFace] = deque(maxlen=2 * self._REACH + 1)
        self._rest: list[float] = []
        self._wait = self._found = 0

    @property
    def state(self) -> str:
        return "watching" if len(self._rest) >= 30 else "calibrating"

    @property
    def gated(self) -> Mapping[Gate, int]:
        return {}

    def update(self, face: AlignedFace) -> Step:
        self._faces.append(face)
        self._wait -= 1
        if len(self._faces) < 2 * self._REACH + 1:
            return Step()
        score = self._score()
        if self.state == "calibrating":
            self._rest.append(score)
        elif score > self._TIMES * max(self._rest) and self._wait <= 0:
            return Step(candidate=self._candidate(score / (self._TIMES * max(self._rest))))
        return Step()

    def lost(self, t_capture_ns: int, reason: Gate = "face_lost") -> Step:
        del t_capture_ns, reason
        self._faces.clear()
        return Step()

    def _score(self) -> float:
        first, middle, last = (_lower(self._faces[place]) for place in (0, self._REACH, -1))
        return max(float(np.abs(middle - first).mean() - np.abs(last - first).mean()), 0.0)

    def _candidate(self, score: float) -> Candidate:
        self._found, self._wait = self._found + 1, 2 * self._REACH
        onset, apex, end = self._faces[0], self._faces[self._REACH], self._faces[-1]
        return Candidate(
            event_id=f"{apex.face_id}-{self._found}",
            face_id=apex.face_id,
            phase="confirmed",
            onset=onset,
            apex=apex,
            score=score,
            offset_t_ns=end.t_capture_ns,
        )


def _lower(face: AlignedFace) -> FloatArray:
    return cv2.GaussianBlur(face.pixels[72:].astype(np.float32), (0, 0), 2.0)


def pictures() -> Iterator[Frame]:
    yield from clip_of([event("positive", 2.6, 2.5)], duration_s=3.5, seed=3)


def main() -> None:
    source = Playback("mouth", 30.0, pictures(), as_fast_as_possible=True)
    for found in ahmsa.watch(source, spotter=PictureChange):
        print(f"the lower face changed at {found.apex_s:.1f} s and changed back: {found.label}")


if __name__ == "__main__":
    main()
