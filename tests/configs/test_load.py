from pathlib import Path

import msgspec
import pytest

from ahmsa.errors import SettingsError
from configs.load import load_settings, shipped
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
        ("[source\n", "not valid TOML"),
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


def test_the_shipped_live_file_leaves_no_knob_out():
    text = shipped("live.toml").read_text(encoding="utf-8")
    for room, defaults in msgspec.structs.asdict(LiveSettings()).items():
        for name in msgspec.structs.asdict(defaults) if isinstance(defaults, msgspec.Struct) else [room]:
            assert f"\n{name} = " in text or f"\n# {name} = " in text
