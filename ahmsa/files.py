"""Files that are either whole or not there."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ahmsa.errors import RunError


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path` to write to; it takes the real name only when the block ends well.

    A process killed on the way leaves the old file, or none, and perhaps a `.part` file that nobody reads. Raises RunError
    where the file cannot be written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        part.replace(path)
    except OSError as error:
        raise RunError(f"{path} cannot be written ({error.strerror or error}); choose another place") from None
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def write_whole(path: Path, content: bytes | str) -> None:
    """Write `content` to `path` at once: readers see the old file or the new one, never half of it."""
    with whole_file(path) as part:
        part.write_bytes(content.encode() if isinstance(content, str) else content)
