"""Workbooks read in a process of their own, with a limit to its memory and time.

The reader of .xls and .xlsx is native code that a damaged file brings to a panic, an abort, or to ask for all memory of the
machine. There it ends a child; here it is one sentence.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path

import msgspec

from ahmsa.errors import DataError
from ahmsa.untrusted import JsonDecoder, UnreadableError

Sheets = list[tuple[str, list[list[str]]]]

_MEMORY_BYTES = 2 << 30
_PATIENCE_S = 60.0
_ANSWER_BYTES = 512 << 20
_LONGEST_CELL = 100_000

_decoder: JsonDecoder[Sheets] = JsonDecoder(Sheets, limit_bytes=_ANSWER_BYTES, longest_text=_LONGEST_CELL, lines=True)


def read_apart(path: Path) -> Sheets:
    """Every sheet of a workbook as (name, lines of cells, as text). Raises DataError."""
    try:
        ended = read_in_child(path.resolve())
        reason = ended.stderr.decode(errors="replace").strip() if ended.returncode == 1 else "its reader gave up"
        if ended.returncode == 0:
            return _decoder.decode(ended.stdout)
    except subprocess.TimeoutExpired:
        reason = f"not done after {_PATIENCE_S:g} s"
    except UnreadableError as error:
        reason = str(error)
    raise DataError(f"{path} cannot be read as a workbook ({reason[:200]}); copy it again")


def read_in_child(path: Path) -> subprocess.CompletedProcess[bytes]:
    """The child's answer or its complaint. Raises subprocess.TimeoutExpired."""
    command = [sys.executable, "-m", __name__, str(path)]
    return subprocess.run(command, capture_output=True, timeout=_PATIENCE_S, check=False)


def child_main(path: str) -> int:
    """What the child does: writes the sheets, or why there are none, and returns its exit code."""
    # A panic of the reader is an exception of no class that could be named here: it ends the process with a code of its own.
    sys.excepthook = lambda *_: None
    try:
        return _main(path)
    except BaseException:  # noqa: BLE001
        return 2


def _read_here(path: str) -> Sheets:
    from python_calamine import CalamineWorkbook

    # Not by its path: then its suffix would say what it is.
    with Path(path).open("rb") as file, CalamineWorkbook.from_filelike(file) as book:
        return [
            (name, [[_cell(cell) for cell in line] for line in book.get_sheet_by_name(name).to_python(skip_empty_area=False)])
            for name in book.sheet_names
        ]


def _cell(cell: object) -> str:
    """As text; what cannot be shown is left out."""
    return "".join(sign if sign.isprintable() or sign in "\n\t" else " " for sign in str(cell))


def _main(path: str) -> int:
    with contextlib.suppress(ImportError):  # not on Windows
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    from python_calamine import CalamineError

    try:
        sheets = _read_here(path)
    except (CalamineError, OSError) as error:
        sys.stderr.write(str(error).splitlines()[0] if str(error) else type(error).__name__)
        return 1
    sys.stdout.buffer.write(msgspec.json.encode(sheets))
    sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(child_main(sys.argv[1]))
