"""What a single map lacks: how a movement goes on over time, how large it is, and how fast it rises and falls.

A sequence stands beside the map of a movement, as more planes of the same side: the flow from the onset to each of several
instants up to the offset, without the head's motion and in an absolute unit, and constant planes of amplitude, rise and fall.
"""

from __future__ import annotations

import math
from typing import cast

import numpy as np

from ahmsa.errors import DataError
from ahmsa.types import FacePair, FloatArray

INSTANTS = 4
"""Faces between onset and offset that a sequence is made of; the last is the offset itself."""
FLOWS = 2 * INSTANTS
PLANES = FLOWS + 3
_FLOW_PX, _RISE_MS, _FALL_MS = 2.0, 200.0, 250.0
"""What counts as one, so that the planes of usual movements lie about between -1 and 1."""
_LARGEST = 4.0


def instants(onset: int, offset: int) -> list[int]:
    """When the faces of a sequence are wanted, evenly spread after the onset up to the offset; in ns, or in frames."""
    return [onset + round((offset - onset) * step / INSTANTS) for step in range(1, INSTANTS + 1)]


def sequence_planes(flows_px: FloatArray, pair: FacePair, peak_px: float) -> FloatArray:
    """(PLANES, h, w) of one movement: u and v of every instant, then amplitude, rise and fall.

    flows_px: (INSTANTS, 2, h, w) laid out as the map. peak_px: the movement's amplitude at its apex. Raises DataError where
    the pair has other than INSTANTS faces between.
    """
    require_sequence(pair)
    rise_ms = (pair.apex.t_capture_ns - pair.onset.t_capture_ns) / 1e6
    end_ns = pair.between[-1].t_capture_ns if pair.offset_t_ns is None else pair.offset_t_ns
    fall_ms = (end_ns - pair.apex.t_capture_ns) / 1e6
    known = (math.log2(max(peak_px, 1e-3) / _FLOW_PX), rise_ms / _RISE_MS - 1, fall_ms / _FALL_MS - 1)
    side = flows_px.shape[-2:]
    planes = [flows_px.reshape(FLOWS, *side) / np.float32(_FLOW_PX), *(np.full((1, *side), one, np.float32) for one in known)]
    return cast(FloatArray, np.clip(np.concatenate(planes), -_LARGEST, _LARGEST).astype(np.float32))


def require_sequence(pair: FacePair) -> None:
    """DataError unless the movement comes with the faces of its instants."""
    if len(pair.between) != INSTANTS:
        raise DataError(
            f"this network judges sequences of {INSTANTS} faces from onset to offset, and {len(pair.between)} were given; "
            'use a network whose inputs are "map" where only onset and apex are known'
        )
