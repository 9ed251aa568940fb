"""The child that reads workbooks, as a copy of this process instead of a new interpreter."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import python_calamine  # noqa: F401 (the copies have it already)

from ahmsa.databases.files.workbook_apart import child_main

_PATIENCE_S = 60.0
_LOOK_S = 0.001


def read_in_copy(path: Path) -> subprocess.CompletedProcess[bytes]:
    """As `ahmsa.databases.files.workbook_apart.read_in_child`."""
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complained:
        copy = os.fork()
        if copy == 0:
            os.dup2(said.fileno(), 1)
            os.dup2(complained.fileno(), 2)
            sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
            code = child_main(str(path))
            sys.stderr.flush()
            os._exit(code)
        code = os.waitstatus_to_exitcode(_ended(copy))
        said.seek(0)
        complained.seek(0)
        return subprocess.CompletedProcess([str(path)], code, said.read(), complained.read())


def _ended(copy: int) -> int:
    deadline_s = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline_s:
        ended, status = os.waitpid(copy, os.WNOHANG)
        if ended:
            return status
        time.sleep(_LOOK_S)
    os.kill(copy, 9)
    os.waitpid(copy, 0)
    raise subprocess.TimeoutExpired([], _PATIENCE_S)
