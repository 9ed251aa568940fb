"""Reasons not to believe a movement. Each gate has a name, and what it holds back is counted under that name.

duplicate_frame   the same picture again: no new information, the frame is passed over
low_frame_rate    too few distinct frames a second to see a rise
camera_stall      a pause in the frames: rest is measured anew
blink             only the brows moved, with the lids or a little near to their closing, or all a little with the lids
head_motion       the head moved, and a region by no more than its share of that; or the alignment was renewed on the way
speech            only the mouth moved, and the lips opened or closed about as far as their corners went
light_change      the picture's brightness jumped
face_lost         the face was gone (other reasons of the tracker, such as blurred, go by their own names)
drift             announced, but it did not come back
"""

from __future__ import annotations

import itertools
from collections import deque

import numpy as np

from ahmsa.types import AlignedFace, FloatArray
from spotting.course import Course
from spotting.settings import SpotterSettings
from spotting.signal import BROWS, LIPS, Sample

_LID_CHANGE_TIMES = 4.0
_LID_CHANGE = 0.1
"""Eyes that have become so unlike those of the keyframe are shut; beyond that, several times as unlike as usual."""
_LIDS_STAY_NS = 500_000_000
"""Longer than a blink: eyes that stay unlike those of the keyframe look elsewhere."""
_RISEN_PART = 0.5
"""Lids that shut pull the brows down; what goes up by this part of its way was not pulled by them."""
_LIDS_FACTOR = 2.0
"""Lids that shut move the whole face a little, like speech: a movement that peaks with them must be this much clearer."""
_WITH_LIDS_NS = 50_000_000
"""An apex this close to shut lids came with them: smoothing and the frame rate blur either by that much."""
_KEEP_NS = 5_000_000_000
_RECENT_NS = 1_500_000_000
_SPEECH_PX = 0.35
_SPEECH_TURNS = 3
_SPEAKING_PART = 0.33
"""Of `speech_share`, while the lips go to and fro."""
_SYLLABLE_NS = 200_000_000
"""Lips that moved so shortly before the corners did are speaking; a smile that parts them leaves them alone until it begins."""
_HEAD_NS = 500_000_000
_CUT_PART = 0.5
"""An alignment that was renewed later than this in a rise leaves too little of it to be judged."""
_MAIN_PART = 0.5
"""Regions that move by less than this part of the strongest, in units of their thresholds, do not decide what a movement is."""
_TRAVEL_WEIGHTS = np.array([0.5, 0.5, 1.0, 1.0, 2.0, 2.0])
"""Turning and nodding leak most into the regions, because the face's depth is known only roughly; shifts leak least."""


class FrameGate:
    """Looks at frames before anything is measured: duplicates, pauses, the real rate."""

    def __init__(self, settings: SpotterSettings) -> None:
        self._settings = settings
        self._last: AlignedFace | None = None
        self._times: deque[int] = deque()

    def reset(self) -> None:
        self._last = None
        self._times.clear()

    def update(self, face: AlignedFace) -> str | None:
        """The gate that this frame shuts: duplicate_frame, camera_stall (rest must be measured anew) or None."""
        last = self._last
        if last is not None and (face.t_capture_ns <= last.t_capture_ns or _same(face, last)):
            return "duplicate_frame"
        self._last = face
        if last is not None and face.t_capture_ns - last.t_capture_ns > self._settings.stall_ms * 1e6:
            self._times.clear()
            self._times.append(face.t_capture_ns)
            return "camera_stall"
        self._times.append(face.t_capture_ns)
        while self._times[0] < face.t_capture_ns - 1_000_000_000:
            self._times.popleft()
        return None

    @property
    def rate_hz(self) -> float:
        """Rate of distinct frames over the past second; infinite while that is not known yet."""
        if len(self._times) < 5:
            return float("inf")
        return (len(self._times) - 1) * 1e9 / (self._times[-1] - self._times[0])


def _same(face: AlignedFace, other: AlignedFace) -> bool:
    return face.anchor == other.anchor and np.array_equal(face.pixels, other.pixels)


class MotionGates:
    """Looks at samples: which gates were shut when."""

    def __init__(self, settings: SpotterSettings) -> None:
        self._settings = settings
        self._past: deque[Sample] = deque()
        self._lid_changes: deque[float] = deque(maxlen=300)
        self._shut = False
        self._opened_ns = 0
        self._closures: deque[int] = deque()
        self._light: deque[int] = deque()
        self.speaking = False

    def reset(self) -> None:
        self._past.clear()
        self._closures.clear()
        self._light.clear()
        self.speaking = False

    def update(self, sample: Sample) -> None:
        now = sample.t_capture_ns
        self._past.append(sample)
        for times in (self._closures, self._light):
            while times and times[0] < now - _KEEP_NS:
                times.popleft()
        while self._past[0].t_capture_ns < now - _KEEP_NS:
            self._past.popleft()
        self._lid_changes.append(sample.eye_change)
        self._shut = sample.eye_change > max(_LID_CHANGE, _LID_CHANGE_TIMES * float(np.median(self._lid_changes)))
        if not self._shut:
            self._opened_ns = now
        if self.lids_shut:
            self._closures.append(now)
        recent = [past.luma for past in self._since(now - 200_000_000)]
        if max(recent) - min(recent) > self._settings.light_step * max(sample.luma, 1.0):
            self._light.append(now)
        self.speaking = self._lips_oscillate(now)

    @property
    def lids_shut(self) -> bool:
        """The eyes are shut now, and were not before: eyes that stay as they are were open after all, or sleep."""
        return self._shut and bool(self._past) and self._past[-1].t_capture_ns - self._opened_ns < _LIDS_STAY_NS

    def thresholds(self, sigma_px: FloatArray, since_ns: int) -> tuple[FloatArray, str | None]:
        """(8,) px for a movement that began then, and the gate that raises them. sigma_px: (8,) noise of the regions."""
        settings = self._settings
        threshold = np.maximum(settings.min_displacement_px, settings.noise_sigmas * sigma_px)
        leak = settings.head_leak * max(self._head_travel_px(since_ns) - settings.head_free_px, 0.0)
        gate = "head_motion" if leak > 0 else None
        threshold = threshold + leak
        if self.speaking:
            gate = "speech"
            threshold = threshold * settings.speech_factor
        return threshold.astype(np.float32), gate

    def head_turns(self, now_ns: int) -> str | None:
        """`head_motion` while the head moves so much that nothing else can be told."""
        return self.head_turned(now_ns - _HEAD_NS)

    def head_turned(self, since_ns: int) -> str | None:
        """Likewise for the half second from then on."""
        return "head_motion" if self._head_travel_px(since_ns) > self._settings.head_limit_px else None

    def objection(self, course: Course, sigma_px: FloatArray, now_ns: int) -> str | None:
        """The gate that a movement fails, or None: every region that moved must have another excuse."""
        if course.seen > _CUT_PART:
            return "head_motion"
        if any(course.onset_ns <= t <= course.apex_ns for t in self._light):
            return "light_change"
        threshold, gate = self.thresholds(sigma_px, course.onset_ns)
        if self._blinked(course.apex_ns, course.apex_ns, _WITH_LIDS_NS):
            threshold, gate = _LIDS_FACTOR * threshold, "blink"
        parts = course.peak_px / threshold
        if parts.max() < 1:
            return gate or "head_motion"
        moved = np.flatnonzero(parts >= _MAIN_PART * parts.max())
        excuses = [self._excuse(int(region), course, now_ns) for region in moved]
        return excuses[0] if all(excuses) else None

    def _excuse(self, region: int, course: Course, now_ns: int) -> str | None:
        """What else may have moved this region, or None."""
        peak_px = float(course.peak_px[region])
        risen = float(course.peak[region, 1]) < -_RISEN_PART * peak_px
        if region in BROWS and not risen and self._is_blink(peak_px, course, now_ns):
            return "blink"
        if region in LIPS:
            share = self._settings.speech_share * (_SPEAKING_PART if self.speaking else 1.0)
            return "speech" if self._lip_travel_px(course.onset_ns - _SYLLABLE_NS) > share * peak_px else None
        return None

    def _is_blink(self, peak_px: float, course: Course, now_ns: int) -> bool:
        """Whether the lids moved this brow. How far they pull it differs much between faces, most where brows are low; so what
        peaks with the lids shut may be larger than what merely comes near a closure."""
        limit_px = self._settings.blink_brow_px
        if peak_px < limit_px and self._blinked(course.apex_ns, course.apex_ns, _WITH_LIDS_NS):
            return True
        return peak_px < limit_px / 2 and self._blinked(course.onset_ns, now_ns, int(self._settings.blink_margin_ms * 1e6))

    def _blinked(self, start_ns: int, end_ns: int, margin_ns: int) -> bool:
        return any(start_ns - margin_ns <= t <= end_ns + margin_ns for t in self._closures)

    def _head_travel_px(self, since_ns: int) -> float:
        """How far the head got in the half second from then on: px at the edge of the face."""
        places = [past.head_px for past in self._since(since_ns) if past.t_capture_ns <= since_ns + _HEAD_NS]
        return float(np.linalg.norm(np.ptp(places, axis=0) * _TRAVEL_WEIGHTS)) if places else 0.0

    def _lip_travel_px(self, since_ns: int) -> float:
        """By how much the gap between the lips changed since then."""
        gaps = [past.lip_gap_px for past in self._since(since_ns)]
        return max(gaps) - min(gaps) if gaps else 0.0

    def _since(self, start_ns: int) -> list[Sample]:
        newest = itertools.takewhile(lambda past: past.t_capture_ns >= start_ns, reversed(self._past))
        return list(newest)[::-1]

    def _lips_oscillate(self, now: int) -> bool:
        gap = [past.lip_gap_px for past in self._since(now - _RECENT_NS)]
        if len(gap) < 8:
            return False
        turns, last, rising = 0, gap[0], None
        for value in gap[1:]:
            if abs(value - last) < _SPEECH_PX:
                continue
            direction = value > last
            turns += rising is not None and direction != rising
            rising, last = direction, value
        return turns >= _SPEECH_TURNS
