"""Is a database all there? Found against official totals, class by class and, where a list is given, key by key."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ahmsa.databases.catalogue import read_surveys
from ahmsa.databases.clips import Clip, Problem, Survey
from ahmsa.databases.composite import compare, official_list
from ahmsa.errors import DataError


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table: a class, or the subjects, of one database or of all together."""

    database: str
    what: str
    found: int
    official: int

    @property
    def agrees(self) -> bool:
        return self.found == self.official


@dataclass(frozen=True, slots=True)
class Check:
    """What `ahmsa-data check` shows."""

    lines: list[Line]
    problems: list[Problem]
    """Everything that cost a clip first, then the notes."""
    differences: list[str]
    """Against the published list of keys; empty where none was given."""
    read_from: list[Path]

    @property
    def passed(self) -> bool:
        return all(line.agrees for line in self.lines) and not self.differences and not any(p.fatal for p in self.problems)


def check(database: str, root: Path, classes: int = 3, official: Path | None = None) -> Check:
    """Read a database and hold it against its totals. official: a published list (see composite.official_list)."""
    surveys = read_surveys(database, root, classes)
    clips = [clip for survey in surveys for clip in survey.clips]
    problems = [problem for survey in surveys for problem in survey.problems] + _empty_images(clips)
    return Check(
        lines=_lines(surveys),
        problems=sorted(problems, key=lambda problem: not problem.fatal),
        differences=_differences(clips, {survey.database for survey in surveys}, official),
        read_from=[path for survey in surveys for path in survey.read_from],
    )


def _lines(surveys: list[Survey]) -> list[Line]:
    lines = []
    for survey in surveys:
        totals = survey.protocol.totals
        lines += [Line(survey.database, label, found, totals[label]) for label, found in survey.counts.items()]
        lines.append(Line(survey.database, "clips", len(survey.clips), sum(totals.values())))
        lines.append(Line(survey.database, "subjects", len(survey.subjects), survey.protocol.subjects))
    if len(surveys) == 1:
        return lines
    whats = (*surveys[0].protocol.labels, "clips", "subjects")
    sums = {what: [line for line in lines if line.what == what] for what in whats}
    return lines + [Line("all", what, sum(s.found for s in part), sum(s.official for s in part)) for what, part in sums.items()]


def _empty_images(clips: list[Clip]) -> list[Problem]:
    """Images of 0 bytes, which an interrupted copy leaves behind: at the ends and the apex of a clip, and anywhere in one whose
    apex a rule will choose."""
    return [
        Problem(clip.source, f"{clip.frames[number]} is empty (0 bytes); copy the database again", fatal=True)
        for clip in clips
        for number in (clip.frames if clip.apex is None else sorted({clip.onset, clip.apex, clip.offset}))
        if clip.frames[number].stat().st_size == 0
    ]


def _differences(clips: list[Clip], databases: set[str], official: Path | None) -> list[str]:
    if official is None:
        return []
    keys = {key: label for key, label in official_list(official).items() if key[0] in databases}
    if not keys:
        raise DataError(f"{official} lists no clip of {', '.join(sorted(databases))}; leave --official out, or give their list")
    return compare(clips, keys)
