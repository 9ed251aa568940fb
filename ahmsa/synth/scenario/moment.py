"""One instant of a clip in numbers, and one instant within a nuisance."""

from __future__ import annotations

from dataclasses import dataclass, field

from ahmsa.synth.motion.muscles import Motion
from ahmsa.synth.motion.timing import there_and_back


@dataclass(slots=True)
class Moment:
    """One instant. Lengths are face px, angles degrees."""

    motions: list[tuple[Motion, float]] = field(default_factory=list)
    """Displacement fields and their amplitudes, px."""
    closure: float = 0.0
    """Of the lids: 0 open, 1 shut."""
    lip_gap_px: float = 0.0
    """What the lip gap has grown by."""
    gaze_px: tuple[float, float] = (0.0, 0.0)
    """How far the irises are from straight ahead, right and down."""
    shift_x: float = 0.0
    shift_y: float = 0.0
    roll_deg: float = 0.0
    yaw_deg: float = 0.0
    """Positive: the face turns to the right of the picture."""
    pitch_deg: float = 0.0
    """Positive: the face nods down."""
    scale: float = 1.0
    pan: float = 0.0
    """Shift of the whole picture."""
    glasses: float = 0.0
    """0: none; else how strongly they mirror a window."""
    strand_deg: float | None = None
    """By how much a strand of hair before the brow has swung aside; None: there is none."""
    hand: tuple[float, float] | None = None
    """Where the tip of a hand is, face px; None: out of the picture."""
    stranger: bool = False
    """Another person is shown."""
    gain: float = 1.0
    noise_levels: float = 0.0


@dataclass(frozen=True, slots=True)
class Now:
    """An instant within a nuisance."""

    t_ms: float
    start_ms: float
    end_ms: float
    intensity: float
    traits: tuple[float, ...]
    """Even random numbers 0-1 that belong to the nuisance for good."""

    def there_and_back(self, edge: float) -> float:
        """0 -> 1 -> 0 over the nuisance; `edge` is the share that each slope takes."""
        return there_and_back(self.t_ms, self.start_ms, self.end_ms, edge)
