"""Whether anybody reads what is printed: a program that has nothing to print for a while would not notice."""

from __future__ import annotations

import errno
import os
import select
import stat
from typing import TextIO


def check_reader(stream: TextIO) -> None:
    """Raises BrokenPipeError where the reader of a pipe has gone, and OSError (EIO) where a terminal was closed."""
    try:
        descriptor = stream.fileno()
        kind = os.fstat(descriptor).st_mode
    except (OSError, ValueError):  # text in memory
        return
    if not hasattr(select, "poll") or stat.S_ISREG(kind):
        return
    poller = select.poll()
    poller.register(descriptor, 0)
    if any(state & (select.POLLERR | select.POLLHUP) for _, state in poller.poll(0)):
        number = errno.EIO if stat.S_ISCHR(kind) else errno.EPIPE
        raise OSError(number, os.strerror(number))
