"""What every database reader returns: clips with their frames, what a class map leaves out, and everything that looked wrong.

A reader never guesses and never drops a clip in silence: what cannot be used is a problem, what was put right by a documented
rule is a note, both with the file and row they come from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from ahmsa.databases.files.workbook import Row
from ahmsa.errors import UsageError

Key = tuple[str, str, str]
"""database, subject, clip: unique over all databases, since subject numbers are not."""


class Subject(NamedTuple):
    """Whose face it is. Subject numbers repeat between databases, so both parts make the key."""

    database: str
    name: str

    def __str__(self) -> str:
        return f"{self.database}/{self.name}"


@dataclass(frozen=True, slots=True)
class Clip:
    """One annotated micro-expression whose frames are on disk. Frame numbers are those of existing files."""

    database: str
    subject: str
    """In the spelling of the official lists: sub01, s01, 006, spNO.1."""
    name: str
    label: str
    """Class under the protocol that was asked for."""
    emotion: str
    """As annotated, lower case."""
    onset: int
    apex: int | None
    """None where the database gives none that can be used: an apex rule (train.prepare.apex) chooses it."""
    offset: int
    frames: Mapping[int, Path]
    """Frame number -> image, from onset to offset."""
    fps: float
    source: str
    """Where the annotation stands: file and row, or folder."""

    @property
    def key(self) -> Key:
        return (self.database, self.subject, self.name)


@dataclass(frozen=True, slots=True)
class Protocol:
    """A class map: annotated emotion -> class. Emotions that map to None are left out on purpose."""

    labels: tuple[str, ...]
    classes: Mapping[str, str | None]
    totals: Mapping[str, int]
    """Official number of clips per class."""
    subjects: int
    """Official number of subjects that have such clips."""


@dataclass(frozen=True, slots=True)
class Problem:
    where: str
    text: str
    fatal: bool
    """True: the clip cannot be used and is missing from the counts. False: a note, put right by a documented rule."""

    def __str__(self) -> str:
        return f"{self.where}: {self.text}"


@dataclass(slots=True)
class Survey:
    """What a reader found of one database under one protocol."""

    database: str
    protocol: Protocol
    clips: list[Clip] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    read_from: list[Path] = field(default_factory=list)
    """Workbooks and folder trees that were used."""

    def problem(self, where: str | Path, text: str) -> None:
        self.problems.append(Problem(str(where), text, fatal=True))

    def note(self, where: str | Path, text: str) -> None:
        self.problems.append(Problem(str(where), text, fatal=False))

    def add(self, clip: Clip) -> None:
        """Keep a clip; a second one of the same name is a problem."""
        for other in self.clips:
            if other.key == clip.key:
                self.problem(
                    clip.source, f"clip {clip.subject} {clip.name} is already given by {other.source}; one of the two must go"
                )
                return
        self.clips.append(clip)

    @property
    def counts(self) -> dict[str, int]:
        found = Counter(clip.label for clip in self.clips)
        return {label: found[label] for label in self.protocol.labels}

    @property
    def subjects(self) -> set[str]:
        return {clip.subject for clip in self.clips}

    @property
    def complete(self) -> bool:
        """All official totals are met."""
        return self.counts == dict(self.protocol.totals) and len(self.subjects) == self.protocol.subjects


@dataclass(frozen=True, slots=True)
class Annotation:
    """One row of a workbook, before its frames are looked up."""

    subject: str
    name: str
    emotion: str
    onset: int | None
    apex: int | None
    offset: int | None
    row: Row


def protocol_for(database: str, protocols: Mapping[int, Protocol], classes: int) -> Protocol:
    """The protocol with that many classes. Raises UsageError naming those that the database has."""
    if classes not in protocols:
        known = ", ".join(map(str, protocols))
        raise UsageError(f"{database} has no protocol of {classes} classes; choose --classes {known}")
    return protocols[classes]


def annotation_of(survey: Survey, row: Row, subject: str | None, clip: str) -> Annotation | None:
    """A row with the columns subject, clip, onset, apex, offset and emotion; None where it names no clip.

    Such a row is a problem where an emotion stands beside a subject or a clip, for then a clip is lost; otherwise it is a
    remark or a tally, and a note.
    """
    emotion = row.text("emotion").lower()
    if subject is None or not clip:
        lost = emotion in survey.protocol.classes and (row.text("subject") or clip)
        report = survey.problem if lost else survey.note
        report(row.where, f"names no clip: its subject is {row.text('subject')!r} and its file name {clip!r}")
        return None
    return Annotation(
        subject=subject,
        name=clip,
        emotion=emotion,
        onset=row.integer_or_missing("onset"),
        apex=row.integer_or_missing("apex"),
        offset=row.integer_or_missing("offset"),
        row=row,
    )
