"""What would make the spotter see more here: one or two sentences, from what was measured."""

from __future__ import annotations

from spotting.advice import Reading, advice
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
    said = []
    if summary.luma < _DARK_LUMA:
        said.append(f"Try more light on the face: its mean grey level is {summary.luma:.0f} of 255.")
    if summary.interocular_px < _SMALL_FACE_PX:
        said.append(
            f"Try to come closer, or a larger picture: with {summary.interocular_px:.0f} px between the eyes a movement of "
            f"1 px of the crop is {summary.interocular_px / 65.8:.1f} px of the camera."
        )
    if summary.rate_hz < _SLOW_HZ:
        said.append(f"Try a higher frame rate: at {summary.rate_hz:.0f} a second a short rise is two or three frames.")
    if summary.head_px_s > _RESTLESS_PX_S:
        said.append(f"Try to sit calmer: the head travelled {summary.head_px_s:.0f} crop px a second.")
    return said
