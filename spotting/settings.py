"""Settings of the `spotting` room, without OpenCV. Times are in ms, so that they mean the same at any frame rate."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

Positive = Annotated[float, Meta(gt=0)]
NotNegative = Annotated[float, Meta(ge=0)]
Fraction = Annotated[float, Meta(ge=0, le=1)]


class SpotterSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Knobs of the causal spotter; each says its effect."""

    # The signal
    max_rate_hz: Positive = 70.0
    """Faster sources are measured at most this often; every frame stays a possible onset or apex. Higher costs time and
    gains little: movements of 100 ms are slow against it."""
    key_age_ms: Positive = 2000.0
    """A neutral keyframe is replaced at this age, in a quiet moment. Shorter follows light and pose more closely and adds
    the noise of more keyframes."""
    key_shift_px: Positive = 6.0
    """A keyframe is replaced early once the head has moved this far from it (px of the crop), in a quiet moment."""

    # Opening
    calibration_ms: NotNegative = 2000.0
    """Neutral time at the start in which each region's own noise is measured and nothing is reported."""
    min_displacement_px: Positive = 0.22
    """Lowest threshold of a region, px of a 128 crop. Lower finds weaker movements and lets more noise through."""
    noise_sigmas: Positive = 5.0
    """Threshold in units of the region's own robust noise. Higher is quieter on noisy cameras, and blinder."""
    noise_memory_ms: Positive = 10000.0
    """How far back the noise is measured. Shorter adapts sooner, and lets frequent movements raise their own threshold."""
    rest_from_ms: Positive = 500.0
    """Rest is the median from here in the past ..."""
    rest_to_ms: Positive = 250.0
    """... to here. Nearer to now follows drift better; nearer than a rise, a movement eats its own start."""

    # Timing of a movement
    onset_fraction: Fraction = 0.33
    """The walk back to the onset ends where this part of the rise is left; a straight line continues it to rest."""
    min_rise_ms: NotNegative = 45.0
    """Shorter rises are jerks of the picture, not of a face."""
    max_rise_ms: Positive = 400.0
    """Longer rises are not micro-expressions."""
    provisional_fall: Fraction = 0.2
    """Fall from the apex, as a part of the peak, at which a movement is announced. Lower is sooner and retracts more."""
    confirm_fall: Fraction = 0.5
    """Fall at which a movement is confirmed."""
    max_micro_ms: Positive = 500.0
    """A movement that has not fallen by then is a macro-expression (the field's limit between the two)."""
    grace_ms: NotNegative = 80.0
    """A movement that was announced in time may take this much longer to fall: real ones end unevenly."""
    min_macro_px: Positive = 1.0
    """Slow movements smaller than this are drift and not macro-expressions."""
    max_macro_ms: Positive = 4000.0
    """A movement held for longer becomes the new rest."""
    refractory_ms: NotNegative = 300.0
    """Silence after a movement. Shorter splits one movement into two, longer misses a second one."""

    # Gates
    blink_margin_ms: NotNegative = 100.0
    """Brow movements this close to a lid closure are a blink's, unless mouth or nose move too."""
    blink_brow_px: Positive = 2.0
    """Larger brow movements are no blink's; nor are those of half that size that do not peak while the lids are shut."""
    head_free_px: NotNegative = 0.8
    """The head may travel this far during half a second without any effect."""
    head_leak: NotNegative = 0.25
    """Part of further travel by which thresholds rise. Higher is quieter while the head moves, and blinder."""
    head_limit_px: Positive = 3.0
    """With more travel nothing is believed."""
    speech_share: Positive = 0.7
    """A mouth whose lip gap changes by more than this part of the corners' movement is speaking, not smiling; a third of it is
    enough while the lips go to and fro already. Lower mutes more speech, and smiles that part the lips."""
    speech_factor: Positive = 2.0
    """While the lips go to and fro all thresholds are this much higher: speech moves the whole face a little."""
    light_step: Fraction = 0.25
    """Change of the mean grey level within 200 ms, as a part of it, that shuts the gate light_change."""
    min_rate_hz: Positive = 18.0
    """Below this rate of distinct frames nothing is spotted (low_frame_rate): a rise would be one or two frames."""
    stall_ms: Positive = 200.0
    """A pause in the frames longer than this resets rest: nobody saw what happened in it."""
