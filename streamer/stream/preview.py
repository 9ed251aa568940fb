"""The messages of the preview edge, from the capture process to the page's server. They never leave the machine, and are no
part of the published stream.

`frame`: kind, JSON header (`PreviewHeader`), JPEG of the whole picture.
`pair`: kind, JSON header (`PairHeader`), JPEGs of the onset and the apex crop of a movement.
"""

from __future__ import annotations

from msgspec import Struct

FRAME, PAIR = b"frame", b"pair"
PREVIEW_HWM = 4
"""Pictures that may wait; further ones are dropped, for nobody wants an old picture."""

Point = tuple[float, float]
"""x and y as parts of the picture's width and height."""


class PreviewFace(Struct, frozen=True):
    """Where a face is in the picture."""

    face_id: int
    box: list[Point]
    """The four corners of the aligned crop."""
    regions: dict[str, Point]
    """Region of the spotting signal -> centre; left and right are those of the picture."""
    radius: float
    """Of a region, as a part of the picture's width."""


class PreviewHeader(Struct, frozen=True, tag_field="kind", tag="frame"):
    source: str
    index: int
    t_capture_ns: int
    width_px: int
    height_px: int
    faces: list[PreviewFace]


class PairHeader(Struct, frozen=True, tag_field="kind", tag="pair"):
    source: str
    event_id: str
    onset_index: int
    apex_index: int
