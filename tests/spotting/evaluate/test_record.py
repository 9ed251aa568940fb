"""Covers spotting.evaluate.plots."""

import dataclasses

import matplotlib.image

from fake_faces import candidate, face
from spotting.evaluate.plots import plot_record
from spotting.evaluate.record import Record
from spotting.evaluate.scoring import Interval
from spotting.regions import REGIONS
from spotting.spotter import Motion, Step


def moved(phase, **more):
    """A movement from 1.0 s to 1.17 s; its frames are counted a hundred a second."""
    faces = {name: face(index, t_capture_ns=index * 10_000_000) for name, index in (("onset", 100), ("apex", 117))}
    return dataclasses.replace(candidate(phase), **faces, apex_t_ns=1_173_000_000, **more)


def test_a_confirmed_movement_is_a_row_in_frames_and_ms():
    record = Record()
    record.take(Step(candidate=moved("provisional")))
    record.take(Step(candidate=moved("confirmed", offset_t_ns=1_400_000_000)))
    [movement] = record.movements
    row = movement.row("talk")
    assert (row["onset"], row["apex"], row["offset"]) == (100, 117, 140)
    assert (row["onset_ms"], row["apex_ms"], row["offset_ms"]) == (1000.0, 1173.0, 1400.0)
    assert (row["video"], row["type"], row["gate"]) == ("talk", "micro", "")


def test_a_gated_movement_names_its_gate():
    record = Record()
    record.take(Step(rejected=moved("retracted", reason="blink")))
    assert record.movements[0].gate == "blink"


def test_the_plot_is_a_picture_even_of_nothing(tmp_path):
    record = Record()
    plot_record(record, tmp_path / "empty.png", "empty")
    for i in range(60):
        values = dict.fromkeys(REGIONS, 0.1)
        gates = dict.fromkeys(REGIONS, "speech" if 20 < i < 40 else None)
        record.take(Step(Motion(i * 33_000_000, values, dict.fromkeys(REGIONS, 0.3), gates)))
    record.take(Step(candidate=moved("confirmed", offset_t_ns=1_400_000_000)))
    record.take(Step(rejected=moved("retracted", reason="blink")))
    plot_record(record, tmp_path / "full.png", "full", [Interval("", 1000, 1170, 1400, "micro")])
    assert matplotlib.image.imread(tmp_path / "full.png").std() > matplotlib.image.imread(tmp_path / "empty.png").std()
