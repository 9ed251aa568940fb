"""MediaPipe's own FaceMesh over stored clips. Runs in an environment of its own (`make parity`), where ahmsa is not installed.

python parity_reference.py FOLDER        FOLDER holds N/NAME.npy: (n, h, w, 3) BGR with at most N faces;
                                         writes N/NAME.landmarks.npy and N/NAME.ms.npy beside them
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
from mediapipe.python.solutions.face_mesh import FaceMesh

LANDMARKS = 468


def main(folder: Path) -> None:
    for path in sorted(folder.glob("*/*.npy")):
        pictures = np.load(path)
        landmarks, seconds = follow(pictures, int(path.parent.name))
        np.save(path.with_suffix(".landmarks.npy"), landmarks)
        np.save(path.with_suffix(".ms.npy"), np.float32(seconds * 1e3))


def follow(pictures: np.ndarray, max_faces: int) -> tuple[np.ndarray, np.ndarray]:
    """(n, max_faces, 468, 3) x, y, z in pixels, NaN where there is no face; processor seconds of each picture."""
    landmarks = np.full((len(pictures), max_faces, LANDMARKS, 3), np.nan, np.float32)
    seconds = np.zeros(len(pictures))
    height, width = pictures.shape[1:3]
    with FaceMesh(static_image_mode=False, max_num_faces=max_faces) as mesh:
        for number, picture in enumerate(pictures):
            begin = time.process_time()
            found = mesh.process(np.ascontiguousarray(picture[..., ::-1])).multi_face_landmarks or ()
            seconds[number] = time.process_time() - begin
            for place, face in enumerate(found[:max_faces]):
                landmarks[number, place] = [(p.x * width, p.y * height, p.z * width) for p in face.landmark]
    return landmarks, seconds


if __name__ == "__main__":
    main(Path(sys.argv[1]))
