"""What happens in a clip: the nouns of the generator, and a clip's ground truth as CSV.

All times are ms from the clip's start. All amplitudes are px of the 128 px canonical crop (ahmsa.face.geometry), whatever the
size of the image: 1 px of it is about 1.6 px of the generated 640x480 picture.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ahmsa.files import whole_file
from ahmsa.types import LABELS, Kind

NUISANCES = (
    "sway",
    "head_turn",
    "blink",
    "talking",
    "flicker",
    "slow_gain",
    "light_step",
    "noise",
    "compression",
    "duplicates",
    "dropped",
    "jitter",
    "variable_rate",
    "stall",
    "away",
    "turning",
    "lively_talking",
    "gaze",
    "swallowing",
    "chewing",
    "glasses",
    "hair_strand",
    "hand",
    "cut",
)
"""Everything that can be switched on beside the expressions; the docs of `Disturbance` say what each one does."""


@dataclass(frozen=True, slots=True)
class TrueEvent:
    """One expression as it was really made."""

    label: str
    onset_ms: float
    """Last instant in the neutral position."""
    apex_ms: float
    """The instant of the largest displacement."""
    offset_ms: float
    """The face is neutral again."""
    amplitude_px: float
    """Largest displacement anywhere on the face at the apex, px of the 128 px crop."""
    kind: Kind = "micro"

    def __post_init__(self) -> None:
        if self.label not in LABELS:
            raise ValueError(f"label is {self.label!r}, but must be one of {', '.join(LABELS)}")
        if not self.onset_ms < self.apex_ms < self.offset_ms:
            raise ValueError("an event needs onset < apex < offset")


@dataclass(frozen=True, slots=True)
class Disturbance:
    """One stretch of something that is no expression.

    What the intensity scales, and its meaning at 1:

    sway           slow drift of the head, +-3 px and +-1 degree
    head_turn      a turn there and back: yaw up to 14, roll up to 7 degrees, shift up to 6 px
    blink          lids close and open once; brows give way by 0.4 px (only that is scaled, the lids close fully)
    talking        lips and jaw oscillate at 2-7 Hz, the gap by -3 to +6 px
    flicker        light flickers by 3 % (mains beat and auto-exposure hunting)
    slow_gain      exposure drifts by 15 % there and back
    light_step     the light changes by 20 % within 60 ms at the start and goes back at the end
    noise          sensor noise of 2 grey levels, on top of `ClipScript.noise_levels`
    compression    JPEG quality 70 (lower as the intensity grows) instead of `ClipScript.jpeg_quality`
    duplicates     30 % of the frames repeat the frame before to the bit (a camera that reports a wrong rate)
    dropped        10 % of the frames are missing; the others keep their numbers
    jitter         timestamps are off by up to 20 % of a frame interval, the pictures are not
    variable_rate  pictures are really taken up to 40 % of an interval late, and stamped so
    stall          no frame comes at all
    away           the face leaves the picture and comes back
    turning        the head never rests: it turns, nods and tilts in three dimensions, its middle travels by 10 px a second
    lively_talking speech of the whole head: lips and jaw as in `talking`, brows that are raised by 1-2.5 px for 0.6-1.4 s with
                   what is stressed, nods and turns by up to 4 degrees
    gaze           the eyes look elsewhere and back, within 40 ms, by up to 3 px (not scaled: the same for every intensity)
    swallowing     chin and lips are drawn up by 1.5 px for a moment
    chewing        the jaw goes up and down by 3 px with closed lips, 1.2-1.8 times a second
    glasses        the person wears glasses, which mirror a window (only the mirroring is scaled)
    hair_strand    a strand of hair hangs before a brow and swings by up to 14 degrees
    hand           a hand comes from below, covers mouth or cheek, and goes (not scaled)
    cut            another person is shown instead (not scaled)
    """

    kind: str
    start_ms: float
    end_ms: float
    intensity: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in NUISANCES:
            raise ValueError(f"nuisance is {self.kind!r}, but must be one of {', '.join(NUISANCES)}")
        if not self.start_ms < self.end_ms:
            raise ValueError("a nuisance needs start < end")


@dataclass(frozen=True, slots=True)
class ClipScript:
    """A clip down to the last detail; frame k depends on the script and k only."""

    duration_s: float
    fps: float = 30.0
    events: tuple[TrueEvent, ...] = ()
    nuisances: tuple[Disturbance, ...] = ()
    seed: int = 0
    noise_levels: float = 1.0
    """Standard deviation of the sensor's luma noise in the camera picture, grey levels."""
    jpeg_quality: int | None = None
    """None: the pictures are not compressed."""
    person: int = 0
    """Whose face: a number in ahmsa.synth.drawing.people.PEOPLE."""

    @property
    def frames(self) -> int:
        return round(self.duration_s * self.fps)


@dataclass(frozen=True, slots=True)
class Scenario:
    """What a clip should be like; `ahmsa.synth.script_of` draws the details from the seed."""

    seed: int = 0
    duration_s: float = 60.0
    fps: float = 30.0
    micro_per_minute: float = 12.0
    macro_per_minute: float = 0.0
    amplitude_px: tuple[float, float] = (0.5, 3.0)
    """Range of the micro-expressions, drawn evenly in the logarithm."""
    macro_amplitude_px: tuple[float, float] = (2.5, 6.0)
    nuisances: Mapping[str, float] = field(default_factory=dict)
    """Kind -> intensity; 1 is typical."""
    overlap: float = 0.1
    """Share of the short nuisances that may fall on an expression; the others keep clear of them."""
    quiet_start_s: float = 3.0
    """Neutral time at the start, for a spotter's calibration: no expression and no short nuisance."""
    noise_levels: float = 1.0
    jpeg_quality: int | None = None
    person: int = 0
    """Whose face: a number in ahmsa.synth.drawing.people.PEOPLE."""


def write_truth(events: tuple[TrueEvent, ...], path: Path, fps: float) -> None:
    """Ground truth as CSV: label, kind, onset, apex, offset (nearest frames), the same in ms, amplitude_px."""
    with whole_file(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("label", "kind", "onset", "apex", "offset", "onset_ms", "apex_ms", "offset_ms", "amplitude_px"))
        for event in events:
            times = (event.onset_ms, event.apex_ms, event.offset_ms)
            frames, rounded = [round(t * fps / 1000) for t in times], [round(t, 1) for t in times]
            writer.writerow((event.label, event.kind, *frames, *rounded, round(event.amplitude_px, 3)))
