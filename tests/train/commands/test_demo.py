"""`--db demo`: the whole way on generated faces, here with few of them.

Covers ahmsa.databases.readers.demo and ahmsa.synth.database.
"""

import sys

import pytest

from ahmsa.databases.readers import demo
from ahmsa.model.checkpoint import Checkpoint
from train.commands import data as data_command
from train.commands import demo as demo_command
from train.commands import train as train_command


@pytest.fixture
def few_faces(monkeypatch, tmp_path):
    monkeypatch.setattr(demo, "SIZE", demo.Size(people=2, clips=1))
    monkeypatch.setattr(demo_command, "LIVE", (*demo_command.LIVE, "--duration", "0.5"))
    monkeypatch.chdir(tmp_path)


def run(monkeypatch, capfd, entry, *arguments):
    monkeypatch.setattr(sys, "argv", ["ahmsa", *arguments])
    with pytest.raises(SystemExit) as end:
        entry()
    shown = capfd.readouterr()
    assert not end.value.code, shown.err
    return shown.out


@pytest.mark.slow
def test_it_plays_the_whole_way_up_to_the_live_program(few_faces, monkeypatch, capfd, tmp_path):
    arguments = ("--db", "demo", "--epochs", "1", "--no-baselines", "--jobs", "1", "--device", "cpu")
    out = run(monkeypatch, capfd, train_command.main, *arguments)
    checkpoint = tmp_path / "runs" / "demo" / "checkpoint.safetensors"
    model = Checkpoint.load(checkpoint)
    checked, judged, reported, exported = (
        out.index(words) for words in ("official", "left out one by one", "report.html", f"model {model.id}")
    )
    assert checked < judged < reported < exported
    assert "frames" in out[exported:]  # the last words are those of the live program
    assert [subject for _, subject in model.card["training_subjects"]] == ["sub01", "sub02"]
    # The faces are there now, in the layout of a real database, and every command finds them.
    assert (tmp_path / "runs/demo-faces/CASME2_RAW_selected/sub01/EP00_01/img20.jpg").is_file()
    made = (tmp_path / "runs/demo-faces/CASME2-coding-20140508.xlsx").stat().st_mtime_ns
    run(monkeypatch, capfd, data_command.main, "check", "--db", "demo")
    assert (tmp_path / "runs/demo-faces/CASME2-coding-20140508.xlsx").stat().st_mtime_ns == made


def test_faces_that_are_not_all_there_are_a_sentence(few_faces, monkeypatch, capfd, tmp_path):
    import shutil

    run(monkeypatch, capfd, data_command.main, "check", "--db", "demo", "--data", "faces")
    shutil.rmtree(tmp_path / "faces" / "CASME2_RAW_selected" / "sub02")
    monkeypatch.setattr(sys, "argv", ["ahmsa-train", "--db", "demo", "--data", "faces"])
    with pytest.raises(SystemExit) as end:
        train_command.main()
    assert end.value.code == 1
    assert "delete that folder, and they are made again" in capfd.readouterr().err
