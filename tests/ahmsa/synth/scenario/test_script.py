import csv

import pytest

from ahmsa.errors import SettingsError
from ahmsa.synth import (
    ClipScript,
    Disturbance,
    Scenario,
    clip_of,
    event,
    script_of,
)


def test_unknown_names_and_impossible_times_are_refused():
    with pytest.raises(SettingsError, match="hiccup"):
        script_of(Scenario(nuisances={"hiccup": 1.0}))
    with pytest.raises(ValueError, match="hiccup"):
        Disturbance("hiccup", 0, 1)
    with pytest.raises(ValueError, match="start < end"):
        Disturbance("blink", 100, 100)
    with pytest.raises(ValueError, match="label"):
        event("joy", 1.0)
    with pytest.raises(ValueError, match="onset < apex"):
        event("positive", 1.0, rise_ms=0)


def test_truth_is_written_in_frames_and_in_ms(tmp_path):
    clip = clip_of([event("surprise", 2.0, 1.5, 200, 100)], fps=30)
    clip.write_truth(tmp_path / "truth.csv")
    (row,) = csv.DictReader((tmp_path / "truth.csv").read_text().splitlines())
    assert (row["label"], row["kind"], row["onset"], row["apex"], row["offset"]) == ("surprise", "micro", "60", "66", "69")
    assert float(row["apex_ms"]) == 2200
    assert float(row["amplitude_px"]) == 1.5
    assert [path.name for path in tmp_path.iterdir()] == ["truth.csv"]


def test_a_script_knows_its_number_of_frames():
    assert ClipScript(10, fps=29.97).frames == 300
