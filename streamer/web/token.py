"""The secret in the page's address. It stays the same over restarts of the program within a working day, so that an open page
finds its program again; only this user can read where it is kept."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from pathlib import Path
from time import time

from ahmsa.errors import RunError
from ahmsa.files import private_folder, read_limited, write_whole

_LASTS_S = 12 * 3600
_BYTES = 24
_FILE_BYTES = 100
_FORM = re.compile(r"[A-Za-z0-9_-]{32}")


def page_token(folder: Path | None = None) -> str:
    """The token of today; a new one where there is none, or where it cannot be kept."""
    file = (folder or _private_folder()) / "page-token"
    kept = _kept(file)
    if kept is not None:
        return kept
    token = secrets.token_urlsafe(_BYTES)
    # A folder that cannot be written to costs only that the page must be opened anew after a restart.
    with contextlib.suppress(OSError, RunError):
        private_folder(file.parent)
        write_whole(file, token, private=True)
    return token


def _kept(file: Path) -> str | None:
    try:
        facts = file.stat()
        is_private = os.name == "nt" or (facts.st_uid == os.getuid() and facts.st_mode & 0o077 == 0)
        token = read_limited(file, _FILE_BYTES).decode("ascii")
    except (OSError, UnicodeDecodeError):
        return None
    is_fresh = 0 <= time() - facts.st_mtime < _LASTS_S
    return token if is_private and is_fresh and _FORM.fullmatch(token) else None


def _private_folder() -> Path:
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "ahmsa"
