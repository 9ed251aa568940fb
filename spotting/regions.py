"""Which places of the face are watched. Left and right are those of the image."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from ahmsa.types import FloatArray, Half

REGION_LANDMARKS: dict[str, tuple[int, ...]] = {
    "left_brow_inner": (107, 66, 55, 65),
    "left_brow_outer": (63, 105, 53, 52),
    "right_brow_inner": (336, 296, 285, 295),
    "right_brow_outer": (293, 334, 283, 282),
    "glabella": (9, 8, 107, 336),
    "left_nose": (129, 64, 102),
    "right_nose": (358, 294, 331),
    "left_cheek": (50, 101, 118, 117),
    "right_cheek": (280, 330, 347, 346),
    "left_fold": (205, 187),
    "right_fold": (425, 411),
    "left_lip": (61, 76, 62, 185),
    "right_lip": (291, 306, 292, 409),
}
"""Region -> FaceMesh landmarks whose mean is its centre. Eyelids are left out: they blink."""
REGIONS = tuple(REGION_LANDMARKS)
"""Regions of the signal, in the order of its rows."""

UPPER = tuple(i for i, name in enumerate(REGIONS) if "brow" in name or name == "glabella")
LOWER = tuple(i for i in range(len(REGIONS)) if i not in UPPER)
MOUTH = tuple(i for i, name in enumerate(REGIONS) if "lip" in name or "fold" in name or "cheek" in name)
"""What speech moves. The wings of the nose are watched all the same, at the price of a higher threshold."""
OF_HALF: dict[Half, tuple[int, ...]] = {"upper": UPPER, "lower": LOWER}

INNER_LIPS = (13, 14)
EYE_LIDS = ((159, 145, 158, 153), (386, 374, 385, 380))
"""Upper and lower lid, twice, of either eye."""
EYE_CORNERS = ((33, 133), (362, 263))

SUPPORT = (
    1, 9, 47, 48, 50, 52, 65, 68, 69, 70, 101, 104, 107, 108, 116, 117, 122, 123, 134, 135, 143, 147, 151, 155, 165, 167, 168,
    169, 182, 195, 200, 201, 204, 205, 206, 207, 212, 213, 216, 225, 226, 229, 280, 282, 287, 289, 293, 295, 298, 299, 300, 330,
    333, 336, 337, 346, 349, 364, 371, 382, 391, 393, 394, 406, 411, 412, 416, 418, 421, 422, 425, 426, 427, 431, 434, 436, 437,
    445, 446, 449,
)  # fmt: skip
"""Landmarks all over the face, about evenly, without eyes and mouth: their vote is the motion of the head."""

_BELOW_THE_NOSE = (
    135, 147, 165, 167, 169, 182, 200, 201, 204, 205, 206, 207, 212, 213, 216, 287, 289, 364, 391, 393, 394, 406, 411, 416, 418,
    421, 422, 425, 426, 427, 431, 434, 436,
)  # fmt: skip
CROSS = np.array(((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)), np.float32)
"""Places that are matched around a region's centre, in units of their distance."""


@cache
def support_votes(lower_vote: float) -> npt.NDArray[np.float64]:
    """(n,) weight of each point of SUPPORT in the head's motion: a mouth that speaks moves cheeks and chin along."""
    return np.where(np.isin(SUPPORT, _BELOW_THE_NOSE), lower_vote, 1.0)


def region_centres(landmarks: FloatArray) -> FloatArray:
    """(r, d) centres of the regions from (468, d) landmarks."""
    return np.stack([landmarks[list(group)].mean(axis=0) for group in REGION_LANDMARKS.values()]).astype(np.float32)


def eye_openness(landmarks_px: FloatArray) -> float:
    """Distance of the lids in units of the eye's width, mean of both eyes (the eye aspect ratio of Soukupova and Cech 2016)."""
    open_px = [
        np.linalg.norm(landmarks_px[list(lids[::2])] - landmarks_px[list(lids[1::2])], axis=1).mean() for lids in EYE_LIDS
    ]
    width_px = [max(float(np.linalg.norm(landmarks_px[a] - landmarks_px[b])), 1e-3) for a, b in EYE_CORNERS]
    return float(np.mean(np.array(open_px) / np.array(width_px)))
