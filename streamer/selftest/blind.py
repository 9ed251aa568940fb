"""For which share of the time a half of the face could not be watched, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from ahmsa.types import Half
from spotting.selftest.trials import Conditions
from streamer.selftest.measure import Untouched

CALIBRATING = "calibrating"


def blind_frames(
    untouched: Untouched, half: Half, wanted: Callable[[Conditions], bool] | None = None
) -> tuple[int, Counter[str]]:
    """(frames, gate -> frames in which it was shut) of one half of the face.

    The calibration at the start is left out; one that a lost face asks for later counts. wanted: frames with such conditions.
    """
    frames, shut = 0, Counter[str]()
    started = False
    for note, face in zip(untouched.seen.notes, untouched.faces, strict=True):
        calibrating = face is not None and face.state == CALIBRATING
        started = started or (face is not None and not calibrating)
        if not started or (wanted is not None and not wanted(untouched.behaviour.at(note.t_ns / 1e9))):
            continue
        frames += 1
        gate = note.gate or (CALIBRATING if calibrating else face.gates[half] if face is not None else "no_face")
        if gate is not None:
            shut[gate] += 1
    return frames, shut


def blind_share(frames: int, shut: Counter[str]) -> float:
    """Part of the frames in which some gate was shut."""
    return shut.total() / frames if frames else 0.0
