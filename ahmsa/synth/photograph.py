"""The photograph that the generator moves: the astronaut Eileen Collins, by NASA, in the public domain.

It is the picture that scikit-image ships as `skimage.data.astronaut()`, to the bit; that package would bring 62 MB for it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from ahmsa.images.read import read_image
from ahmsa.types import ByteImage


@cache
def photograph() -> ByteImage:
    """(512, 512, 3) BGR. One array for all: not to be written to."""
    image = read_image(Path(__file__).parent / "photograph.png")
    image.flags.writeable = False
    return image
