"""Everything that comes from outside is decoded here: messages, settings, tables, headers of files.

Whoever wrote it may be wrong, of another version, or hostile. So depth, size, types and ranges are checked before anything is
believed; text is one printable line and numbers are finite and within the range of 64 bits. Whatever is not so raises
`UnreadableError`, and nothing else; the caller turns its reason into a sentence of the error tree (`ahmsa.errors`).

Decoders of others (image and workbook libraries, numpy's files) promise no set of errors: they run inside `foreign`, which
turns whatever they raise into one.
"""

from __future__ import annotations

import csv
import io
import math
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from ahmsa.errors import AhmsaError
from ahmsa.files import read_limited
from ahmsa.printable import is_printable, printable

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

T = TypeVar("T")

MESSAGE_BYTES = 1 << 20
"""Largest JSON message on a socket."""
FILE_BYTES = 64 << 20
"""Largest settings file, table or JSON file."""
_MOST_CELLS = 10_000_000
"""Of a table, its lines counted too: an empty line is one byte in the file, and sixty in memory."""
_DEEPEST = 64
_LONGEST_TEXT = 4096
_LONGEST_REASON = 200
_INT64 = 2**63


class UnreadableError(ValueError):
    """What came from outside cannot be believed; the text says why, in one short printable line."""

    def __init__(self, reason: object) -> None:
        super().__init__(printable(reason, _LONGEST_REASON))


class JsonDecoder(Generic[T]):
    """From JSON to a type that msgspec knows.

    longest_text: characters of any text in it; lines: whether a text may have several lines.
    """

    def __init__(
        self, kind: Any, *, limit_bytes: int = MESSAGE_BYTES, longest_text: int = _LONGEST_TEXT, lines: bool = False
    ) -> None:
        self._decoder: msgspec.json.Decoder[T] = msgspec.json.Decoder(kind)
        self._limit_bytes = limit_bytes
        self._longest_text, self._lines = longest_text, lines

    def decode(self, data: bytes | str) -> T:
        """The value in the data. Raises UnreadableError."""
        if len(data) > self._limit_bytes:
            raise UnreadableError(f"it has {len(data)} bytes, and {self._limit_bytes} are allowed")
        try:
            value = self._decoder.decode(data)
        except RecursionError:
            raise UnreadableError("it is nested too deeply") from None
        except (msgspec.MsgspecError, UnicodeError) as error:
            raise UnreadableError(error) from None
        check(value, longest_text=self._longest_text, lines=self._lines)
        return value


def _check_number(number: float) -> None:
    if isinstance(number, int):
        if not -_INT64 <= number < _INT64:
            raise UnreadableError("a number does not fit 64 bits")
    elif not math.isfinite(number):
        raise UnreadableError(f"{number} is no number")
    elif abs(number) > _INT64:
        raise UnreadableError(f"{number:g} is more than any measurement")


def check(value: object, *, longest_text: int = _LONGEST_TEXT, lines: bool = False) -> None:
    """UnreadableError unless every text in a decoded value is printable, and every number within -2^63 to 2^63."""
    waiting: list[tuple[object, int]] = [(value, 0)]
    while waiting:
        one, depth = waiting.pop()
        if depth > _DEEPEST:
            raise UnreadableError("it is nested too deeply")
        if isinstance(one, str):
            _check_text(one, longest_text, lines)
        elif isinstance(one, (float, int)):
            _check_number(one)
        elif isinstance(one, msgspec.Struct):
            waiting += [(getattr(one, name), depth + 1) for name in one.__struct_fields__]
        elif isinstance(one, Mapping):
            waiting += [(each, depth + 1) for pair in one.items() for each in pair]
        elif isinstance(one, Sequence) and not isinstance(one, bytes):
            waiting += [(each, depth + 1) for each in one]


def toml_values(data: bytes) -> dict[str, Any]:
    """A TOML document as nested dicts. Raises UnreadableError."""
    try:
        values: dict[str, Any] = tomllib.loads(data.decode("utf-8"))
    except RecursionError:
        raise UnreadableError("it is nested too deeply") from None
    except (tomllib.TOMLDecodeError, ValueError) as error:
        raise UnreadableError(error) from None
    check(values)
    return values


def table_rows(path: Path, *, limit_bytes: int = FILE_BYTES) -> list[list[str]]:
    """The lines of a comma-separated file in UTF-8. Raises OSError where it cannot be read, UnreadableError where it is no
    such table."""
    return rows_of(text_of(read_limited(path, limit_bytes)))


def rows_of(text: str, separator: str = ",") -> list[list[str]]:
    """The lines of a table. Raises UnreadableError."""
    rows: list[list[str]] = []
    size = 0
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
            size += 1 + len(row)
            if size > _MOST_CELLS:
                raise UnreadableError(f"it has more than {_MOST_CELLS} lines and cells")
            rows.append(row)
    except csv.Error as error:
        raise UnreadableError(error) from None
    return rows


def text_of(data: bytes, encoding: str = "utf-8-sig") -> str:
    """Raises UnreadableError."""
    try:
        return data.decode(encoding)
    except UnicodeError as error:
        raise UnreadableError(error) from None


def records_of(rows: Sequence[Sequence[str]]) -> list[dict[str, str]]:
    """The lines below a header, by column. Raises UnreadableError where a line has more or fewer cells than the header."""
    if not rows:
        return []
    header, *lines = rows
    for number, line in enumerate(lines, start=2):
        if len(line) != len(header):
            raise UnreadableError(f"line {number} has {len(line)} columns, the first one {len(header)}")
    return [dict(zip(header, line, strict=True)) for line in lines]


def whole(text: str | None, low: int = -(2**62), high: int = 2**62) -> int:
    """A whole number in plain digits within a range, both ends included. Raises UnreadableError."""
    if text is None or not re.fullmatch(r"[+-]?[0-9]{1,19}", text):
        raise UnreadableError(f"{text!r} is no whole number")
    number = int(text)
    if not low <= number <= high:
        raise UnreadableError(f"{number} is out of range ({low} to {high})")
    return number


def finite(text: str | None, low: float = -1e12, high: float = 1e12) -> float:
    """A finite number within a range, both ends included. Raises UnreadableError."""
    if text is None or len(text) > 40 or not re.fullmatch(r"[+-]?[0-9]*\.?[0-9]*([eE][+-]?[0-9]+)?", text.strip()):
        raise UnreadableError(f"{text!r} is no number")
    try:
        number = float(text)
    except ValueError:
        raise UnreadableError(f"{text!r} is no number") from None
    if not low <= number <= high:
        raise UnreadableError(f"{text} is out of range ({low:g} to {high:g})")
    return number


@contextmanager
def foreign(what: object, kind: type[AhmsaError], advice: str) -> Iterator[None]:
    """Around a decoder of someone else's, and nothing but it: whatever it raises becomes `kind`, in one sentence.

    what: the file or thing that is decoded, advice: what its owner can do. Errors of ours pass.
    """
    try:
        yield
    except AhmsaError:
        raise
    except MemoryError:
        raise kind(f"{what} asks for more memory than there is; {advice}") from None
    except Exception as error:  # noqa: BLE001 (see above: these decoders promise no set of errors)
        reason = printable(error, _LONGEST_REASON) or type(error).__name__
        raise kind(f"{what} cannot be read ({reason}); {advice}") from None
    except BaseException as error:
        # A panic of a library in Rust is no Exception, so that nobody should catch it; it is about the file all the same.
        if type(error).__name__ != "PanicException":
            raise
        raise kind(f"{what} cannot be read (its decoder gave up); {advice}") from None


def _check_text(text: str, longest: int, lines: bool) -> None:
    if len(text) > longest:
        raise UnreadableError(f"a text has {len(text)} characters, and {longest} are allowed: {text[:20]!r}...")
    if not is_printable(text.replace("\n", " ").replace("\t", " ") if lines else text):
        raise UnreadableError(f"a text holds control characters: {text[:60]!r}")
