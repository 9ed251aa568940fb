"""Choosing an apex where a database gives none: SMIC has no apexes at all, and public pipelines disagree about them.

`middle` is the reproducible default of several published pipelines; `flow-peak` takes the frame that differs most from the
onset by optical flow. Which rule was used is part of the maps' settings and of every report.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal, cast, get_args

import cv2
import numpy as np

from ahmsa.databases.clips import Clip
from ahmsa.errors import DataError
from ahmsa.types import ByteImage, FloatArray

ApexRule = Literal["middle", "flow-peak"]
APEX_RULES: tuple[ApexRule, ...] = get_args(ApexRule)


def apex_frame(clip: Clip, rule: ApexRule, crops: Callable[[Iterable[int]], Iterable[ByteImage]]) -> int:
    """The annotated apex, or the frame that the rule chooses; always an existing frame after the onset.

    crops: gives the aligned (s, s) grey crops of frame numbers; called only by `flow-peak`. Raises DataError where the clip has
    no frame after its onset.
    """
    if clip.apex is not None:
        return clip.apex
    later = [number for number in clip.frames if clip.onset < number <= clip.offset]
    if not later:
        raise DataError(f"{clip.source}: no frame follows the onset {clip.onset}")
    if rule == "middle":
        middle = clip.onset + (clip.offset - clip.onset) // 2
        return min(later, key=lambda number: abs(number - middle))
    onset, *rest = crops([clip.onset, *later])
    return later[int(np.argmax(flow_magnitudes(onset, rest)))]


def flow_magnitudes(onset: ByteImage, crops: Iterable[ByteImage]) -> FloatArray:
    """(n,) mean flow magnitude of each crop against the onset, px, after the median motion (the head's) is taken out."""
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    flows = (cast(FloatArray, dis.calc(onset, crop, np.zeros((*onset.shape, 2), np.float32))) for crop in crops)
    means = [np.linalg.norm(flow - np.median(flow, axis=(0, 1)), axis=2).mean() for flow in flows]
    return cast(FloatArray, np.array(means, dtype=np.float32))
