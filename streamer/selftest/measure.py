"""The self-test itself: the untouched recording, and copies of it with known movements, through one pipeline each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from ahmsa.errors import DataError
from ahmsa.synth.known.injection import AMPLITUDES_PX, Injection, inject, plan_injections
from ahmsa.synth.known.movements import Movement, named_movements
from ahmsa.types import Frame
from configs.schema import LiveSettings
from spotting.selftest.trials import Confirmed, Trial, confirmed_of, trials_of
from streamer.acquire.input_check import InputCheck
from streamer.selftest.conditions import Behaviour, behaviour_of
from streamer.selftest.recording import Recording
from streamer.selftest.watch import FaceNote, Pass, watch

Progress = Callable[[str, int], None]
"""Called with what is being done and the number of frames done of it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How movements are injected."""

    rounds: int = 4
    """Copies of the recording, each with other movements at other times."""
    every_s: float = 1.5
    """Neutral time between two movements, about."""
    first_s: float | None = None
    """No movement before; None: half a second after the calibration."""
    amplitudes_px: Sequence[float] = AMPLITUDES_PX
    seed: int = 0
    movements: Callable[[int], list[Movement]] = named_movements
    """Seed of a round -> what may be injected in it."""


@dataclass(frozen=True, slots=True, eq=False)
class Untouched:
    """A recording as it is, watched once."""

    name: str
    seen: Pass
    faces: list[FaceNote | None]
    behaviour: Behaviour
    remarks: list[str]
    rate_hz: float

    @property
    def times_ns(self) -> list[int]:
        return [note.t_ns for note in self.seen.notes]

    @property
    def alarms(self) -> list[Confirmed]:
        """Everything that was confirmed, real movements of the person included."""
        return confirmed_of(self.seen.candidates)


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """A recording and what was found in its changed copies."""

    untouched: Untouched
    trials: list[Trial]


def watch_untouched(
    recording: Recording, settings: LiveSettings, progress: Progress = lambda *_: None, turned_deg: int = 0
) -> Untouched:
    """Watch a recording as it is. Raises DataError where nothing can be spotted in it."""
    seen = watch(recording.frames(), settings, progress=lambda n: progress("untouched", n))
    check = InputCheck(settings.spotter, turned_deg=turned_deg, cut_off=getattr(recording, "cut_off", None))
    for note in seen.notes:
        check.see(note.t_ns, note.faces)
    if check.problem is not None:
        raise DataError(f"{recording.name}: {check.problem}")
    faces = seen.faces()
    behaviour = behaviour_of([note.t_ns for note in seen.notes], faces)
    return Untouched(recording.name, seen, faces, behaviour, check.remarks, check.rate_hz)


def measure(
    recording: Recording,
    untouched: Untouched,
    settings: LiveSettings,
    plan: Plan,
    progress: Progress = lambda *_: None,
) -> Measured:
    """Inject known movements into copies of the recording and count what is found.

    Raises DataError where the face is nowhere seen for long enough to hold a movement.
    """
    trials: list[Trial] = []
    for number in range(plan.rounds):
        injections = planned(untouched, settings, plan, plan.seed + number)
        if not injections:
            continue
        seen = watch(
            recording.frames(),
            settings,
            change=_injector(untouched, injections),
            progress=partial(progress, f"round {number + 1} of {plan.rounds}"),
        )
        around = [untouched.behaviour.around(i.onset_ns / 1e9, i.offset_ns / 1e9) for i in injections]
        trials += trials_of(recording.name, injections, around, confirmed_of(seen.candidates), untouched.alarms)
    if not trials:
        raise DataError(
            f"{recording.name}: the face is never seen for long enough to hold a movement, so nothing was injected: record "
            "half a minute with the face in the picture throughout"
        )
    return Measured(untouched, trials)


def planned(untouched: Untouched, settings: LiveSettings, plan: Plan, seed: int) -> list[Injection]:
    """The movements of one round."""
    first_s = plan.first_s if plan.first_s is not None else settings.spotter.calibration_ms / 1000 + 0.5
    return plan_injections(
        untouched.times_ns,
        [face is not None for face in untouched.faces],
        plan.movements(seed),
        seed=seed,
        every_s=plan.every_s,
        first_s=first_s,
        amplitudes_px=plan.amplitudes_px,
    )


def _injector(untouched: Untouched, injections: Sequence[Injection]) -> Callable[[Frame], Frame]:
    places = dict(zip(untouched.times_ns, untouched.faces, strict=True))

    def change(frame: Frame) -> Frame:
        face = places.get(frame.t_capture_ns)
        now = next((i for i in injections if i.onset_ns < frame.t_capture_ns < i.offset_ns), None)
        if face is None or now is None:
            return frame
        return replace(frame, image=inject(frame.image, face.points_px, now.movement, now.strength_px(frame.t_capture_ns)))

    return change
