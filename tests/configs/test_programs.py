"""Where every command begins: what a Ctrl-C before its first line does, and what it prints where nothing can be printed."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

import pytest

from configs import programs

try:
    import tomllib
except ModuleNotFoundError:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
SCRIPTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]


@pytest.mark.parametrize(("script", "target"), SCRIPTS.items())
def test_every_script_begins_here(script, target):
    module, _, name = target.partition(":")
    assert module == "configs.programs", "which hears a Ctrl-C before the command can"
    assert callable(getattr(programs, name))


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_ctrl_c_while_a_command_is_imported_ends_it_without_a_word(script, tmp_path):
    up = tmp_path / "up"
    # Stands before the real one, and takes as long as an import can.
    (tmp_path / "typer.py").write_text(f"import pathlib, time\npathlib.Path({str(up)!r}).touch()\ntime.sleep(60)\n")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    program = subprocess.Popen([BIN / script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
    try:
        until_s = monotonic() + 30
        while not up.exists():
            assert monotonic() < until_s
            sleep(0.005)
        program.send_signal(signal.SIGINT)
        assert (*program.communicate(timeout=30), program.returncode) == (b"", b"", 130)
    finally:
        program.kill()


def test_a_program_without_standard_streams_opens_its_files_above_them(tmp_path):
    code = """
import sys
from configs.programs import have_standard_streams
have_standard_streams()
with open(sys.argv[1], "w") as file:
    print("to the output")
    print("to the errors", file=sys.stderr, flush=True)
    assert sys.stdin.read() == ""
    file.write(str(file.fileno()))
"""
    told = tmp_path / "told"
    command = [sys.executable, "-c", code, str(told)]
    assert subprocess.run(["sh", "-c", '"$@" <&- >&- 2>&-', "sh", *command], timeout=30).returncode == 0
    assert int(told.read_text()) > 2
