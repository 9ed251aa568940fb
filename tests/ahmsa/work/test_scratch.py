import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from ahmsa.work.scratch import HELD, PREFIX, scratch_folder


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """Where temporary folders are made."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def owner(place):
    """Another program that has a folder; its name is its first line."""
    code = """
import sys, tempfile
tempfile.tempdir = sys.argv[1]
from ahmsa.work.scratch import scratch_folder
with scratch_folder() as folder:
    print(folder, flush=True)
    sys.stdin.read()
"""
    command = [sys.executable, "-c", code, str(place)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        yield program
        program.kill()


def test_a_folder_is_there_for_its_owner_alone_and_goes_at_the_end(place):
    with scratch_folder() as folder:
        (folder / "socket").touch()
        assert folder.parent == place
        assert folder.stat().st_mode & 0o777 == 0o700
    assert list(place.iterdir()) == []


def test_what_a_killed_program_left_is_removed_by_the_next(owner, place):
    left = Path(owner.stdout.readline().strip())
    owner.kill()
    owner.wait()
    assert left.exists()
    with scratch_folder() as folder:
        assert list(place.iterdir()) == [folder]


def test_the_folder_of_a_program_that_runs_is_left_alone(owner):
    theirs = Path(owner.stdout.readline().strip())
    with scratch_folder() as ours:
        assert theirs.exists()
        assert ours != theirs
    assert (theirs / HELD).exists()
    owner.communicate("", timeout=30)
    assert not theirs.exists()


def test_a_folder_that_only_has_such_a_name_is_left_alone(place):
    named = place / f"{PREFIX}recordings"
    named.mkdir()
    (named / "session.json").touch()
    elsewhere = place / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / HELD).touch()
    (place / f"{PREFIX}link").symlink_to(elsewhere)
    with scratch_folder():
        pass
    assert (named / "session.json").exists()
    assert (elsewhere / HELD).exists()
