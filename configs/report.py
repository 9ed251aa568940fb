"""`ahmsa-report`: one command for recorded sessions and training runs; the folder says which it is."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

SESSION_FILE = "session.json"
"""A folder that holds it is a recorded session."""


def main() -> None:
    """Entry point of `ahmsa-report`."""
    about_session = any(_holds_session(argument) for argument in sys.argv[1:] if not argument.startswith("-"))
    # Neither of the two packages imports the other, and this one imports neither.
    import_module("streamer.commands.report" if about_session else "train.commands.report").main()


def _holds_session(argument: str) -> bool:
    try:
        return (Path(argument) / SESSION_FILE).exists()
    except OSError:  # no name of a file: the command itself says so
        return False
