"""Reasons not to believe a movement. Each gate has a name and concerns some regions only: a mouth that speaks says nothing
about brows.

duplicate_frame   all: the same picture again; the frame is passed over
low_frame_rate    all: too few distinct frames a second to see a rise
camera_stall      all: a pause in the frames; everything is measured anew
head_motion       all: the head moves so fast, or has turned so far, that its motion cannot be told from the face's
light_change      all: the picture's brightness jumped
occluded          a region: something is in front of it, or it has left the picture
speech            mouth and cheeks: the lips open and close
ongoing           the regions that moved were moving before: an expression or a word was under way
blink             the upper face: it moved with the lids, and not clearly by itself
face_lost         the face was gone (other reasons of the tracker, such as blurred, go by their own names)
drift             announced, but it did not come back
"""

from __future__ import annotations

from collections import deque

import numpy as np
import numpy.typing as npt

from ahmsa.images.distinct import FrameRate, is_same_picture
from ahmsa.types import AlignedFace, Gate
from spotting.history import Window
from spotting.movement import Course, Movement, travel_px
from spotting.regions import LOWER, MOUTH, REGIONS, UPPER
from spotting.settings import SpotterSettings, nanoseconds
from spotting.signal import Sample

_RATE_KNOWN_FRAMES = 5


class FrameGate:
    """Looks at frames before anything is measured: duplicates, pauses, the real rate."""

    def __init__(self, settings: SpotterSettings) -> None:
        self._settings = settings
        self._last: AlignedFace | None = None
        self._rate = FrameRate()

    def reset(self) -> None:
        self._last = None
        self._rate.reset()

    def update(self, face: AlignedFace) -> Gate | None:
        """The gate that this frame shuts: duplicate_frame, camera_stall (everything must be measured anew) or None."""
        last = self._last
        if last is not None and (face.t_capture_ns <= last.t_capture_ns or _same(face, last)):
            return "duplicate_frame"
        self._last = face
        if last is not None and face.t_capture_ns - last.t_capture_ns > self._settings.stall_ms * 1e6:
            self._rate.reset()
            self._rate.add(face.t_capture_ns)
            return "camera_stall"
        self._rate.add(face.t_capture_ns)
        return None

    @property
    def rate_hz(self) -> float:
        """Rate of distinct frames over the past second; infinite while that is not known yet."""
        return self._rate.hz if self._rate.frames >= _RATE_KNOWN_FRAMES else float("inf")


def _same(face: AlignedFace, other: AlignedFace) -> bool:
    return face.anchor == other.anchor and is_same_picture(face.pixels, other.pixels)


class RegionGates:
    """Looks at samples: which gate is shut for which region, and what else may have moved it."""

    def __init__(self, settings: SpotterSettings) -> None:
        self._settings = settings
        self._openness: deque[tuple[int, float]] = deque()
        self._narrow_since_ns: int | None = None
        self._closures_ns: deque[int] = deque()

    def reset(self) -> None:
        self._openness.clear()
        self._closures_ns.clear()
        self._narrow_since_ns = None

    def update(self, sample: Sample) -> None:
        now, expert = sample.t_capture_ns, self._settings.expert
        self._openness.append((now, sample.eye_openness))
        while self._openness[0][0] < now - expert.eye_memory_ms * 1e6:
            self._openness.popleft()
        usual = float(np.percentile([openness for _, openness in self._openness], expert.eye_percentile))
        if sample.eye_openness >= self._settings.eye_closure * usual:
            self._narrow_since_ns = None
            return
        self._narrow_since_ns = now if self._narrow_since_ns is None else self._narrow_since_ns
        if now - self._narrow_since_ns <= expert.longest_blink_ms * 1e6:
            self._closures_ns.append(now)
        while self._closures_ns and self._closures_ns[0] < now - expert.eye_memory_ms * 1e6:
            self._closures_ns.popleft()

    def shut(self, window: Window, rate_hz: float) -> list[Gate | None]:
        """The gate that is shut now for each region, or None."""
        everywhere = self._shut_everywhere(window, rate_hz)
        if everywhere is not None:
            return [everywhere] * len(REGIONS)
        now, expert = int(window.times_ns[-1]), self._settings.expert
        gates: list[Gate | None] = [
            "occluded" if lost else None
            for lost in np.any(window.lost[window.since(now - nanoseconds(expert.speech_window_ms))], axis=0).tolist()
        ]
        if lip_travel_px(window, now - nanoseconds(expert.speech_window_ms)) > self._settings.speech_px:
            for region in MOUTH:
                gates[region] = "speech"
        return gates

    def other_causes(self, movement: Movement, course: Course, window: Window) -> dict[int, Gate]:
        """Region -> what else may have moved it, for the regions of a movement that have such another cause."""
        luma = window.luma[window.since(course.onset_ns - nanoseconds(self._settings.expert.light_window_ms))]
        if np.ptp(luma) > self._settings.light_step * max(float(luma[-1]), 1.0):
            return dict.fromkeys(map(int, movement.regions), "light_change")
        if course.before > self._settings.quiet_part:
            return dict.fromkeys(map(int, movement.regions), "ongoing")
        found = {int(region): self._other_cause(int(region), course, window) for region in movement.regions}
        return {region: cause for region, cause in found.items() if cause is not None}

    def _shut_everywhere(self, window: Window, rate_hz: float) -> Gate | None:
        now, settings = int(window.times_ns[-1]), self._settings
        if rate_hz < settings.min_rate_hz:
            return "low_frame_rate"
        since_ns = now - nanoseconds(settings.expert.head_window_ms)
        if travel_px(window, since_ns).max() > settings.head_limit_px:
            return "head_motion"
        if float(np.median(window.misfit_px[window.since(since_ns)])) > settings.misfit_limit_px:
            return "head_motion"
        return None

    def _other_cause(self, region: int, course: Course, window: Window) -> Gate | None:
        peak_px, expert = float(np.linalg.norm(course.peak_px[region])), self._settings.expert
        if region in LOWER:
            lips_px = lip_travel_px(window, course.onset_ns - nanoseconds(expert.syllable_ms))
            return "speech" if lips_px > max(self._settings.speech_share * peak_px, self._settings.speech_px / 2) else None
        if region in UPPER:
            risen = float(course.peak_px[region, 1]) < -expert.risen_part * peak_px
            limit_px = self._settings.blink_brow_px * (expert.risen_limit if risen else 1.0)
            return "blink" if self._is_blink(peak_px, limit_px, course, int(window.times_ns[-1])) else None
        return None

    def _is_blink(self, peak_px: float, limit_px: float, course: Course, now_ns: int) -> bool:
        """How far lids pull a brow differs between faces, most where brows are low. So what peaks while the lids are closed
        may be larger than what merely comes near a closure."""
        with_lids_ns = nanoseconds(self._settings.expert.with_lids_ms)
        if peak_px < limit_px and self._blinked(course.apex_ns - with_lids_ns, course.apex_ns + with_lids_ns):
            return True
        margin_ns = nanoseconds(self._settings.blink_margin_ms)
        return peak_px < limit_px / 2 and self._blinked(course.onset_ns - margin_ns, now_ns)

    def _blinked(self, start_ns: int, end_ns: int) -> bool:
        return any(start_ns <= t <= end_ns for t in self._closures_ns)


def lip_travel_px(window: Window, since_ns: int) -> float:
    """By how much the distance of the lips changed since then."""
    return float(np.ptp(window.lip_gap_px[window.since(since_ns)]))


def mask(gates: list[Gate | None]) -> npt.NDArray[np.bool_]:
    """(r,) True where no gate is shut."""
    return np.array([gate is None for gate in gates])
