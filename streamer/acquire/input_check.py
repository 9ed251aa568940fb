"""Is a recording fit to be judged? One sentence each: what could not be done with it, and what was done all the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np

from spotting.settings import SpotterSettings

_UNEVEN = 1.5
"""A rate is called uneven where the slowest tenth of the intervals is this many times the median, or the fastest tenth as much
shorter."""
_STEADY_HZ = 20.0
_BRIEFLY_S = 0.3
"""A second face that is there for less is a slip of the detector."""


@dataclass(slots=True)
class InputCheck:
    """Fill it with `see`, frame by frame; then ask `problem` and `remarks`."""

    settings: SpotterSettings
    turned_deg: int = 0
    """By which the file asks its pictures to be turned."""
    cut_off: str | None = None
    """What is wrong with the file's end."""
    _times_ns: list[int] = field(default_factory=list)
    _face_frames: Counter[int] = field(default_factory=Counter)
    _with_face: int = 0
    _most_faces: int = 0

    def see(self, t_ns: int, face_ids: Collection[int]) -> None:
        """One frame and the faces in it."""
        self._times_ns.append(t_ns)
        self._face_frames.update(list(face_ids))
        self._with_face += bool(face_ids)
        self._most_faces = max(self._most_faces, len(face_ids))

    @property
    def rate_hz(self) -> float:
        """Frames a second, from the median interval; 0 where there are no two frames."""
        return 1e9 / float(np.median(np.diff(self._times_ns))) if len(self._times_ns) > 1 else 0.0

    @property
    def problem(self) -> str | None:
        """Why nothing could be spotted at all; None where something could."""
        needed_s, seen_s, length_s = self.settings.calibration_ms / 1000, self._with_face * self._frame_s, self._length_s
        if not self._with_face:
            return (
                f"no face was seen in any of its {len(self._times_ns)} frames, so nothing could be spotted: "
                "use a recording of a face that looks at the camera, at least 40 px between the eyes"
            )
        if self.rate_hz < self.settings.min_rate_hz:
            return (
                f"it has {self.rate_hz:.0f} frames a second, and a movement of 120 ms would be one or two of them, so nothing "
                f"could be spotted: record at {_STEADY_HZ:.0f} or more, better 30"
            )
        if length_s <= needed_s:
            return (
                f"it lasts {length_s:.1f} s, no longer than the {needed_s:g} s in which the face's own noise is measured, so "
                "nothing could be spotted: record half a minute"
            )
        if seen_s <= needed_s:
            return (
                f"a face was seen for {seen_s:.1f} of its {length_s:.1f} s, no longer than the {needed_s:g} s in which the "
                "face's own noise is measured, so nothing could be spotted: keep the face in the picture"
            )
        return None

    @property
    def remarks(self) -> list[str]:
        """What is unusual about it, and what was made of it."""
        return [
            *self._of_the_file(),
            *self._of_the_rate(),
            *self._of_the_faces(),
        ]

    def _of_the_file(self) -> list[str]:
        said = []
        if self.turned_deg:
            said.append(f"the file has its pictures turned by {self.turned_deg} degrees: they were turned, and all was watched")
        if self.cut_off is not None:
            said.append(f"{self.cut_off}; what came before was watched")
        return said

    def _of_the_rate(self) -> list[str]:
        if self.problem is not None or len(self._times_ns) < 10:
            return []
        intervals_s = np.diff(self._times_ns) / 1e9
        fast, usual, slow = np.percentile(intervals_s, (5, 50, 95))
        if slow > _UNEVEN * usual or fast * _UNEVEN < usual:
            return [
                f"its frames come unevenly, {1 / slow:.0f} to {1 / max(fast, 1e-4):.0f} a second: every frame was watched at "
                "its own time, but movements between late frames are missed"
            ]
        if self.rate_hz < _STEADY_HZ:
            return [f"it has only {self.rate_hz:.0f} frames a second: it was watched, but short movements are missed below 20"]
        return []

    def _of_the_faces(self) -> list[str]:
        frames_s = self._frame_s
        lasting = [n * frames_s for n in self._face_frames.values() if n * frames_s >= _BRIEFLY_S]
        seen_s = self._with_face * frames_s
        if len(lasting) > 1 and self._most_faces > 1:
            each = ", ".join(f"{s:.0f}" for s in sorted(lasting, reverse=True))
            return [
                f"{len(lasting)} faces were seen, for {each} of {self._length_s:.0f} s: each was watched while it was there"
            ]
        if len(lasting) > 1:
            return [
                f"the face went and came, or another took its place: {len(lasting)} stretches were watched one by one, each "
                f"after {self.settings.calibration_ms / 1000:g} s in which its own noise was measured"
            ]
        if seen_s < 0.9 * self._length_s:
            return [f"a face was seen for {seen_s:.0f} of {self._length_s:.0f} s: only these were watched"]
        return []

    @property
    def _length_s(self) -> float:
        return (self._times_ns[-1] - self._times_ns[0]) / 1e9 if self._times_ns else 0.0

    @property
    def _frame_s(self) -> float:
        return self._length_s / max(len(self._times_ns) - 1, 1)
