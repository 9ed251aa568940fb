"""What each nuisance does to a moment; those that are missing here change which frames come, and are the camera's."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from ahmsa.synth.motion.muscles import unit_motion
from ahmsa.synth.motion.timing import course, ramp, there_and_back
from ahmsa.synth.scenario.moment import Moment, Now

AWAY_SHIFT_PX = 250.0
"""Face px by which the picture pans when the face leaves it."""
_TURNING_PX_S = 10.0
_PATH_SIZES = (9.0, 6.0, 4.0, 4.0, 3.0)
_LEVER_PX = 62.0
"""The face's middle lies this far before the point about which the head turns (ahmsa.synth.drawing.head), face px."""


def _sway(moment: Moment, now: Now) -> None:
    waves = [
        sum(
            math.sin(
                2
                * math.pi
                * (now.t_ms / 1000 * (0.05 + 0.3 * now.traits[3 * axis + wave] ** 2) + now.traits[12 + 3 * axis + wave])
            )
            for wave in range(3)
        )
        / 2
        for axis in range(4)
    ]
    strength = now.intensity * ramp((now.t_ms - now.start_ms) / 400) * ramp((now.end_ms - now.t_ms) / 400)
    moment.shift_x += 3.0 * strength * waves[0]
    moment.shift_y += 2.0 * strength * waves[1]
    moment.roll_deg += 1.0 * strength * waves[2]
    moment.yaw_deg += 1.5 * strength * waves[3]


def _head_turn(moment: Moment, now: Now) -> None:
    strength = now.intensity * now.there_and_back(0.25 + 0.2 * now.traits[0])
    moment.yaw_deg += strength * _signed(now.traits[1], 4, 14)
    moment.roll_deg += strength * _signed(now.traits[2], 1, 7)
    moment.shift_x += strength * _signed(now.traits[3], 0, 6)
    moment.shift_y += strength * _signed(now.traits[4], 0, 4)
    moment.scale *= 1 + 0.02 * strength * _signed(now.traits[5], 0, 1)


def _blink(moment: Moment, now: Now) -> None:
    x = (now.t_ms - now.start_ms) / (now.end_ms - now.start_ms)
    shut = 0.3 + 0.1 * now.traits[0]
    closure = ramp(x / shut) * (1 - ramp((x - shut - 0.08) / (0.92 - shut)))
    moment.closure = max(moment.closure, closure)
    moment.motions.append((_BROWS_IN_BLINK, 0.4 * now.intensity * closure * (0.5 + now.traits[1])))


def _talking(moment: Moment, now: Now) -> None:
    seconds = now.t_ms / 1000
    envelope = now.there_and_back(0.1)
    pauses = min(max(0.9 + 1.1 * math.sin(2 * math.pi * (seconds * (0.5 + 0.4 * now.traits[0]) + now.traits[1])), 0.0), 1.0)
    syllables = sum(
        weight * math.sin(2 * math.pi * (seconds * rate + now.traits[4 + number]))
        for number, (weight, rate) in enumerate(
            ((0.5, 2 + now.traits[2]), (0.45, 3.3 + now.traits[3]), (0.3, 4.7 + 2.2 * now.traits[8]))
        )
    )
    strength = now.intensity * envelope * pauses
    opened = 3.5 * strength * (syllables + 0.4)
    moment.lip_gap_px += opened
    moment.motions.append((_ROUNDED_LIPS, 0.3 * opened))
    moment.motions.append((_STRETCHED_LIPS, 0.5 * strength * math.sin(2 * math.pi * (seconds * 1.6 + now.traits[9]))))


def _flicker(moment: Moment, now: Now) -> None:
    beat = math.sin(2 * math.pi * (now.t_ms / 1000 * (3 + 8 * now.traits[0]) + now.traits[1]))
    hunting = math.sin(2 * math.pi * (now.t_ms / 1000 * (0.7 + now.traits[2]) + now.traits[3]))
    moment.gain *= 1 + 0.03 * now.intensity * (0.6 * beat + 0.4 * hunting)


def _slow_gain(moment: Moment, now: Now) -> None:
    moment.gain *= 1 + 0.15 * now.intensity * _side(now.traits[0]) * there_and_back(now.t_ms, now.start_ms, now.end_ms, 0.5)


def _light_step(moment: Moment, now: Now) -> None:
    on = ramp((now.t_ms - now.start_ms) / 60) * ramp((now.end_ms - now.t_ms) / 60)
    moment.gain *= 1 + 0.2 * now.intensity * _side(now.traits[0]) * on


def _noise(moment: Moment, now: Now) -> None:
    moment.noise_levels = math.hypot(moment.noise_levels, 2 * now.intensity)


def _away(moment: Moment, now: Now) -> None:
    edge = min(600 / (now.end_ms - now.start_ms), 0.5)
    moment.pan += AWAY_SHIFT_PX * now.there_and_back(edge)


def _turning(moment: Moment, now: Now) -> None:
    edges = ramp((now.t_ms - now.start_ms) / 400) * ramp((now.end_ms - now.t_ms) / 400)
    tempo = _TURNING_PX_S * now.intensity / _path_speed(now.traits)
    yaw, pitch, roll, x, y = _path(now.traits, tempo * now.t_ms / 1000)
    moment.yaw_deg += edges * yaw
    moment.pitch_deg += edges * pitch
    moment.roll_deg += edges * roll
    moment.shift_x += edges * x
    moment.shift_y += edges * y


def _path(traits: tuple[float, ...], phase: float) -> tuple[float, ...]:
    """Yaw, pitch, roll (degrees) and shift right, down (face px) of a head that wanders; `phase` goes along the path."""
    return tuple(
        size
        * sum(
            weight * math.sin(2 * math.pi * (phase * (rate + 0.35 * traits[3 * axis + wave]) + traits[3 * axis + wave + 1]))
            for wave, (weight, rate) in enumerate(((0.6, 0.5), (0.3, 1.1), (0.15, 1.9)))
        )
        for axis, size in enumerate(_PATH_SIZES)
    )


@lru_cache(maxsize=64)
def _path_speed(traits: tuple[float, ...]) -> float:
    """Travel of the face's middle for one unit of the path, face px: it lies before the pivot by `_LEVER_PX`."""
    places = np.array([_path(traits, float(phase)) for phase in np.arange(0, 12, 0.02)])
    across = places[:, 3] + _LEVER_PX * np.sin(np.radians(places[:, 0]))
    down = places[:, 4] + _LEVER_PX * np.sin(np.radians(places[:, 1]))
    return float(np.hypot(np.diff(across), np.diff(down)).sum() / 12)


def _lively_talking(moment: Moment, now: Now) -> None:
    _talking(moment, now)
    seconds, on = (now.t_ms - now.start_ms) / 1000, now.there_and_back(0.1)
    nod = math.sin(2 * math.pi * (seconds * (0.5 + 0.3 * now.traits[10]) + now.traits[11]))
    moment.pitch_deg += 4.0 * now.intensity * on * nod * (0.4 + 0.6 * now.traits[12])
    turn = math.sin(2 * math.pi * (seconds * (0.3 + 0.3 * now.traits[13]) + now.traits[14]))
    moment.yaw_deg += 4.0 * now.intensity * on * turn
    moment.roll_deg += 1.5 * now.intensity * on * nod * turn
    beat_s = 1.6 + now.traits[15]
    number = int(seconds // beat_s)
    trait = now.traits[(16 + number) % len(now.traits)]
    into_ms, length_ms = 1000 * (seconds - number * beat_s), 600 + 800 * trait
    raised = course(into_ms, 0.0, 0.35 * length_ms, length_ms, hold=0.4) if 0 < into_ms < length_ms else 0.0
    moment.motions.append((_RAISED_BROWS, now.intensity * (1.0 + 1.5 * trait) * raised * on))


def _gaze(moment: Moment, now: Now) -> None:
    edge = min(40 / (now.end_ms - now.start_ms), 0.5)
    there = now.there_and_back(edge)
    moment.gaze_px = (there * _signed(now.traits[0], 1.2, 3.0), there * _signed(now.traits[1], 0.0, 1.0))


def _swallowing(moment: Moment, now: Now) -> None:
    moment.motions.append((_DRAWN_CHIN, 1.5 * now.intensity * now.there_and_back(0.45)))


def _chewing(moment: Moment, now: Now) -> None:
    rate = 1.2 + 0.6 * now.traits[0]
    jaw = math.sin(2 * math.pi * (now.t_ms / 1000 * rate + now.traits[1])) * now.there_and_back(0.1)
    moment.motions.append((_DROPPED_JAW, 1.5 * now.intensity * (jaw + now.there_and_back(0.1))))
    moment.motions.append((_ROUNDED_LIPS, 0.5 * now.intensity * jaw))


def _glasses(moment: Moment, now: Now) -> None:
    moment.glasses = max(moment.glasses, now.intensity)


def _hair_strand(moment: Moment, now: Now) -> None:
    swing = math.sin(2 * math.pi * (now.t_ms / 1000 * (0.7 + 0.5 * now.traits[0]) + now.traits[1]))
    slow = math.sin(2 * math.pi * (now.t_ms / 1000 * 0.13 + now.traits[2]))
    moment.strand_deg = 14.0 * now.intensity * swing * (0.4 + 0.6 * abs(slow))


def _hand(moment: Moment, now: Now) -> None:
    edge = min(500 / (now.end_ms - now.start_ms), 0.5)
    up = now.there_and_back(edge)
    tip_x = 66.0 + _signed(now.traits[0], 0.0, 34.0)
    top = 72.0 + 20.0 * now.traits[1]
    rub = 2.0 * math.sin(2 * math.pi * now.t_ms / 1000 * 1.1)
    moment.hand = (tip_x + rub, top + 180.0 * (1 - up))


def _cut(moment: Moment, now: Now) -> None:
    moment.stranger = True
    moment.shift_x += _signed(now.traits[0], 0.0, 12.0)
    moment.shift_y += _signed(now.traits[1], 0.0, 8.0)


PERFORMERS: dict[str, Callable[[Moment, Now], None]] = {
    "sway": _sway,
    "head_turn": _head_turn,
    "blink": _blink,
    "talking": _talking,
    "flicker": _flicker,
    "slow_gain": _slow_gain,
    "light_step": _light_step,
    "noise": _noise,
    "away": _away,
    "turning": _turning,
    "lively_talking": _lively_talking,
    "gaze": _gaze,
    "swallowing": _swallowing,
    "chewing": _chewing,
    "glasses": _glasses,
    "hair_strand": _hair_strand,
    "hand": _hand,
    "cut": _cut,
}
"""Kinds that change what is seen; the others change which frames come, and are the camera's."""

_BROWS_IN_BLINK = unit_motion({"brow_lowerer_4": 0.5, "lid_tightener_7": 0.4})
_RAISED_BROWS = unit_motion({"inner_brow_raiser_1": 1.0, "outer_brow_raiser_2": 0.9})
_DRAWN_CHIN = unit_motion({"chin_raiser_17": 1.0, "lip_corner_depressor_15": 0.3})
_DROPPED_JAW = unit_motion({"jaw_drop_26": 1.0})
_ROUNDED_LIPS = unit_motion({"dimpler_14": 1.0}).scaled(-1)
_STRETCHED_LIPS = unit_motion({"lip_stretcher_20": 1.0, "upper_lip_raiser_10": 0.5})


def _side(trait: float) -> float:
    return 1.0 if trait > 0.5 else -1.0


def _signed(trait: float, low: float, high: float) -> float:
    return _side(trait) * (low + (high - low) * abs(2 * trait - 1))
