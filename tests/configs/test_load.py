"""Covers configs.schema, ahmsa.settings, spotting.settings."""

from pathlib import Path

import pytest

from ahmsa.errors import SettingsError
from configs.load import assignments, load_settings, shipped
from configs.schema import LiveSettings


def test_an_option_on_the_command_line_beats_the_file_which_beats_the_default(tmp_path: Path):
    file = tmp_path / "my.toml"
    file.write_text("[source]\nwidth = 1280\nheight = 720\n")
    settings = load_settings(LiveSettings, file, {"source.width": 800, "source.fps": None, "device": "cpu"})
    assert (settings.source.width, settings.source.height, settings.device) == (800, 720, "cpu")
    assert settings.source.fps == LiveSettings().source.fps


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[source]\nwdith = 640\n", "wdith"),
        ("[source]\nwidth = 3\n", "$.source.width"),
        ("[face]\ncrop_px = 'big'\n", "$.face.crop_px"),
        ("device = 'tpu'\n", "(use auto, cpu, cuda, mps)"),
        ("[source\n", "holds no valid settings"),
    ],
)
def test_a_wrong_file_is_named_with_the_key_that_is_wrong(tmp_path: Path, text: str, named: str):
    file = tmp_path / "my.toml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=r"my\.toml") as error:
        load_settings(LiveSettings, file)
    assert named in str(error.value)


def test_a_missing_file_is_a_sentence(tmp_path: Path):
    with pytest.raises(SettingsError, match="cannot read settings file"):
        load_settings(LiveSettings, tmp_path / "absent.toml")


def test_the_shipped_live_file_is_the_defaults_written_out():
    assert load_settings(LiveSettings, shipped("live.toml")) == LiveSettings()


def test_a_file_changes_only_what_it_names_of_a_preset(tmp_path: Path):
    preset, file = tmp_path / "preset.toml", tmp_path / "my.toml"
    preset.write_text("[source]\nwidth = 1280\nheight = 720\n")
    file.write_text("[source]\nheight = 960\n")
    settings = load_settings(LiveSettings, file, preset=preset)
    assert (settings.source.width, settings.source.height) == (1280, 960)


def test_one_setting_is_given_as_name_and_value():
    given = assignments(["spotter.noise_sigmas=6", "device = cpu", 'stream.publish="tcp://127.0.0.1:1"', "net.heads=[1, 2]"])
    assert given == {
        "spotter.noise_sigmas": 6,
        "device": "cpu",
        "stream.publish": "tcp://127.0.0.1:1",
        "net.heads": [1, 2],
    }
    with pytest.raises(SettingsError, match="wdith"):
        load_settings(LiveSettings, None, assignments(["source.wdith=3"]))


@pytest.mark.parametrize("text", ["spotter.noise_sigmas", "=3", "a b=3", "source.width="])
def test_what_has_no_name_or_no_value_is_refused(text: str):
    with pytest.raises(SettingsError, match="takes TABLE"):
        assignments([text])
