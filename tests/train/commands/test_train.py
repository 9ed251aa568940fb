"""Covers train.commands.maps, train.commands.options, train.commands.tables."""

from __future__ import annotations

import sys

import msgspec
import pytest

from ahmsa.model.checkpoint import Checkpoint
from train.commands import train as cli

RECIPE = """
members = 1
[net]
channels = [8, 12, 16]
heads = [2, 2, 2]
blocks = [1, 1, 1]
smoothing_cells = 0.0
restore_proportion = false
mirror_average = false
[fit]
batch = 8
"""


@pytest.fixture
def command(tmp_path, make_maps, write_maps, monkeypatch, capsys):
    """Run `ahmsa-train` in this process: (exit code, output, errors)."""
    write_maps(tmp_path / "maps", make_maps())
    (tmp_path / "tiny.toml").write_text(RECIPE)
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str):
        monkeypatch.setattr(sys, "argv", ["ahmsa-train", *arguments])
        with pytest.raises(SystemExit) as end:
            cli.main()
        captured = capsys.readouterr()
        return end.value.code or 0, captured.out, captured.err

    return call


def test_one_command_judges_and_exports(command, tmp_path):
    code, out, _ = command(
        *("--maps", "maps", "--settings", "tiny.toml", "--epochs", "1", "--protocol", "paper", "--final"),
        *("--no-baselines", "--device", "cpu"),
    )
    assert code == 0
    assert "(OPTIMISTIC)" in out
    assert "final" in out
    Checkpoint.load(tmp_path / "runs" / "3db-tiny" / "checkpoint.safetensors")
    assert (tmp_path / "runs" / "3db-tiny" / "results.json").is_file()


def test_the_table_shows_what_the_network_adds_and_the_report_lies_in_the_run(command, tmp_path, monkeypatch):
    import train.experiment.baselines

    full = train.experiment.baselines.baseline_settings

    def short(name, classes):
        settings = full(name, classes)
        return msgspec.structs.replace(settings, fit=msgspec.structs.replace(settings.fit, epochs=1))

    monkeypatch.setattr(train.experiment.baselines, "baseline_settings", short)
    arguments = ("--maps", "maps", "--settings", "tiny.toml", "--epochs", "1", "--out", "run", "--device", "cpu")
    code, out, _ = command(*arguments)
    assert code == 0
    assert "svm" in out
    assert "ststnet" in out
    assert "…" not in out  # every figure fits a screen of 80 columns
    markdown = (tmp_path / "run" / "report" / "report.md").read_text()
    for row in ("| run: svm |", "| run: ststnet |", "| run |", "| AHMSA-Net | 2024 |"):
        assert row in markdown
    code, again, _ = command(*arguments, "--resume")
    assert (code, again) == (0, out)


def test_a_baseline_alone_can_be_judged_but_not_exported(command, tmp_path):
    assert command("--maps", "maps", "--preset", "svm", "--out", "svm", "--device", "cpu")[0] == 0
    assert not (tmp_path / "svm" / "baselines").exists()
    code, _, errors = command("--maps", "maps", "--preset", "svm", "--out", "svm", "--resume", "--final")
    assert code == 2
    assert "this model is judged" in errors


def test_work_can_be_sent_to_a_cluster(command, monkeypatch):
    import train.execution.cluster
    from train.execution.tasks import run_inline

    asked = []
    monkeypatch.setattr(train.execution.cluster, "on_cluster", lambda *how: asked.append(how) or run_inline("cpu"))
    arguments = ("--maps", "maps", "--settings", "tiny.toml", "--epochs", "1", "--no-baselines", "--device", "cpu")
    assert command(*arguments, "--cluster", "ray://far:10001")[0] == 0
    assert asked == [("ray://far:10001", "cpu")]


def test_an_ablation_is_one_command(command, tmp_path):
    code, out, _ = command(
        "--maps", "maps", "--settings", "tiny.toml", "--epochs", "1", "--ablation", "levels", "--out", "abl", "--device", "cpu"
    )
    assert code == 0
    assert "levels-3-factor-3" in out
    assert len(list((tmp_path / "abl").glob("levels-*"))) == 6
    assert (tmp_path / "abl" / "report" / "ablation-abl.png").is_file()


@pytest.mark.parametrize(
    ("arguments", "exit_code", "sentence"),
    [
        (["--maps", "nowhere"], 1, "no folder nowhere"),
        ([], 2, "no database is known on this machine"),
        (["--maps", "maps", "--preset", "huge"], 2, "no preset 'huge'; choose one of"),
        (["--maps", "maps", "--db", "casme9"], 2, "no ready-made maps of 'casme9'"),
        (["--maps", "maps", "--device", "abacus"], 1, "no device called"),
    ],
)
def test_a_command_that_cannot_be_done_says_why(command, arguments, exit_code, sentence):
    code, _, errors = command(*arguments)
    assert code == exit_code
    assert sentence in errors
    assert errors.count("\n") == 1


def test_settings_out_of_range_are_named(command, tmp_path):
    (tmp_path / "odd.toml").write_text("[fit]\nepochs = 0\n")
    code, _, errors = command("--maps", "maps", "--settings", "odd.toml")
    assert code == 2
    assert "fit.epochs" in errors
