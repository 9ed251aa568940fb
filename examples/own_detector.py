"""Landmarks by a detector of one's own: `ahmsa.face.tracker.Detector` is all that it must look like."""

from collections.abc import Iterator

import numpy as np

import ahmsa
from ahmsa.face.landmarks import FaceMesh
from ahmsa.synth import clip_of, event
from ahmsa.types import ByteImage, FloatArray, Frame
from streamer.acquire.playback import Playback


class LeftmostFace:
    """Of several faces the one on the left of the picture. Gives (468, 3) x, y, z in pixels, or (468, 2), per face."""

    def __init__(self) -> None:
        self._mesh = FaceMesh(max_faces=4)

    def detect(self, image: ByteImage) -> list[FloatArray]:
        return sorted(self._mesh.detect(image), key=lambda face: float(np.mean(face[:, 0])))[:1]

    def close(self) -> None:
        self._mesh.close()


def pictures() -> Iterator[Frame]:
    yield from clip_of([event("surprise", 2.6, 2.5)], duration_s=3.5, seed=3)


def main() -> None:
    source = Playback("left", 30.0, pictures(), as_fast_as_possible=True)
    session = ahmsa.analyse(source, detector=LeftmostFace())
    print(f"{len(session.confirmed)} movements of the face on the left")


if __name__ == "__main__":
    main()
