from typer.testing import CliRunner

from ahmsa.face import models
from ahmsa.face.models import DETECTOR, LANDMARKS, model_file
from streamer.commands.models import app


def test_it_says_where_the_models_lie():
    shown = CliRunner().invoke(app)
    assert shown.exit_code == 0, shown.output
    assert shown.output.split("\n")[:2] == [f"{model_file(name)} (checked)" for name in (DETECTOR, LANDMARKS)]


def test_it_puts_them_into_a_folder_for_another_machine(tmp_path, monkeypatch):
    fetched = []
    monkeypatch.setattr(models, "fetch", fetched.append)
    shown = CliRunner().invoke(app, ["--to", str(tmp_path)])
    assert shown.exit_code == 0, shown.output
    assert fetched == [tmp_path]
    assert "set AHMSA_MODELS to that folder" in shown.output
