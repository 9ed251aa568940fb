"""Folders for as long as a program runs: for its sockets, and for what its processes give each other.

Each is held by a lock, which the operating system takes off when the process ends, however it ends. So the next program can
tell a folder that was left behind by a `kill -9`, and removes it. Neither process numbers nor ages are asked: they say nothing
across containers or after a clock was set, and a folder that is in use must never be touched.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = "ahmsa-"
HELD = ".held"
"""The file that is locked. A folder without it is none of ours, or was made a moment ago: it is left alone."""


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A new folder that only its owner may enter, removed at the end; those of programs that were killed are removed first.

    Raises OSError where none can be made.
    """
    _clear_away(Path(tempfile.gettempdir()))
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    lock = None
    try:
        lock = _hold(folder)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if lock is not None:
            os.close(lock)


if sys.platform == "win32":  # there nothing is cleared away

    def _hold(folder: Path) -> int | None:  # noqa: ARG001
        return None

    def _clear_away(place: Path) -> None:
        pass

else:
    import fcntl

    def _hold(folder: Path) -> int | None:
        """Descriptor of the lock; the file gets its name when it is locked already. None where the file system has no locks."""
        unnamed = folder / f"{HELD}.new"
        lock = os.open(unnamed, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            unnamed.rename(folder / HELD)
        except OSError:
            os.close(lock)
            return None
        return lock

    def _clear_away(place: Path) -> None:
        """Remove the folders whose owners have ended."""
        for folder in place.glob(f"{PREFIX}*"):
            with contextlib.suppress(OSError):
                lock = os.open(folder / HELD, os.O_RDWR | os.O_NOFOLLOW)
                try:
                    if os.fstat(lock).st_uid == os.getuid():
                        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # OSError while its owner lives
                        shutil.rmtree(folder)
                finally:
                    os.close(lock)
