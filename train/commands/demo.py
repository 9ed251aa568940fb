"""`--db demo`: generated faces where no licensed database is at hand, and the whole way from them to the live program."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

from ahmsa.databases.readers.demo import NAME
from ahmsa.databases.root import data_root
from ahmsa.errors import DataError, RunError
from train.commands.progress import clips_bar

FACES = Path("runs") / "demo-faces"
"""Where they are put, unless `--data` names another place."""
_NEEDED = ("sklearn", "matplotlib", "dlib", "python_calamine", "openpyxl")
LIVE = ("--demo", "--headless", "--as-fast-as-possible", "--publish", "tcp://127.0.0.1:*")
"""Options of the live program at the end of the way."""


def faces_root(db: str, data: Path | None, jobs: int | None = None) -> Path:
    """Where the frames of a database lie; those of the demo are generated there first. Raises UsageError as `data_root`."""
    if db != NAME:
        return data_root(data)
    from ahmsa.synth.database import write_database
    from ahmsa.work.processes import default_jobs

    root = data or FACES
    with clips_bar("generated faces") as progress:
        write_database(root, jobs or default_jobs(), progress)
    return root


def faces_checked(data: Path | None, jobs: int | None) -> Path:
    """The generated faces, checked as `ahmsa-data check --db demo` does.

    Raises ModuleNotFoundError before minutes of work where an extra is missing that the way needs, DataError where the faces
    are not complete.
    """
    from train.commands.tables import show_check
    from train.prepare.check import check

    for module in _NEEDED:
        import_module(module)
    root = faces_root(NAME, data, jobs)
    result = check(NAME, root)
    show_check(result)
    if not result.passed:
        raise DataError(f"the generated faces in {root} are not all there: delete that folder, and they are made again")
    return root


def play_live(checkpoint: Path) -> None:
    """The live program on its built-in clip, with the exported networks. Raises RunError where it fails."""
    # `train` and `streamer` do not know each other: as a program of its own, as a user would start it.
    code = "from configs.programs import live; live()"
    done = subprocess.run((sys.executable, "-c", code, *LIVE, "--checkpoint", str(checkpoint)), check=False)
    if done.returncode:
        raise RunError(f"ahmsa-live ended with {done.returncode}; try `ahmsa-live --demo --checkpoint {checkpoint}` by itself")
