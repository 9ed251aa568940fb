"""Annotation tables as their authors left them: .xls, .xlsx and .csv, read as text, the header found by its content.

Preamble lines, blank columns, numbers typed as text, formulas without a value and notes under the table are all normal in
these files. Nothing is inferred: a cell is text until a reader asks for a frame number, and then it is one or it is missing.
What kind of file it is shows in its first bytes: copies pass through many hands, and some come back under another suffix.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ahmsa.databases.files.workbook_apart import read_apart
from ahmsa.errors import DataError
from ahmsa.files import read_limited
from ahmsa.untrusted import UnreadableError, rows_of, text_of

Columns = Mapping[str, Sequence[str]]
"""Name used in code -> the column titles it may have in the file, in any case and spacing."""

MISSING = frozenset({"", "/", "\\", "-", "–", "?", "nan", "none", "null", "n/a", "na", "-1"})
_LARGEST_BYTES = 256 << 20
_HEADER_WITHIN = 60
"""A header is in the first rows of its sheet; SAMM has it in row 14."""
_WORKBOOK_MARKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""First bytes of an .xlsx (a zip) and of an .xls."""
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_SEPARATORS = ",;\t"
"""Of a csv; which of them depends on the country where it was saved."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table, as text, with the place it came from."""

    path: Path
    sheet: str
    number: int
    """Row number as a spreadsheet program shows it, counted from 1."""
    cells: Mapping[str, str]

    @property
    def where(self) -> str:
        return f"{self.path.name}, {self.sheet + ', ' if self.sheet else ''}row {self.number}"

    def text(self, column: str) -> str:
        """The cell without surrounding blanks; empty where the table has no such column."""
        return self.cells.get(column, "")

    def integer(self, column: str, *, zero_is_missing: bool = False) -> int | None:
        """A frame number, or None where the cell says that there is none. Raises DataError for any other text."""
        text = self.text(column)
        if text.lower() in MISSING:
            return None
        if not re.fullmatch(r"[+-]?[0-9]{1,15}", text):
            raise DataError(f"{self.where}: column {column} holds {text!r}; expected a frame number")
        number = int(text)
        return None if number < 0 or (zero_is_missing and number == 0) else number

    def integer_or_missing(self, column: str, *, zero_is_missing: bool = False) -> int | None:
        """As `integer`, but any text that is no number counts as missing."""
        try:
            return self.integer(column, zero_is_missing=zero_is_missing)
        except DataError:
            return None


def read_table(path: Path, required: Columns, optional: Columns | None = None, sheets: Sequence[str] = ()) -> list[Row]:
    """The rows below the first header that names all `required` columns; wholly blank rows are left out.

    sheets: read only from a sheet with one of these names, where the file has one. Raises DataError naming the columns that
    no sheet has, or where the file cannot be read.
    """
    closest: tuple[list[str], list[str]] = ([], list(required))
    for sheet, lines in _preferred(read_sheets(path), sheets):
        for index, line in enumerate(lines[:_HEADER_WITHIN]):
            found, absent = _match(line, required)
            if not absent:
                found.update(_match(line, optional or {})[0])
                return list(_rows(path, sheet, lines, index, found))
            closest = min(closest, (line, absent), key=lambda item: len(item[1]))
    line, absent = closest
    titles = ", ".join(required[name][0] for name in absent)
    there = ", ".join(filter(None, line))
    raise DataError(
        f"{path} has no sheet with the column{'s' if len(absent) > 1 else ''} {titles}; expected the workbook as published"
        + (f", found the columns {there}" if there else "")
    )


def read_sheets(path: Path) -> list[tuple[str, list[list[str]]]]:
    """Every sheet as (name, lines of cell texts); line i is row i + 1 of the file. A csv is one sheet without a name."""
    try:
        data = read_limited(path, _LARGEST_BYTES)
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); check the copy") from None
    if not data:
        raise DataError(f"{path} is empty (0 bytes); copy it again")
    return _workbook_sheets(path) if data.startswith(_WORKBOOK_MARKS) else [("", _csv_lines(path, data))]


def _workbook_sheets(path: Path) -> list[tuple[str, list[list[str]]]]:
    return [(name, [[_text(cell) for cell in line] for line in lines]) for name, lines in read_apart(path)]


def normalised(title: str) -> str:
    """A column title without case, blanks and punctuation: "Onset Frame" and "OnsetFrame" are the same."""
    return re.sub(r"[^a-z0-9]", "", title.lower())


def _preferred(sheets: list[tuple[str, list[list[str]]]], names: Sequence[str]) -> list[tuple[str, list[list[str]]]]:
    wanted = {normalised(name) for name in names}
    return [sheet for sheet in sheets if normalised(sheet[0]) in wanted] or sheets


def _match(line: Sequence[str], columns: Columns) -> tuple[dict[str, int], list[str]]:
    """Where the columns lie in a line (the leftmost of two of one title), and the names of those that it lacks."""
    places: dict[str, int] = {}
    for place, title in enumerate(line):
        places.setdefault(normalised(title), place)
    found = {
        name: next(places[normalised(title)] for title in titles if normalised(title) in places)
        for name, titles in columns.items()
        if any(normalised(title) in places for title in titles)
    }
    return found, [name for name in columns if name not in found]


def _rows(path: Path, sheet: str, lines: list[list[str]], header: int, places: Mapping[str, int]) -> Iterator[Row]:
    for index, line in enumerate(lines[header + 1 :], start=header + 2):
        cells = {name: line[place] if place < len(line) else "" for name, place in places.items()}
        if any(cells.values()):
            yield Row(path=path, sheet=sheet, number=index, cells=cells)


def _text(cell: object) -> str:
    """A cell without surrounding blanks; a whole number, typed as text or not, without its decimal point."""
    return re.sub(r"^([+-]?\d+)\.0*$", r"\1", str(cell).strip())


def _csv_lines(path: Path, data: bytes) -> list[list[str]]:
    try:
        text = text_of(data, "utf-16" if data.startswith(_UTF16_MARKS) else "utf-8-sig")
        return [[_text(cell) for cell in line] for line in rows_of(text, max(_SEPARATORS, key=text.count))]
    except UnreadableError as error:
        raise DataError(
            f"{path} cannot be read as a workbook or csv table ({error}); copy it again, or save it as UTF-8"
        ) from None
