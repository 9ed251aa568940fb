"""Other people, made of the one portrait: other shapes of the face, other tones of skin and light.

They are no portraits of anybody. Each is the public-domain picture with smooth changes of its proportions and of its colours;
the face's landmarks and depth go along.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np

from ahmsa.synth.motion.muscles import MIDLINE_PX, Motion, Pull
from ahmsa.types import ByteImage, FloatArray

_SHINE_PX = 23
"""Texture px of the largest spot of shine on the skin, which has no hue."""


@dataclass(frozen=True, slots=True)
class Person:
    """How somebody differs from the portrait."""

    pulls: tuple[Pull, ...] = ()
    """Of the image's left half, in face px; the right half mirrors it."""
    skin: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Factors of blue, green and red on skin."""
    picture: float = 1.0
    """Factor of the whole picture's light."""
    relief: float = 1.0
    """Factor of the depth of the face."""


PEOPLE: tuple[Person, ...] = (
    Person(),
    Person(  # a broad face with a wide nose and a strong jaw, dark skin
        pulls=((14, 112, -7, 2, 24, 26), (56, 74, -3, 0, 9, 12), (40, 92, -3, 0, 14, 12), (34, 26, 0, 2, 20, 9)),
        skin=(0.33, 0.38, 0.45),
        picture=0.9,
        relief=0.85,
    ),
    Person(  # a long, narrow face with high brows, light skin
        pulls=((12, 80, 6, 0, 22, 50), (60, 128, 0, 9, 34, 30), (34, 24, 0, -4, 22, 10), (60, 80, 0, 4, 10, 14)),
        skin=(1.12, 1.1, 1.08),
        relief=1.15,
    ),
    Person(  # a round, short face with eyes far apart, brown skin, in dim light
        pulls=((30, 40, -4, 0, 18, 14), (16, 90, -5, -3, 24, 30), (60, 132, 0, -7, 34, 28), (54, 96, 4, 0, 16, 10)),
        skin=(0.55, 0.64, 0.74),
        picture=0.75,
    ),
    Person(  # a square face with low, straight brows and full lips
        pulls=((12, 118, -6, -2, 18, 20), (52, 27, 0, 3, 12, 8), (26, 24, 0, 1, 14, 8), (58, 100, 0, 4, 16, 9)),
        skin=(0.8, 0.86, 0.93),
        relief=1.05,
    ),
)


def shape_of(person: Person) -> Motion:
    """The displacement that makes the face's shape, given where things arrive."""
    rows = []
    for x, y, u, v, sx, sy in person.pulls:
        rows += [[x, y, u, v, sx, sy], [2 * MIDLINE_PX - x, y, -u, v, sx, sy]]
    return Motion(np.array(rows, dtype=np.float32).reshape(-1, 6))


def coloured(texture: ByteImage, person: Person) -> ByteImage:
    """The texture in a person's tones: skin is found by its hue, with soft borders."""
    if person.skin == (1.0, 1.0, 1.0) and person.picture == 1.0:
        return texture
    luma, red, blue = cv2.split(cv2.cvtColor(texture, cv2.COLOR_BGR2YCrCb))
    skin = (red > 138) & (red < 180) & (blue > 90) & (blue < 128) & (luma > 40)
    closed = cv2.morphologyEx(skin.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((_SHINE_PX, _SHINE_PX), np.uint8))
    share = cv2.GaussianBlur(closed.astype(np.float32), (0, 0), 4.0)[..., None]
    factor = (1 + share * (np.array(person.skin, np.float32) - 1)) * np.float32(person.picture)
    return cast(ByteImage, np.clip(np.rint(texture * factor), 0, 255).astype(np.uint8))


def at_points(shape: Motion, points: FloatArray) -> FloatArray:
    """(n, 2) the displacement at (n, 2) points."""
    p = shape.pulls
    if not len(p):
        return np.zeros_like(points)
    weight = np.exp(-0.5 * (((points[:, :1] - p[:, 0]) / p[:, 4]) ** 2 + ((points[:, 1:] - p[:, 1]) / p[:, 5]) ** 2))
    return cast(FloatArray, (weight @ p[:, 2:4]).astype(np.float32))
