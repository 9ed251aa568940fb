"""Every error a user can meet, as one tree.

AhmsaError                 one sentence: what is wrong, what to do
├── UsageError             exit 2: the command line or a settings file asks for something that cannot be
│   └── SettingsError      unknown key, value out of range, settings that contradict each other
└── RunError               exit 1: the run could not do its job
    ├── SourceError        camera, file, url or folder of frames cannot be read
    ├── DeviceError        the compute device that was asked for is missing
    ├── ModelError         the face models are missing, damaged or cannot be fetched
    ├── CheckpointError    weights that are damaged, of another class set or of other settings
    ├── DataError          a database, workbook, image or map that is not what its layout promises
    └── StreamError        a socket cannot be bound or reached, a message that does not fit its schema
"""

from __future__ import annotations

from pathlib import Path

from ahmsa.printable import printable


class AhmsaError(Exception):
    """Base of all errors raised on purpose; its text is shown to the user as it stands.

    One printable line, whatever it quotes: names of files and what stands in them come from outside.
    """

    exit_code = 1

    def __str__(self) -> str:
        return printable(super().__str__())


class UsageError(AhmsaError):
    exit_code = 2


class SettingsError(UsageError):
    pass


class RunError(AhmsaError):
    exit_code = 1


class SourceError(RunError):
    pass


class DeviceError(RunError):
    pass


class ModelError(RunError):
    pass


class CheckpointError(RunError):
    @classmethod
    def missing(cls, path: Path) -> CheckpointError:
        return cls(f"no checkpoint at {path}; train one with `ahmsa-train --final` or name another file.")


class DataError(RunError):
    pass


class StreamError(RunError):
    pass
