"""What shuts a gate now, by how much, and what a person can do about it: one wording for terminal, page and commands.

Light: no OpenCV, so that programs that only show a stream may use it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # numpy and the settings' decoder are for those who measure
    from ahmsa.settings import FaceSettings
    from ahmsa.types import FaceQuality


@dataclass(frozen=True, slots=True)
class Reading:
    """A gate that is shut: what was measured, and the limit that would open it, both in the unit of the gate's sentence."""

    gate: str
    value: float | None = None
    limit: float | None = None


_VALUES: Mapping[str, str] = MappingProxyType(
    {
        "too_small": "eyes {:.0f} px apart",
        "turned_away": "head turned by {:.0f} degrees",
        "too_dark": "brightness of the face {:.0f} of 255",
        "blurred": "sharpness of the face {:.0f}",
        "low_frame_rate": "{:.1f} new frames a second",
        "head_motion": "the head moves {:.0f} px a second",
    }
)
"""Gate -> what was measured, as a person reads it."""
_UPPER_LIMITS = ("turned_away", "head_motion")
"""Gates that a larger value shuts."""

_WHAT_IS_WRONG: Mapping[str, str] = MappingProxyType(
    {
        "no_face": "no face is found",
        "too_small": "the face is too small",
        "turned_away": "the head is turned away",
        "too_dark": "the face is too dark",
        "blurred": "the face is blurred",
        "low_frame_rate": "too few new frames a second",
        "camera_stall": "the camera paused",
        "head_motion": "the head moves",
        "speech": "the mouth speaks",
        "blink": "the eyes blink",
        "light_change": "the light changes",
        "face_lost": "the face was lost",
        "occluded": "a part of the face is covered or out of the picture",
        "ongoing": "another movement is under way",
        "calibrating": "rest is being measured",
    }
)
_WHAT_TO_DO: Mapping[str, str] = MappingProxyType(
    {
        "no_face": "look into the camera, and come closer where the face is small in the picture",
        "too_small": "come closer",
        "turned_away": "turn the face towards the camera",
        "too_dark": "put more light on the face",
        "blurred": "hold still, focus the camera, clean its lens, or add light",
        "low_frame_rate": "add light (cameras slow down in the dark), or close other programs",
        "camera_stall": "close other programs that use the camera or the processor",
        "head_motion": "keep the head still",
        "light_change": "keep the light steady",
        "face_lost": "stay in the picture",
        "occluded": "keep hands and hair away from the face, and stay in the picture",
        "calibrating": "sit still",
    }
)


def face_reading(quality: FaceQuality, settings: FaceSettings) -> Reading | None:
    """The gate that this face's quality shuts, with its figures; None where the face can be judged."""
    figures = {
        "too_small": (quality.interocular_px, settings.min_interocular_px),
        "turned_away": (abs(quality.yaw_deg), settings.max_yaw_deg),
        "too_dark": (quality.luma, settings.min_luma),
        "blurred": (quality.sharpness, settings.min_sharpness),
    }
    return None if quality.problem is None else Reading(quality.problem, *figures.get(quality.problem, (None, None)))


def advice(reading: Reading) -> str:
    """One sentence: what was measured against which limit, and what to do, as in `eyes 34 px apart, 40 needed: come closer`."""
    word = "allowed" if reading.gate in _UPPER_LIMITS else "needed"
    return _sentence(reading, f"{{limit:g}} {word}")


def recommendation(reading: Reading) -> str:
    """One sentence about a gate that is open: what was measured, what would be better, and what to do."""
    word = "less than" if reading.gate in _UPPER_LIMITS else "more than"
    return _sentence(reading, f"better {word} {{limit:g}}")


def _sentence(reading: Reading, of_the_limit: str) -> str:
    gate, value = reading.gate, _VALUES.get(reading.gate)
    if value is not None and reading.value is not None and reading.limit is not None:
        found = f"{value.format(reading.value)}, {of_the_limit.format(limit=reading.limit)}"
    else:
        found = _WHAT_IS_WRONG.get(gate, gate.replace("_", " "))
    to_do = _WHAT_TO_DO.get(gate)
    return found if to_do is None else f"{found}: {to_do}"


def advice_without_figures() -> dict[str, str]:
    """Gate -> its sentence, for programs that know the gate's name only."""
    return {gate: advice(Reading(gate)) for gate in _WHAT_IS_WRONG}
