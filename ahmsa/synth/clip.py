"""Clips as a camera would deliver them: 640x480 BGR frames with a known truth."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2

from ahmsa.errors import DataError
from ahmsa.files import whole_file
from ahmsa.synth.camera import Shot, expose, quality_at, shot_of, shots
from ahmsa.synth.drawing.portrait import HEIGHT_PX, WIDTH_PX
from ahmsa.synth.drawing.render import WHOLE_PICTURE, People
from ahmsa.synth.scenario.performance import Scripted
from ahmsa.synth.scenario.script import ClipScript, Disturbance, Scenario, TrueEvent, write_truth
from ahmsa.types import ByteImage, Frame, Kind


class SyntheticClip(Scripted):
    """The frames of a scenario or script. Iterate as often as you like; every pass gives the same frames to the bit."""

    def __init__(self, what: Scenario | ClipScript) -> None:
        super().__init__(what)
        self._people = People(grey=False, box=WHOLE_PICTURE, person=self.script.person)
        self._last: tuple[int, ByteImage] | None = None

    def __iter__(self) -> Iterator[Frame]:
        return (self._frame(shot) for shot in shots(self.script, self._performance))

    def frame(self, index: int) -> Frame | None:
        """Frame number `index`, whatever was drawn before; None where the camera delivers none."""
        shot = shot_of(self.script, self._performance, index)
        return None if shot is None else self._frame(shot)

    def write_truth(self, path: Path) -> None:
        """Ground truth as CSV (see `ahmsa.synth.scenario.script.write_truth`)."""
        write_truth(self.truth, path, self.fps)

    def _frame(self, shot: Shot) -> Frame:
        if self._last is None or self._last[0] != shot.content:
            self._last = (shot.content, self._picture(shot))
        return Frame(shot.index, shot.t_capture_ns, self._last[1].copy())

    def _picture(self, shot: Shot) -> ByteImage:
        moment = self._performance.at(shot.t_content_ms)
        quality = quality_at(self.script, self._performance, shot.t_content_ms)
        return expose(self._people.of(moment).picture(moment), moment, self.script, shot, quality)


def clip_of(
    events: Iterable[TrueEvent] = (),
    nuisances: Iterable[Disturbance] = (),
    *,
    duration_s: float = 10.0,
    fps: float = 30.0,
    seed: int = 0,
    noise_levels: float = 1.0,
    jpeg_quality: int | None = None,
    person: int = 0,
) -> SyntheticClip:
    """A clip written by hand: "a 2 px happiness at 3.0 s, a blink at 5 s"."""
    return SyntheticClip(ClipScript(duration_s, fps, tuple(events), tuple(nuisances), seed, noise_levels, jpeg_quality, person))


def event(label: str, onset_s: float, amplitude_px: float = 2.0, rise_ms: float = 165.0, fall_ms: float = 215.0) -> TrueEvent:
    """A micro-expression by its onset (macro where it lasts longer than half a second)."""
    onset = onset_s * 1000
    kind: Kind = "micro" if rise_ms + fall_ms <= 500 else "macro"
    return TrueEvent(label, onset, onset + rise_ms, onset + rise_ms + fall_ms, amplitude_px, kind)


def demo_script() -> ClipScript:
    """40 s at 30 fps, the clip of `ahmsa-live --demo`: eight micro-expressions of all classes and a mild webcam."""
    events = (
        event("positive", 4.6, 2.4, 167, 233),
        event("surprise", 8.9, 2.8, 150, 240),
        event("negative", 13.2, 2.2, 180, 250),
        event("surprise", 17.1, 1.6, 133, 200),
        event("positive", 21.4, 1.3, 160, 220),
        event("negative", 29.8, 2.7, 170, 210),
        event("positive", 34.0, 3.0, 190, 280),
        event("surprise", 37.2, 1.1, 150, 190),
    )
    end = 40_000.0
    nuisances = (
        Disturbance("sway", 0.0, end, 0.7),
        Disturbance("flicker", 0.0, end, 0.3),
        Disturbance("blink", 6_800.0, 7_000.0),
        Disturbance("blink", 19_300.0, 19_480.0),
        Disturbance("blink", 32_100.0, 32_330.0),
        Disturbance("head_turn", 10_600.0, 12_100.0, 0.5),
        Disturbance("talking", 24_000.0, 27_500.0, 0.8),
    )
    return ClipScript(40.0, 30.0, events, nuisances, seed=2026, noise_levels=1.2, jpeg_quality=92)


def demo_clip() -> SyntheticClip:
    """The clip of `demo_script`."""
    return SyntheticClip(demo_script())


def write_video(clip: SyntheticClip, path: Path, codec: str = "mp4v") -> None:
    """Write a clip as a video (.mp4 with mp4v, .avi with MJPG), and its truth beside it as `<stem>.truth.csv`.

    The file has a constant frame rate: missing frames are written as repetitions. Raises DataError where no encoder opens.
    """
    with whole_file(path) as part:
        named = part.with_suffix(path.suffix)
        writer = cv2.VideoWriter(str(named), cv2.VideoWriter.fourcc(*codec), clip.fps, (WIDTH_PX, HEIGHT_PX))
        if not writer.isOpened():
            raise DataError(f"{path} cannot be written as {codec} video; use .mp4 with mp4v or .avi with MJPG")
        try:
            last: Frame | None = None
            for index in range(clip.script.frames):
                last = clip.frame(index) or last
                if last is not None:
                    writer.write(last.image)
        finally:
            writer.release()
        named.replace(part)
    clip.write_truth(path.with_suffix(".truth.csv"))
