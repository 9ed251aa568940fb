"""What would make the spotter see more here: one or two sentences, from what was measured."""

from __future__ import annotations

from ahmsa.face.geometry import EYE_DISTANCE_PX
from spotting.advice import Reading, advice, recommendation
from streamer.selftest.summary import Summary

_BLIND_WORTH_SAYING = 0.1
_SMALL_FACE_PX = 80.0
_DARK_LUMA = 70.0
_SLOW_HZ = 27.0
_RESTLESS_PX_S = 15.0
_GOOD_PX = 1.0


def advise(summary: Summary) -> list[str]:
    """At most two sentences, the most useful first."""
    tips = [*_of_the_gates(summary), *_of_the_picture(summary)]
    if tips:
        return tips[:2]
    if summary.found_80_px is None or summary.found_80_px > _GOOD_PX:
        return ["Nothing in the picture explains why small movements are missed: try a camera with less noise or compression."]
    return ["This camera, light and person are fine for movements from a pixel on."]


def _of_the_gates(summary: Summary) -> list[str]:
    worst: dict[str, float] = {}
    for half in summary.halves.values():
        for gate, part in half.blind_by_gate.items():
            worst[gate] = max(worst.get(gate, 0.0), part)
    said = [(part, advice(Reading(gate))) for gate, part in worst.items() if part >= _BLIND_WORTH_SAYING]
    return [f"In {part:.0%} of the time {text}." for part, text in sorted(said, reverse=True) if ": " in text]


def _of_the_picture(summary: Summary) -> list[str]:
    """What shuts no gate and still costs movements."""
    said = []
    if summary.luma < _DARK_LUMA:
        said.append(_as_sentence(Reading("too_dark", summary.luma, _DARK_LUMA)))
    if summary.interocular_px < _SMALL_FACE_PX:
        camera_px = summary.interocular_px / EYE_DISTANCE_PX
        small = _as_sentence(Reading("too_small", summary.interocular_px, _SMALL_FACE_PX), " or use a larger picture")
        said.append(f"{small} A movement of 1 px of the crop is {camera_px:.1f} px of the camera here.")
    if summary.rate_hz < _SLOW_HZ:
        slow = _as_sentence(Reading("low_frame_rate", summary.rate_hz, _SLOW_HZ))
        said.append(f"{slow} A short rise is two or three frames here.")
    if summary.head_px_s > _RESTLESS_PX_S:
        said.append(_as_sentence(Reading("head_motion", summary.head_px_s, _RESTLESS_PX_S)))
    return said


def _as_sentence(reading: Reading, more: str = "") -> str:
    text = recommendation(reading) + more
    return f"{text[0].upper()}{text[1:]}."
