"""The one way to write files (whole or not there), and to read those of others (regular ones of a bounded size)."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ahmsa.errors import RunError

PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700
"""What is recorded of people is for its owner alone."""


@contextmanager
def whole_file(path: Path, *, private: bool = False) -> Iterator[Path]:
    """Give a temporary name beside `path` to write to; it takes the real name only when the block ends well.

    A process killed on the way leaves the old file, or none, and perhaps a `.part` file that nobody reads. `private`: only its
    owner may read it. Raises RunError where the file cannot be written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if private:
            os.close(os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, PRIVATE_FILE))
        yield part
        part.replace(path)
    except OSError as error:
        raise RunError(f"{path} cannot be written ({error.strerror or error}); choose another place") from None
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def write_whole(path: Path, content: bytes | str, *, private: bool = False) -> None:
    """Write `content` to `path` at once: readers see the old file or the new one, never half of it."""
    with whole_file(path, private=private) as part:
        part.write_bytes(content.encode() if isinstance(content, str) else content)


def require_writable(path: Path) -> None:
    """RunError unless `path` can be written: asked before the work whose result goes there."""
    with contextlib.suppress(_UnusedError), whole_file(path) as part:
        part.touch()
        raise _UnusedError


def private_folder(path: Path) -> None:
    """Make a folder that only its owner may enter, and those above it where they are missing. One that is there stays as it
    is. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=PRIVATE_FOLDER)
    if not path.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))


def new_private_file(path: Path) -> int:
    """Descriptor of a new file that only its owner may read, to append to. Raises OSError where there is one."""
    return os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, PRIVATE_FILE)


def read_limited(path: Path, limit_bytes: int) -> bytes:
    """The content of a regular file. Raises OSError where it cannot be read, is a device or a pipe, or is larger."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "it is no regular file", str(path))
    with path.open("rb") as file:
        content = file.read(limit_bytes + 1)
    if len(content) > limit_bytes:
        raise OSError(errno.EFBIG, f"it has more than {limit_bytes >> 20} MiB", str(path))
    return content


class _UnusedError(Exception):
    """The file was only tried."""
