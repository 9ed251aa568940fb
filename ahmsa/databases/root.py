"""Where the licensed databases lie on this machine: said once, and found by every command."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from ahmsa.errors import UsageError
from ahmsa.files import read_limited, write_whole
from ahmsa.untrusted import UnreadableError, text_of

VARIABLE = "AHMSA_DATA"
_LONGEST_BYTES = 1 << 16


def data_root(given: Path | None = None) -> Path:
    """`given`, else the folder in AHMSA_DATA, else the one kept in the user's settings. Raises UsageError where none is known,
    or where the known one is gone."""
    if given is not None:
        return given
    named = os.environ.get(VARIABLE) or _kept()
    if not named:
        raise UsageError(
            "no database is known on this machine: ask the authors of SMIC, SAMM and CASME II for theirs, unpack them below "
            f"one folder and say once `ahmsa-data root FOLDER` (or set {VARIABLE}); for one command --data FOLDER, or "
            "--maps FOLDER for ready-made flow maps; `ahmsa-train --db demo` plays the whole way on generated faces"
        )
    if not Path(named).is_dir():
        raise UsageError(
            f"{named}, where the databases should lie, is no folder; say the new place by `ahmsa-data root FOLDER`"
        )
    return Path(named)


def keep_root(folder: Path) -> Path:
    """Keep the place in the user's settings. Raises UsageError where it is no folder, RunError where it cannot be kept."""
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder; name the one below which the databases lie")
    write_whole(_place(), f"{folder.resolve()}\n")
    return folder.resolve()


def _kept() -> str:
    try:
        return text_of(read_limited(_place(), _LONGEST_BYTES)).strip()
    except (OSError, UnreadableError):
        return ""


def _place() -> Path:
    return Path(platformdirs.user_config_dir("ahmsa", appauthor=False)) / "data-root"
