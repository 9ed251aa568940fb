import contextlib
import os
import stat

import pytest

from ahmsa.errors import RunError
from ahmsa.files import new_private_file, private_folder, read_limited, require_writable, whole_file, write_whole


def test_a_file_is_whole_or_not_there(tmp_path):
    write_whole(tmp_path / "a", "old")
    with contextlib.suppress(ValueError), whole_file(tmp_path / "a") as part:
        part.write_text("half")
        raise ValueError
    assert (tmp_path / "a").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_what_is_private_can_be_read_by_its_owner_alone(tmp_path):
    private_folder(tmp_path / "deep" / "folder")
    write_whole(tmp_path / "deep" / "folder" / "a", "x", private=True)
    os.close(new_private_file(tmp_path / "deep" / "folder" / "b"))
    modes = [stat.S_IMODE((tmp_path / "deep" / "folder" / name).stat().st_mode) for name in ("", "a", "b")]
    assert modes == [0o700, 0o600, 0o600]


def test_a_place_that_cannot_be_written_is_told_before_the_work(tmp_path):
    require_writable(tmp_path / "new" / "a.csv")
    assert list((tmp_path / "new").iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match=r"a\.csv cannot be written"):
        require_writable(tmp_path / "file" / "a.csv")


def test_devices_and_files_without_end_are_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="no regular file"):
        read_limited(tmp_path / "pipe", 100)
    with pytest.raises(OSError, match="no regular file"):
        read_limited(type(tmp_path)("/dev/zero"), 100)
    (tmp_path / "big").write_bytes(b"x" * 101)
    with pytest.raises(OSError, match="more than"):
        read_limited(tmp_path / "big", 100)
