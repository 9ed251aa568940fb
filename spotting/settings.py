"""Settings of the `spotting` package, without OpenCV. Times are in ms, so that they mean the same at any frame rate."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

Positive = Annotated[float, Meta(gt=0)]
NotNegative = Annotated[float, Meta(ge=0)]
Fraction = Annotated[float, Meta(ge=0, le=1)]


class ExpertSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Constants of the spotting signal, for experts: change them with `python -m benchmarks real` at hand. px are those of a
    128 crop."""

    # Matching places of the face
    patch_px: Positive = 17.0
    """Side of the patch that is matched. Larger is quieter, and mixes what moves with what does not."""
    cross_px: Positive = 4.0
    """Distance of a region's four outer places from its middle; their median is the region's movement."""
    agreement_percentile: Annotated[float, Meta(ge=0, le=100)] = 75.0
    """The spread of a region is this percentile of how far its places are from their median."""
    reach_px: Positive = 8.0
    """A place found farther from where the landmarks put it was not found."""
    bad_match_grey: Positive = 12.0
    """A patch that differs by more grey levels than this ..."""
    bad_match_times: Positive = 4.0
    """... and by more than this many times the median of all patches has been found in the wrong place."""
    blur_px: Positive = 25.0
    """Shading wider than this is taken out of the picture before it is matched."""
    contrast_grey: Positive = 24.0
    """Mean detail, in grey levels, to which the picture is brought."""
    match_noise_px: Positive = 0.1
    """Errors of the head's rigid motion below this are noise of the matching."""
    landmark_noise_px: Positive = 0.5
    """Likewise for landmarks."""
    lower_vote: Fraction = 0.2
    """Weight of the points below the nose in the head's motion, against 1 of the others: a mouth that speaks moves them."""

    # Noise
    noise_step_ms: Positive = 170.0
    """Noise is what a region moves within this time, about that of a rise."""
    noise_every_ms: Positive = 100.0
    """Time between two measurements of the noise."""
    calm_travel_px: Positive = 2.0
    """Noise is not measured where the head travels farther than this within a step."""

    # Shape of a movement
    whole_rise: NotNegative = 0.3
    """Weight of the whole rise against what has come back, while little has: every start on the slope would do as well."""
    onset_run: Positive = 1.7
    """The line through a third and two thirds of a smooth rise meets its start late; it is drawn this many times as long."""
    offset_run: Positive = 1.7
    """Likewise the line from a tenth to half of a smooth fall."""
    main_part: Fraction = 0.5
    """Regions that move by less than this part of the strongest, in units of their thresholds, do not belong to a movement."""
    pause_ms: NotNegative = 250.0
    """A movement of a region that begins sooner after another one belongs to it."""
    same_event_ms: NotNegative = 150.0
    """Movements whose apexes are this close belong to one event."""
    macro_rise_ms: Positive = 300.0
    """A movement that may be held rises within this time."""

    # What else moves a face
    head_window_ms: Positive = 400.0
    """Time over which the head's travel and misfit are measured for the gate head_motion."""
    light_window_ms: Positive = 200.0
    """Time before an onset over which light may have changed."""
    speech_window_ms: Positive = 300.0
    """Time over which the distance of the lips is measured for the gate speech."""
    syllable_ms: NotNegative = 200.0
    """Lips that moved so shortly before the corners did are speaking; a smile that parts them leaves them alone until it
    begins."""
    eye_memory_ms: Positive = 3000.0
    """How far back the usual openness of the eyes is measured ..."""
    eye_percentile: Annotated[float, Meta(ge=0, le=100)] = 70.0
    """... as this percentile of it."""
    longest_blink_ms: Positive = 500.0
    """Eyes that stay narrow for longer look down, or smile."""
    with_lids_ms: NotNegative = 50.0
    """An apex this close to closing lids came with them: smoothing and the frame rate blur either by that much."""
    risen_part: Fraction = 0.5
    """Lids that close pull the face down: a brow that goes up by this part of its way ..."""
    risen_limit: Fraction = 0.5
    """... need only move by this part of `blink_brow_px` not to be taken for a blink."""


class SpotterSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Knobs of the causal spotter; each says its effect."""

    # The signal
    max_rate_hz: Positive = 70.0
    """Faster sources are measured at most this often; every frame stays a possible onset or apex. Higher costs time and
    gains little: movements of 100 ms are slow against it."""
    key_age_ms: Positive = 300.0
    """Faces are compared with a keyframe no older than this. Longer adds less noise on a still face, and fails on one that
    turns."""
    key_shift_px: Positive = 4.0
    """A keyframe is replaced early once the head has carried a region this far from it (px of a 128 crop)."""
    smooth_ms: Positive = 45.0
    """Half width of the smoothing over time. Longer is quieter and later, and flattens the shortest movements."""

    # Thresholds
    calibration_ms: NotNegative = 1000.0
    """Time at the start in which nothing is reported."""
    min_displacement_px: Positive = 0.25
    """Lowest threshold of a region, px of a 128 crop. Lower finds weaker movements and lets more noise through."""
    max_threshold_px: Positive = 1.5
    """Highest threshold: whatever the head does, a larger movement that goes and comes back is announced."""
    noise_sigmas: Positive = 5.0
    """Threshold in units of the region's own robust noise. Higher is quieter on noisy cameras, and less sensitive."""
    noise_memory_ms: Positive = 10000.0
    """How far back the noise is measured, in moments in which nothing moves."""
    head_leak: NotNegative = 0.12
    """Part of the head's own excursion, as far as it goes and comes back, that raises the threshold. Higher is quieter while a
    person nods, and less sensitive."""
    travel_leak: NotNegative = 0.05
    """Likewise of the way that the head travels meanwhile without coming back."""
    misfit_factor: NotNegative = 1.0
    """Likewise of what the head's rigid motion leaves unexplained on the whole face."""

    speech_leak: NotNegative = 0.05
    """Likewise of how far the lips open or close meanwhile: a jaw that drops moves the whole face a little."""
    spread_factor: NotNegative = 1.0
    """Likewise of how far the places of a region disagree on its movement."""

    # Timing of a movement
    onset_fraction: Fraction = 0.33
    """The walk back to the onset ends where this part of the rise is left; a straight line continues it to its start."""
    min_rise_ms: NotNegative = 45.0
    """Shorter rises are jumps of the picture, not movements of a face."""
    rise_reach_ms: Positive = 250.0
    """A rise is measured over at most this time: of a slower one only the steepest part counts."""
    max_rise_ms: Positive = 400.0
    """Longer rises are not micro-expressions."""
    quiet_ms: Positive = 400.0
    """A region must have been quiet for about this long before a movement's rise begins ..."""
    quiet_part: Positive = 0.6
    """... by moving no more than this part of the movement's peak. Lower is quieter while an expression is under way."""
    max_return_ms: Positive = 320.0
    """The apex is sought this far back."""
    provisional_fall: Fraction = 0.2
    """Fall from the apex, as a part of the peak, at which a movement is announced. Lower is sooner and retracts more."""
    confirm_fall: Fraction = 0.5
    """Fall at which a movement is confirmed."""
    confirm_return: NotNegative = 0.6
    """What must have come back by then, in units of the threshold: weak movements must return in full."""
    max_micro_ms: Positive = 500.0
    """A movement that has not fallen by then is a macro-expression (the field's limit between the two)."""
    grace_ms: NotNegative = 80.0
    """A movement that was announced in time may take this much longer to fall: real ones end unevenly."""
    min_macro_px: Positive = 1.0
    """Slow movements smaller than this are drift and not macro-expressions."""
    max_macro_ms: Positive = 4000.0
    """A movement held for longer is forgotten: where the face is now is neutral."""
    refractory_ms: NotNegative = 200.0
    """After a movement the regions that moved are ignored for so long. Shorter splits one movement into two, longer misses a
    second one."""

    # Gates
    eye_closure: Fraction = 0.8
    """Eyes that are open by less than this part of what is usual for the person are closing."""
    blink_margin_ms: NotNegative = 100.0
    """Movements of the upper face this close to an eye closure are taken for a blink, unless they are large or go up."""
    blink_brow_px: Positive = 2.0
    """Larger brow movements are not taken for a blink; nor are those of half that size that do not peak while the eyes are
    closed."""
    head_limit_px: Positive = 20.0
    """With more travel of the head within `expert.head_window_ms` all movements are rejected."""
    misfit_limit_px: Positive = 1.6
    """Likewise where the head's rigid motion leaves more than this unexplained: it turned too far, or something is in front
    of it."""
    speech_px: Positive = 1.0
    """A mouth whose lips' distance changes by more than this within `expert.speech_window_ms` speaks (or
    chews): it is not watched."""
    speech_share: Positive = 0.7
    """A movement of the mouth during which the lips' distance changes by more than this part of it is speech."""
    light_step: Fraction = 0.25
    """Change of the mean grey level within `expert.light_window_ms`, as a part of it, that shuts the gate light_change."""
    min_rate_hz: Positive = 18.0
    """Below this rate of distinct frames nothing is spotted (low_frame_rate): a rise would be one or two frames."""
    stall_ms: Positive = 200.0
    """A pause in the frames longer than this starts anew: what happened in it is not known."""

    expert: ExpertSettings = ExpertSettings()


def nanoseconds(ms: float) -> int:
    """Whole nanoseconds of a setting in milliseconds."""
    return round(ms * 1e6)
