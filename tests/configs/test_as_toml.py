from __future__ import annotations

from typing import Annotated

import msgspec
import pytest
from msgspec import Meta

from configs.__main__ import generated
from configs.as_toml import toml_text
from configs.load import load_settings, shipped
from configs.schema import LiveSettings
from configs.training import TrainSettings


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """A room."""

    width_px: Annotated[int, Meta(ge=1, lt=9)] = 3
    """Of the door."""
    colour: str | None = None


class House(msgspec.Struct, frozen=True, kw_only=True):
    sizes: tuple[int, ...] = (1, 2)
    room: Room = Room()


def test_every_key_has_its_value_its_range_and_what_the_code_says():
    assert toml_text(House(), "A house.") == (
        "# A house.\n\nsizes = [1, 2]\n\n# A room.\n[room]\n# Of the door.\nwidth_px = 3  # from 1 below 9\n"
        '# colour = "..."  # not set\n'
    )


@pytest.mark.parametrize("name", generated())
def test_the_files_that_ship_are_what_the_definitions_say(name):
    assert shipped(name).read_text(encoding="utf-8") == generated()[name], "write them anew: python -m configs"


@pytest.mark.parametrize("settings", [LiveSettings(), TrainSettings()])
def test_what_is_written_is_read_back_the_same(settings, tmp_path):
    file = tmp_path / "written.toml"
    file.write_text(toml_text(settings), encoding="utf-8")
    assert load_settings(type(settings), file) == settings
