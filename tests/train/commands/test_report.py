from __future__ import annotations

import sys

import pytest

from ahmsa.settings import NetSettings
from configs.training import FitSettings, TrainSettings
from train.commands import report as report_cli
from train.experiment.export import export
from train.experiment.runner import run


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str):
        monkeypatch.setattr(sys, "argv", ["ahmsa-report", *arguments])
        with pytest.raises(SystemExit) as end:
            report_cli.main()
        captured = capsys.readouterr()
        return end.value.code or 0, captured.out, captured.err

    return call


def test_one_command_turns_a_run_into_a_page_and_its_checkpoint_into_a_card(command, tmp_path, make_maps):
    maps = make_maps()
    settings = TrainSettings(
        net=NetSettings(channels=(8, 8), heads=(2, 2), blocks=(1, 1), patch_px=14), fit=FitSettings(epochs=1, batch=32)
    )
    export(maps, run(maps, settings, tmp_path / "some", seeds=[0])).save(tmp_path / "some.safetensors")
    code, out, _ = command("some", "--out", "page", "--card", "some.safetensors")
    assert code == 0
    assert "report.html" in out
    assert {path.name for path in (tmp_path / "page").iterdir()} >= {"report.md", "report.html", "report.json", "model-card.md"}
    assert not list((tmp_path / "page").glob("*.part"))


@pytest.mark.parametrize(
    ("arguments", "exit_code", "sentence"),
    [
        ([], 2, "nothing to report on"),
        (["nowhere"], 1, "no folder"),
        (["."], 1, "is no run folder"),
        (["--card", "nowhere"], 1, "no checkpoint at nowhere"),
    ],
)
def test_what_cannot_be_reported_is_said_in_one_sentence(command, arguments, exit_code, sentence):
    code, _, errors = command(*arguments)
    assert code == exit_code
    assert sentence in errors
    assert errors.count("\n") == 1
