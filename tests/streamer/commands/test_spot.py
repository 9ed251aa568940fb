"""Covers streamer.offline.spot_database."""

import csv
import sys

import pytest
from typer.testing import CliRunner

from ahmsa.errors import UsageError
from ahmsa.synth import clip_of, event
from ahmsa.synth.clip import write_video
from streamer.commands import spot as spot_cli
from streamer.commands.spot import app

TRUTH = "video,onset,apex,offset,type,amplitude_px\na,30,35,41,micro,1.5\na,90,96,103,micro,0.7\na,200,215,260,macro,\n"


def call(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)


def test_a_video_becomes_a_table_and_a_plot(tmp_path):
    video = tmp_path / "talk.mp4"
    write_video(clip_of([event("surprise", 3.2, 2.5)], duration_s=4.4), video)
    result = call("run", video, "--plot", "--out", tmp_path / "spots.csv")
    assert "talk: 1 micro" in result.output
    [row] = csv.DictReader((tmp_path / "spots.csv").read_text().splitlines())
    assert (row["video"], row["type"], row["gate"]) == ("talk", "micro", "")
    assert float(row["apex_ms"]) == pytest.approx(3365, abs=40)
    assert (tmp_path / "spots-talk.png").stat().st_size > 10_000


def test_eval_scores_strictly_and_as_published(tmp_path):
    (tmp_path / "truth.csv").write_text(TRUTH)
    (tmp_path / "pred.csv").write_text(
        "video,onset,apex,offset,type,gate\na,31,36,41,micro,\na,300,305,311,micro,\na,90,96,103,micro,blink\n"
    )
    result = call("eval", "--pred", tmp_path / "pred.csv", "--truth", tmp_path / "truth.csv", "--fps", 30, "--minutes", 2)
    strict, published = result.output.split("\n\n")
    assert "micro  0.5000    1    1    1" in strict
    assert "all    0.4000    1    1    2" in strict
    assert "apex error of micro hits: median 33 ms" in strict
    assert "recall at 0.5-1 px: 0/1" in strict
    assert "false alarms a minute: micro 0.50" in strict
    assert "as published scorers count" in published


def test_eval_of_a_single_video_needs_no_video_column(tmp_path):
    (tmp_path / "truth.csv").write_text("onset,apex,offset\n30,35,41\n")
    (tmp_path / "pred.csv").write_text("video,onset,apex,offset\ntalk,30,35,41\n")
    result = call("eval", "--pred", tmp_path / "pred.csv", "--truth", tmp_path / "truth.csv", "--fps", 30)
    assert "micro  1.0000" in result.output


@pytest.mark.parametrize("more", [("--fps", "inf"), ("--fps", "1e300"), ("--fps", 30, "--minutes", "inf")])
def test_eval_of_a_time_that_no_video_has_is_a_usage_error(tmp_path, more):
    (tmp_path / "truth.csv").write_text(TRUTH)
    assert call("eval", "--pred", tmp_path / "truth.csv", "--truth", tmp_path / "truth.csv", *more).exit_code == 2


@pytest.mark.parametrize(
    "arguments", [("run",), ("run", "a.mp4", "--demo"), ("bench", "--db", "samm-lv"), ("bench", "--db", "x", "--data", ".")]
)
def test_what_cannot_be_is_a_usage_error(arguments):
    with pytest.raises(UsageError):
        call(*arguments)


def test_a_video_without_a_command_is_run(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["ahmsa-spot", "talk.mp4", "--plot"])
    with pytest.raises(SystemExit) as end:
        spot_cli.main()
    assert end.value.code == 1
    assert "there is no video file talk.mp4" in capsys.readouterr().err
