"""What every command has, whichever it is."""

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent
COMMANDS = sorted(path.name for path in BIN.glob("ahmsa-*"))


def run(command, *arguments, **environment):
    return subprocess.run(
        [BIN / command, *arguments], capture_output=True, text=True, timeout=60, env={**os.environ, **environment}
    )


def test_there_are_commands():
    assert {"ahmsa-live", "ahmsa-train", "ahmsa-models"} <= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_it_says_its_version_and_explains_itself_to_h(command):
    assert run(command, "--version").stdout == f"ahmsa {version('ahmsa')}\n"
    explained = run(command, "-h")
    assert explained.returncode == 0
    assert "Usage" in explained.stdout


def test_its_own_options_keep_their_words_and_places():
    explained = run("ahmsa-watch", "-h").stdout
    assert "[endpoint]" in explained.lower()
    assert "One JSON line per message" in " ".join(explained.replace("│", " ").split())


def test_a_command_with_sub_commands_gives_each_the_same():
    assert run("ahmsa-data", "check", "--version").stdout.startswith("ahmsa ")


def test_it_completes_in_the_shell():
    assert "_AHMSA_LIVE_COMPLETE" in run("ahmsa-live", _AHMSA_LIVE_COMPLETE="source_bash").stdout
