"""Two pictures of a face, and what moved between them: `ahmsa.recognise`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from ahmsa.errors import DataError
from ahmsa.face.crop import cut_crop
from ahmsa.face.geometry import apply_similarity, canonical_points_px, fit_similarity, mesh_points, similarity_scale
from ahmsa.face.landmarks import FaceMesh
from ahmsa.face.tracker import Detector
from ahmsa.images.read import read_image
from ahmsa.model.checkpoint import Checkpoint, shipped
from ahmsa.model.recogniser import Recogniser, Recognition
from ahmsa.types import AlignedFace, ByteImage, Emotion, FacePair, FaceQuality, FloatArray

_NOWHERE = np.zeros((0, 3), np.float32)


class PairRecogniser(Protocol):
    """What `recognise` needs of ahmsa.model.recogniser.Recogniser."""

    @property
    def crop_px(self) -> int: ...

    def recognise(self, pairs: Sequence[FacePair]) -> Sequence[Recognition]: ...


def recognise(
    onset: ByteImage | Path | str,
    apex: ByteImage | Path | str,
    *,
    detector: Detector | None = None,
    recogniser: PairRecogniser | None = None,
) -> Emotion:
    """What the movement from the onset to the apex looks like.

    onset, apex: pictures of one face, (h, w, 3) BGR or (h, w) grey, or image files. detector and recogniser: your own, or ones
    to be used for many pairs. Raises DataError where the pictures differ in size or show no face.
    """
    answering = recogniser or Recogniser(Checkpoint.load(shipped()))
    pair = face_pair(_picture(onset), _picture(apex), answering.crop_px, detector)
    return answering.recognise([pair])[0].emotion


def face_pair(onset: ByteImage, apex: ByteImage, crop_px: int, detector: Detector | None = None) -> FacePair:
    """Both faces, cut by the alignment of the onset's. Raises DataError as `recognise` does."""
    if onset.shape != apex.shape:
        raise DataError("onset and apex differ in size; give two pictures of one clip")
    mesh = detector or FaceMesh(static=True)
    try:
        at_rest, moved = mesh.detect(onset), mesh.detect(apex)
    finally:
        if detector is None:
            mesh.close()
    if not at_rest:
        raise DataError("no face is found in the onset; give a picture of a face (an aligned crop has no margin around it)")
    alignment = fit_similarity(mesh_points(at_rest[0]), canonical_points_px(crop_px))
    faces = []
    for number, (image, found) in enumerate(((onset, at_rest), (apex, moved))):
        pixels = cut_crop(image, alignment, crop_px)
        points: FloatArray = found[0] if found else _NOWHERE
        landmarks, depth = apply_similarity(alignment, points[:, :2]), points[:, 2] * np.float32(similarity_scale(alignment))
        quality = FaceQuality(interocular_px=0.0, yaw_deg=0.0, luma=float(pixels.mean()), sharpness=0.0)
        faces.append(AlignedFace(number, 0, 0, pixels, landmarks, quality, alignment, depth_px=depth))
    return FacePair(faces[0], faces[1])


def _picture(given: ByteImage | Path | str) -> ByteImage:
    image = read_image(Path(given)) if isinstance(given, str | Path) else given
    return image if image.ndim == 3 else np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR), np.uint8)
