"""Seeded synthetic clips: a public-domain portrait moved by muscle-like fields, with real timing, nuisances and known truth.

`SyntheticClip` gives camera frames, `SyntheticFaces` aligned faces at speed; both take a `Scenario` (drawn from a seed) or a
`ClipScript` (written by hand). `muscle_field` gives labelled flow fields without any picture.
"""

from ahmsa.synth.clip import SyntheticClip, clip_of, demo_clip, demo_script, event, write_video
from ahmsa.synth.drawing.people import PEOPLE
from ahmsa.synth.faces import SyntheticFaces
from ahmsa.synth.maps import synthetic_maps
from ahmsa.synth.motion.muscles import muscle_field
from ahmsa.synth.scenario.plan import LIFELIKE, MIXED, script_of
from ahmsa.synth.scenario.script import NUISANCES, ClipScript, Disturbance, Scenario, TrueEvent, write_truth

__all__ = [
    "LIFELIKE",
    "MIXED",
    "NUISANCES",
    "PEOPLE",
    "ClipScript",
    "Disturbance",
    "Scenario",
    "SyntheticClip",
    "SyntheticFaces",
    "TrueEvent",
    "clip_of",
    "demo_clip",
    "demo_script",
    "event",
    "muscle_field",
    "script_of",
    "synthetic_maps",
    "write_truth",
    "write_video",
]
