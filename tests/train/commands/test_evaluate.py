from __future__ import annotations

import sys

import msgspec
import pytest

import ahmsa.work.processes
from train.commands import evaluate as evaluate_cli
from train.experiment.evaluate import Evaluation


@pytest.fixture
def command(tmp_path, make_maps, write_maps, make_checkpoint, monkeypatch, capsys):
    """Run `ahmsa-evaluate` in this process, beside maps of six subjects and a checkpoint that met two of them."""
    maps = make_maps()
    write_maps(tmp_path / "maps", maps)
    make_checkpoint(training_subjects=[list(subject) for subject in maps.subjects[:2]]).save(tmp_path / "some.safetensors")
    make_checkpoint(("a", "b", "c"), training_subjects=[]).save(tmp_path / "other.safetensors")
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str):
        monkeypatch.setattr(sys, "argv", ["ahmsa-evaluate", *arguments])
        with pytest.raises(SystemExit) as end:
            evaluate_cli.main()
        captured = capsys.readouterr()
        return end.value.code or 0, captured.out, captured.err

    return call


def test_a_table_for_eyes_and_a_file_for_programs(command, tmp_path):
    code, out, errors = command("some.safetensors", "--maps", "maps", "--json", "found.json", "--device", "cpu")
    assert code == 0
    for word in ("UF1", "UAR", "casme2", "expected calibration error", "confusion", "subjects it was not trained on"):
        assert word in out
    assert "WARNING: 2 of these 6 subjects" in errors
    found = msgspec.json.decode((tmp_path / "found.json").read_bytes(), type=Evaluation)
    assert found.warning is not None
    assert len(found.training_subjects) == 2


def test_one_database_alone_can_be_judged(command):
    code, out, errors = command("some.safetensors", "--maps", "maps", "--db", "smic", "--device", "cpu")
    assert code == 0
    assert "2 subjects: all subjects" in out
    assert "casme2" not in out
    assert "WARNING" not in errors


@pytest.mark.parametrize(
    ("arguments", "exit_code", "sentence"),
    [
        (["some.safetensors"], 2, "no database is known on this machine"),
        (["some.safetensors", "--maps", "maps", "--data", "maps"], 2, "exclude each other"),
        (["none.safetensors", "--maps", "maps"], 1, "no checkpoint at none.safetensors"),
        (["other.safetensors", "--maps", "maps", "--device", "cpu"], 1, "use a checkpoint of the same class set"),
        (["some.safetensors", "--db", "casme3", "--data", "maps", "--classes", "4"], 2, "but --classes is 4; give --classes 3"),
        (["some.safetensors", "--maps", "nowhere"], 1, "no folder nowhere"),
        (["some.safetensors", "--maps", "maps", "--db", "casme3"], 2, "no ready-made maps of 'casme3'"),
    ],
)
def test_what_cannot_be_judged_is_said_in_one_sentence(command, arguments, exit_code, sentence):
    code, _, errors = command(*arguments)
    assert code == exit_code
    assert sentence in errors
    assert errors.count("\n") == 1


def test_a_raw_database_is_prepared_as_the_checkpoint_wants_it(command, fakes, tmp_path, monkeypatch):
    rows = [fakes.Row(f"s{n}", f"s{n}_{tag}_01", 5, 0, 9, "") for n, tag in enumerate(("ne", "po", "sur"), start=1)]
    fakes.smic(tmp_path / "data", rows, fakes.portrait)
    monkeypatch.setattr(ahmsa.work.processes, "default_jobs", lambda: 1)
    arguments = ("--db", "smic", "--data", "data", "--device", "cpu", "--json", "found.json")
    code, out, errors = command("some.safetensors", *arguments)
    assert code == 0
    assert "3 subjects: all subjects" in out
    assert "note: smic differs from its official totals" in errors
    assert msgspec.json.decode((tmp_path / "found.json").read_bytes(), type=Evaluation).full.scores.samples == 3
