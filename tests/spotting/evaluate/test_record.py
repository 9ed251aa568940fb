import matplotlib.image
import numpy as np

from ahmsa.types import AlignedFace, Candidate, FaceQuality
from spotting.evaluate.plots import plot_record
from spotting.evaluate.record import Record
from spotting.evaluate.scoring import Interval
from spotting.regions import REGIONS
from spotting.spotter import Motion, Step


def face(index):
    return AlignedFace(
        index,
        index * 10_000_000,
        0,
        np.zeros((8, 8), np.uint8),
        np.zeros((0, 2), np.float32),
        FaceQuality(60, 0, 100, 100),
        np.eye(2, 3),
    )


def candidate(phase, **more):
    return Candidate("0-1", 0, phase, face(100), face(117), 2.5, apex_t_ns=1_173_000_000, **more)


def test_a_confirmed_movement_is_a_row_in_frames_and_ms():
    record = Record()
    record.take(Step(candidate=candidate("provisional")))
    record.take(Step(candidate=candidate("confirmed", offset_t_ns=1_400_000_000)))
    [movement] = record.movements
    row = movement.row("talk")
    assert (row["onset"], row["apex"], row["offset"]) == (100, 117, 140)
    assert (row["onset_ms"], row["apex_ms"], row["offset_ms"]) == (1000.0, 1173.0, 1400.0)
    assert (row["video"], row["type"], row["gate"]) == ("talk", "micro", "")


def test_a_gated_movement_names_its_gate():
    record = Record()
    record.take(Step(rejected=candidate("retracted", reason="blink")))
    assert record.movements[0].gate == "blink"


def test_the_plot_is_a_picture_even_of_nothing(tmp_path):
    record = Record()
    plot_record(record, tmp_path / "empty.png", "empty")
    for i in range(60):
        values = dict.fromkeys(REGIONS, 0.1)
        gates = dict.fromkeys(REGIONS, "speech" if 20 < i < 40 else None)
        record.take(Step(Motion(i * 33_000_000, values, dict.fromkeys(REGIONS, 0.3), gates)))
    record.take(Step(candidate=candidate("confirmed", offset_t_ns=1_400_000_000)))
    record.take(Step(rejected=candidate("retracted", reason="blink")))
    plot_record(record, tmp_path / "full.png", "full", [Interval("", 1000, 1170, 1400, "micro")])
    assert matplotlib.image.imread(tmp_path / "full.png").std() > matplotlib.image.imread(tmp_path / "empty.png").std()
