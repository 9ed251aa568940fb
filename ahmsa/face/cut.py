"""Is this the first picture after a cut, or another person's face in the place of one that was known? Two pictures of one shot
look alike, those on either side of a cut do not.

Measured as the correlation of small grey copies, which a change of light leaves alone. The limit was set by hand between what
two pictures of one shot have in common (people who talk, turn, or hold a hand in front of the face) and what pictures of
different clips have; faces alone are compared as well, each cut by its own landmarks, so that an unchanged background does not
count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import cv2
import numpy as np
import numpy.typing as npt

from ahmsa.face.crop import cut_crop
from ahmsa.face.geometry import canonical_points_px, fit_similarity
from ahmsa.types import AlignedFace, ByteImage, FloatArray

_SIZE = (32, 24)
_LOOKED_AT = 4
"""Of the pixels of a row or a column that become one, so many are averaged: all of them would take longer for nothing."""
_LIKENESS = 0.7
_CONTRAST = 8.0
"""Grey levels, standard deviation; a lit face has several times as much. A covered lens or a black pause tells nothing of what
was before and comes after: it is passed over."""
_FACE_PX = 32
_LONGEST_GAP_NS = 70_000_000
"""A face that was not seen for longer may have turned meanwhile, and is not compared: at ten pictures a second one person in a
selfie video would be taken for several."""


class CutDetector:
    """Shown every picture of a source in its order."""

    def __init__(self) -> None:
        self._last: FloatArray | None = None

    def is_cut(self, image: ByteImage) -> bool:
        """(h, w, 3) BGR: whether it is of another shot than the picture before."""
        step = max(min(image.shape[0] // _SIZE[1], image.shape[1] // _SIZE[0]) // _LOOKED_AT, 1)
        small = cv2.resize(image[::step, ::step], _SIZE, interpolation=cv2.INTER_AREA)
        grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
        shown = _without_mean(grey)
        if shown.std() < _CONTRAST:
            return False
        last, self._last = self._last, shown
        return last is not None and _likeness(last, shown) < _LIKENESS


@dataclass(frozen=True, slots=True)
class _Seen:
    face: AlignedFace
    points: FloatArray
    small: FloatArray


class FaceLook:
    """What a face looked like when it was last seen."""

    def __init__(self) -> None:
        self._last: _Seen | None = None

    def is_another(self, face: AlignedFace, image: ByteImage, points: FloatArray) -> bool:
        """Whether this is another person's face than the one before.

        image: (h, w, 3) BGR, from which the face was cut; points: (5, 2) named points of its landmarks there. A picture whose
        landmarks went astray still has the face where it was, and one in which the face moved has it where its landmarks are:
        only a face that is found in neither place is another.
        """
        last, self._last = self._last, _Seen(face, points, _small(face.pixels))
        if last is None or not 0 < face.t_capture_ns - last.face.t_capture_ns <= _LONGEST_GAP_NS:
            return False
        before, shown = last.small, self._last.small
        if min(before.std(), shown.std()) < _CONTRAST or _likeness(before, shown) >= _LIKENESS:
            return False
        in_place = _small(cut_crop(image, last.face.alignment, len(face.pixels)))
        by_landmarks = _likeness(_by_landmarks(last), _by_landmarks(self._last))
        return max(_likeness(before, in_place), by_landmarks) < _LIKENESS


def _by_landmarks(seen: _Seen) -> FloatArray:
    """A face that was cut by a held alignment, as its own landmarks would have cut it."""
    back = np.vstack([cv2.invertAffineTransform(seen.face.alignment), [0, 0, 1]])
    own = fit_similarity(seen.points, canonical_points_px(len(seen.face.pixels)))
    moved = cv2.warpAffine(seen.face.pixels, own @ back, seen.face.pixels.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
    return _small(cast(ByteImage, moved))


def _small(pixels: ByteImage) -> FloatArray:
    return _without_mean(cv2.resize(pixels, (_FACE_PX, _FACE_PX), interpolation=cv2.INTER_AREA))


def _without_mean(grey: npt.NDArray[Any]) -> FloatArray:
    values = grey.astype(np.float32)
    spread: FloatArray = values - values.mean()
    return spread


def _likeness(one: FloatArray, other: FloatArray) -> float:
    lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float((one * other).sum()) / lengths if lengths > 0 else 1.0
