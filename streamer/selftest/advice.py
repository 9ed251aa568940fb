"""What would make the spotter see more here: one or two sentences, from what was measured."""

from __future__ import annotations

from streamer.selftest.summary import Summary

_BLIND_WORTH_SAYING = 0.1
_SMALL_FACE_PX = 80.0
_DARK_LUMA = 70.0
_SLOW_HZ = 27.0
_RESTLESS_PX_S = 15.0
_GOOD_PX = 1.0

_BY_GATE = {
    "head_motion": "sit calmer, the back against the chair: the head moved too fast",
    "turned_away": "put the camera straight before the face: it was turned away",
    "too_small": "come closer: the face was too small",
    "too_dark": "more light on the face: it was too dark",
    "blurred": "more light or a sharper picture: the face was blurred",
    "no_face": "keep the face in the picture: there was none",
    "calibrating": "keep the face in the picture: each time it came back its noise had to be measured anew",
    "low_frame_rate": "a higher frame rate, which most cameras give in more light: frames came too slowly",
    "camera_stall": "a steadier camera or a faster computer: frames failed to come",
    "light_change": "steadier light: it jumped",
}


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
    said = [(part, _BY_GATE[gate]) for gate, part in worst.items() if gate in _BY_GATE and part >= _BLIND_WORTH_SAYING]
    return [f"Try {text} in {part:.0%} of the time." for part, text in sorted(said, reverse=True)]


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
