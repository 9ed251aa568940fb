"""Is a movement on a real face named as its own flow map is, or does what else the person does decide?

Published maps are injected into clips of real people; onset and apex are given, flow and answer are those of the live path.
Clips and maps must be at hand: AHMSA_REAL and AHMSA_MAPS, or ../shared/data/realvideo and flow3db-dev.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ahmsa.errors import AhmsaError
from ahmsa.face.tracker import FaceTracker
from ahmsa.flow.maps import lay_out, min_max
from ahmsa.flow.strain import strain_magnitude
from ahmsa.model.checkpoint import Checkpoint, shipped
from ahmsa.model.recogniser import Recogniser, Recognition
from ahmsa.synth.known.injection import Injection, inject
from ahmsa.synth.known.movements import FIELD_FIRST_PX
from ahmsa.synth.motion.muscles import CROP_PX
from ahmsa.types import AlignedFace, FacePair, FloatArray, Frame
from benchmarks.real_maps import MapMovements
from configs.schema import LiveSettings
from streamer.acquire.sources import SourceSpec
from streamer.commands.spot import VIDEOS
from streamer.selftest.measure import Plan, Untouched, planned, watch_untouched
from streamer.selftest.recording import FileRecording

_SHARED = Path(__file__).parents[2] / "shared" / "data"
_HEADING = "## Recognition on real people\n\n"
_SEEDS = (31, 32)
_CLIP_SEED = 1000
"""Every clip gets other maps: a seed alone puts the same few into all of them, and the share of right labels is then theirs."""
_PLAN = Plan(every_s=1.0, first_s=1.0, amplitudes_px=(0.7, 1.0, 1.5, 2.0, 3.0))
_MOST_S = 60.0
_HEADS_PX_S = ((0, 5), (5, 15), (15, 40))
_BATCH = 16
_TEXT = """{count} movements in {clips} clips of real people: published maps without their rigid part, peaks of 0.7-3 px of the
128 px crop, rise 120-230 ms, fall 130-290 ms. Onset and apex are given. Same: the label that the shipped network gives the
injected field itself. Right: the label of the published map; the network was trained on these maps, so that is no accuracy.
Twin: the label of the same frames without the movement; a label that the person's other motion decides is the twin's. Answered:
not abstained. `before` is the face as long before the onset as the apex is after it, `after` the first face at which the
movement has fallen to half, which is when the spotter confirms. Head motion as in "Spotting on real people"."""


@dataclass(frozen=True, slots=True)
class _Case:
    """One movement, and the same frames without it."""

    moved: FacePair
    twin: FacePair
    field: FloatArray
    """(2, s, s) px: what was injected, at the apex."""
    label: str
    head_px_s: float


@dataclass(frozen=True, slots=True)
class _Answers:
    """Of one way of asking, an entry for each case."""

    same: npt.NDArray[np.bool_]
    right: npt.NDArray[np.bool_]
    twin: npt.NDArray[np.bool_]
    answered: npt.NDArray[np.bool_]
    twin_answered: npt.NDArray[np.bool_]


def section(names: Sequence[str] = ()) -> str:
    """Markdown: shares of labels by head motion; the reason where clips or maps are not here. names: only these clips."""
    clips = Path(os.environ.get("AHMSA_REAL", str(_SHARED / "realvideo")))
    maps = Path(os.environ.get("AHMSA_MAPS", str(_SHARED / "flow3db-dev")))
    if not clips.is_dir() or not maps.is_dir():
        return f"{_HEADING}Not measured: clips or flow maps of real people are not on this machine (AHMSA_REAL, AHMSA_MAPS)."
    files = [file for file in sorted(clips.iterdir()) if file.suffix in VIDEOS and (not names or file.stem in names)]
    cases, failed = _cases(files, MapMovements(maps))
    if not cases:
        return f"{_HEADING}Not measured: no clip in AHMSA_REAL could be used ({'; '.join(failed) or 'it is empty'})."
    recogniser = Recogniser(Checkpoint.load(shipped()), device="cpu")
    reference = recogniser.checkpoint.predict(np.stack([_map_of(case.field) for case in cases])).argmax(axis=1)
    wanted = [recogniser.checkpoint.labels[number] for number in reference]
    lines = [
        "| faces known | head, px/s | movements | same | right | twin | answered | same | right | twin | twins answered |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for way, known in (("onset, apex", _two_faces), ("and before, after", _all_faces)):
        answers = _ask(recogniser, cases, wanted, known)
        lines += [_line(way, cases, answers, low, high) for low, high in _HEADS_PX_S]
    text = _TEXT.format(count=len(cases), clips=len(files) - len(failed))
    notes = f"\n\nNot measured: {'; '.join(failed)}." if failed else ""
    return (
        f"{_HEADING}{text}\n\n"
        + "\n".join(lines)
        + "\n\nLeft of `answered`: all movements; right of it: the answered ones."
        + notes
    )


def _cases(files: Sequence[Path], movements: MapMovements) -> tuple[list[_Case], list[str]]:
    settings, cases, failed = LiveSettings(), [], []
    for number, file in enumerate(files):
        recording = FileRecording(SourceSpec("video", str(file)), settings.source, _MOST_S)
        try:
            untouched = watch_untouched(recording, settings)
        except AhmsaError as error:
            failed.append(str(error))
            continue
        plain = _faces(recording, settings, lambda frame: frame)
        plan = Plan(every_s=_PLAN.every_s, first_s=_PLAN.first_s, amplitudes_px=_PLAN.amplitudes_px, movements=movements)
        for seed in _SEEDS:
            injections = planned(untouched, settings, plan, _CLIP_SEED * number + seed)
            changed = _faces(recording, settings, _injected(untouched, injections))
            cases += [case for each in injections if (case := _case(each, plain, changed, untouched)) is not None]
        print(f"{file.stem}: {len(cases)} movements so far", file=sys.stderr, flush=True)
    return cases, failed


def _faces(recording: FileRecording, settings: LiveSettings, change: Callable[[Frame], Frame]) -> dict[int, AlignedFace]:
    """Capture time -> the face of each frame that has one, as the live path aligns it."""
    found: dict[int, AlignedFace] = {}
    with FaceTracker(settings.face) as tracker:
        for frame in recording.frames():
            for face in tracker.update(change(frame))[:1]:
                found[face.t_capture_ns] = face
    return found


def _injected(untouched: Untouched, injections: Sequence[Injection]) -> Callable[[Frame], Frame]:
    places = dict(zip(untouched.times_ns, untouched.faces, strict=True))

    def change(frame: Frame) -> Frame:
        t_ns, place = frame.t_capture_ns, places.get(frame.t_capture_ns)
        for each in injections:
            if place is not None and each.onset_ns < t_ns < each.offset_ns:
                image = inject(frame.image, place.points_px, each.movement, each.strength_px(t_ns))
                return Frame(frame.index, t_ns, image)
        return frame

    return change


def _case(
    injection: Injection, plain: dict[int, AlignedFace], changed: dict[int, AlignedFace], untouched: Untouched
) -> _Case | None:
    """None where the face is lost on the way."""
    times = [t_ns for t_ns in plain if t_ns in changed]
    before_ns = min(times, key=lambda t_ns: abs(t_ns - (2 * injection.onset_ns - injection.apex_ns)), default=0)
    half = injection.amplitude_px / 2
    after_ns = next((t for t in times if t > injection.apex_ns and injection.strength_px(t) <= half), 0)
    moments = (injection.onset_ns, injection.apex_ns, before_ns, after_ns)
    if not all(moment in plain and moment in changed for moment in moments):
        return None
    pairs = [
        FacePair(faces[moments[0]], faces[moments[1]], before=faces[moments[2]], after=faces[moments[3]])
        for faces in (changed, plain)
    ]
    inside = slice(-FIELD_FIRST_PX, CROP_PX - FIELD_FIRST_PX)
    field = injection.movement.field[inside, inside].transpose(2, 0, 1) * np.float32(injection.amplitude_px)
    around = untouched.behaviour.around(injection.onset_ns / 1e9, injection.offset_ns / 1e9)
    return _Case(pairs[0], pairs[1], field, injection.movement.label or "", around.head_px_s)


def _map_of(field: FloatArray) -> FloatArray:
    """The map of a flow without noise, head or background."""
    return min_max(lay_out(np.concatenate([field, strain_magnitude(field)[None]]), np.zeros((5, 2), np.float32), "whole", 28))


def _two_faces(pair: FacePair) -> FacePair:
    return FacePair(pair.onset, pair.apex)


def _all_faces(pair: FacePair) -> FacePair:
    return pair


def _ask(
    recogniser: Recogniser, cases: Sequence[_Case], wanted: Sequence[str], known: Callable[[FacePair], FacePair]
) -> _Answers:
    moved = _recognised(recogniser, [known(case.moved) for case in cases])
    twins = _recognised(recogniser, [known(case.twin) for case in cases])
    labels = [one.emotion.label for one in moved]
    return _Answers(
        same=np.array([label == want for label, want in zip(labels, wanted, strict=True)]),
        right=np.array([label == case.label for label, case in zip(labels, cases, strict=True)]),
        twin=np.array([label == twin.emotion.label for label, twin in zip(labels, twins, strict=True)]),
        answered=np.array([one.emotion.abstained is None for one in moved]),
        twin_answered=np.array([one.emotion.abstained is None for one in twins]),
    )


def _recognised(recogniser: Recogniser, pairs: Sequence[FacePair]) -> list[Recognition]:
    return [one for start in range(0, len(pairs), _BATCH) for one in recogniser.recognise(pairs[start : start + _BATCH])]


def _line(way: str, cases: Sequence[_Case], answers: _Answers, low: float, high: float) -> str:
    chosen = np.array([low <= case.head_px_s < high for case in cases])
    heard = chosen & answers.answered
    every = [_share(part, chosen) for part in (answers.same, answers.right, answers.twin, answers.answered)]
    claimed = [_share(part, heard) for part in (answers.same, answers.right, answers.twin)]
    figures = " | ".join([*every, *claimed, _share(answers.twin_answered, chosen)])
    return f"| {way} | {low}-{high} | {chosen.sum()} | {figures} |"


def _share(part: npt.NDArray[np.bool_], of: npt.NDArray[np.bool_]) -> str:
    return f"{part[of].mean():.2f}" if of.any() else "-"


if __name__ == "__main__":
    print(section(sys.argv[1:]))
