"""The databases by the names that commands use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from ahmsa.databases import composite
from ahmsa.databases.clips import Subject, Survey
from ahmsa.databases.long_videos import LongVideos
from ahmsa.databases.readers import casme2, casme2_long, casme3, demo, samm, samm_long, smic
from ahmsa.errors import UsageError

_READERS: Mapping[str, Callable[[Path, int], Survey]] = {
    smic.NAME: smic.read,
    samm.NAME: samm.read,
    casme2.NAME: casme2.read,
    casme3.NAME: casme3.read,
    demo.NAME: demo.read,
}
_SPELLINGS: Mapping[str, Callable[[str], str | None]] = {
    smic.NAME: smic.subject_name,
    samm.NAME: samm.subject_name,
    casme2.NAME: casme2.subject_name,
    casme3.NAME: casme3.subject_name,
    demo.NAME: casme2.subject_name,
}
_LONG_READERS: Mapping[str, Callable[[Path], LongVideos]] = {samm_long.NAME: samm_long.read, casme2_long.NAME: casme2_long.read}
NAMES = (*_READERS, composite.NAME)
LONG_NAMES = tuple(_LONG_READERS)


def read_surveys(database: str, root: Path, classes: int = 3) -> list[Survey]:
    """What lies below `root` of a database: one survey, or one per member of the composite.

    Raises UsageError for an unknown database or number of classes, DataError where a database is missing altogether.
    """
    if database == composite.NAME:
        return composite.read(root, classes)
    if database not in _READERS:
        raise UsageError(f"unknown database {database!r}; choose one of {', '.join(NAMES)}")
    return [_READERS[database](root, classes)]


def read_long_videos(database: str, root: Path) -> LongVideos:
    """A database of long videos below `root`. Raises UsageError for an unknown name, DataError for another layout."""
    if database not in _LONG_READERS:
        raise UsageError(f"there is no database {database!r} of long videos; choose {' or '.join(LONG_NAMES)}")
    return _LONG_READERS[database](root)


def respelt(subject: Subject) -> Subject:
    """A subject as the reader of its database spells it, so that s1 and s01 are one; others as they are."""
    spelling = _SPELLINGS.get(subject.database)
    return Subject(subject.database, (spelling and spelling(subject.name)) or subject.name)
