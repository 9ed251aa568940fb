"""Which pictures are new, and how many of them come in a second.

Cameras and virtual cameras repeat pictures, and a camera that was lost may repeat its last one for ever.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from ahmsa.types import ByteImage

_STEP = 8
_WINDOW_NS = 1_000_000_000


def is_same_picture(image: ByteImage, other: ByteImage | None) -> bool:
    """Equal in every pixel. Sensor noise makes any two real pictures differ, so a coarse look settles nearly all cases."""
    if other is None or image.shape != other.shape:
        return False
    return np.array_equal(image[::_STEP, ::_STEP], other[::_STEP, ::_STEP]) and np.array_equal(image, other)


class FrameRate:
    """Rate of distinct frames over the past second of their own time. Times that go back begin it anew."""

    def __init__(self) -> None:
        self._times_ns: deque[int] = deque()

    def add(self, t_capture_ns: int) -> None:
        """Count a distinct frame."""
        times = self._times_ns
        if times and t_capture_ns <= times[-1]:
            times.clear()
        times.append(t_capture_ns)
        while len(times) > 2 and times[0] < t_capture_ns - _WINDOW_NS:
            times.popleft()

    def reset(self) -> None:
        self._times_ns.clear()

    @property
    def frames(self) -> int:
        """How many frames the rate is measured over."""
        return len(self._times_ns)

    @property
    def span_ns(self) -> int:
        """From the first to the last of them."""
        return self._times_ns[-1] - self._times_ns[0] if self._times_ns else 0

    @property
    def newest_ns(self) -> int:
        """Capture time of the last one; 0 before the first."""
        return self._times_ns[-1] if self._times_ns else 0

    @property
    def hz(self) -> float:
        """0 while fewer than two frames are known."""
        return (self.frames - 1) * 1e9 / self.span_ns if self.frames > 1 else 0.0
