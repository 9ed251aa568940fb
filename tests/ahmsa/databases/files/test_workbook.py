"""Annotation tables as awkward as the published ones.

Covers ahmsa.databases.files.workbook_apart.
"""

from __future__ import annotations

import contextlib
import os

import openpyxl
import pytest
import xlwt

from ahmsa.databases.files import workbook_apart
from ahmsa.databases.files.workbook import read_sheets, read_table
from ahmsa.errors import DataError

COLUMNS = {"clip": ("Filename",), "onset": ("Onset Frame", "OnsetF")}


def book_of(path, lines, sheet="Sheet1"):
    book = openpyxl.Workbook()
    book.active.title = sheet
    for line in lines:
        book.active.append(line)
    book.save(path)
    return path


def test_the_header_is_found_below_a_preamble_and_beside_blank_columns(tmp_path):
    lines = [
        ["A title"],
        [],
        [None, "a note"],
        ["Subject", "FileName", None, "OnsetFrame", None],
        ["01", "EP02_01f", None, 46, None],
    ]
    (row,) = read_table(book_of(tmp_path / "a.xlsx", lines), COLUMNS, {"subject": ("Subject",)})
    assert (row.text("subject"), row.text("clip"), row.integer("onset")) == ("01", "EP02_01f", 46)
    assert row.number == 5
    assert row.where == "a.xlsx, Sheet1, row 5"


def test_an_old_workbook_with_numbers_as_text(tmp_path):
    book = xlwt.Workbook()
    sheet = book.add_sheet("label")
    for place, (title, cell) in enumerate([("Filename", "a"), ("OnsetF", "355 ")]):
        sheet.write(1, place, title)
        sheet.write(2, place, cell)
    book.save(str(tmp_path / "a.xls"))
    (row,) = read_table(tmp_path / "a.xls", COLUMNS)
    assert row.integer("onset") == 355
    assert row.number == 3


def test_a_csv_table_reads_like_a_workbook(tmp_path):
    (tmp_path / "a.csv").write_text("\ufeffFilename,Onset Frame\na,12.0\n,\nb,/\n", encoding="utf-8")
    rows = read_table(tmp_path / "a.csv", COLUMNS)
    assert [(row.number, row.integer("onset")) for row in rows] == [(2, 12), (4, None)]


@pytest.mark.parametrize("cell", ["", "/", "nan", "NaN", "-1", "?", "n/a", None, -1])
def test_a_cell_that_says_there_is_no_frame_is_missing(tmp_path, cell):
    (row,) = read_table(book_of(tmp_path / "a.xlsx", [["Filename", "Onset Frame"], ["a", cell]]), COLUMNS)
    assert row.integer("onset") is None


def test_zero_is_a_frame_unless_it_means_missing(tmp_path):
    (row,) = read_table(book_of(tmp_path / "a.xlsx", [["Filename", "Onset Frame"], ["a", 0]]), COLUMNS)
    assert row.integer("onset") == 0
    assert row.integer("onset", zero_is_missing=True) is None


@pytest.mark.parametrize("cell", ["MISSING <-426679", "12.5", "=SUM(F15-D15)+1", "1e3"])
def test_a_cell_that_is_no_number_is_an_error_with_file_and_row(tmp_path, cell):
    (tmp_path / "a.csv").write_text(f"Filename,Onset Frame\na,{cell}\n")
    (row,) = read_table(tmp_path / "a.csv", COLUMNS)
    with pytest.raises(DataError, match=r"a\.csv, row 2: column onset holds .* expected a frame number"):
        row.integer("onset")
    assert row.integer_or_missing("onset") is None


def test_a_renamed_column_is_named(tmp_path):
    path = book_of(tmp_path / "a.xlsx", [["Filename", "Begin"], ["a", 3]])
    with pytest.raises(DataError, match="has no sheet with the column Onset Frame; expected the workbook as published"):
        read_table(path, COLUMNS)


def test_the_named_sheet_goes_first(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["Filename", "Onset Frame"])
    book.active.append(["wrong", 1])
    other = book.create_sheet("MICRO_ONLY")
    other.append(["Filename", "Onset Frame"])
    other.append(["right", 2])
    book.save(tmp_path / "a.xlsx")
    assert [row.text("clip") for row in read_table(tmp_path / "a.xlsx", COLUMNS, sheets=["micro_only"])] == ["right"]


def test_the_columns_that_were_found_instead_are_named(tmp_path):
    path = book_of(tmp_path / "a.xlsx", [["a preamble"], ["Filename", "Begin"], ["a", 3]])
    with pytest.raises(DataError, match=r"expected the workbook as published, found the columns Filename, Begin$"):
        read_table(path, COLUMNS)


def test_a_table_is_known_by_its_content_not_by_its_suffix(tmp_path):
    workbook = book_of(tmp_path / "a.xlsx", [["Filename", "Onset Frame"], ["a", 3]])
    workbook.rename(tmp_path / "a.csv")
    (tmp_path / "b.xlsx").write_text("Filename,Onset Frame\nb,4\n")
    (tmp_path / "c.xls").write_bytes((tmp_path / "a.csv").read_bytes())
    old = xlwt.Workbook()
    sheet = old.add_sheet("a")
    for place, text in enumerate(("Filename", "Onset Frame", "d", "5")):
        sheet.write(place // 2, place % 2, text)
    old.save(str(tmp_path / "d.xlsx"))
    rows = [row for name in ("a.csv", "b.xlsx", "c.xls", "d.xlsx") for row in read_table(tmp_path / name, COLUMNS)]
    assert [(row.text("clip"), row.integer("onset")) for row in rows] == [("a", 3), ("b", 4), ("a", 3), ("d", 5)]


@pytest.mark.parametrize(("separator", "encoding"), [(";", "utf-8"), ("\t", "utf-16"), (",", "utf-8-sig")])
def test_a_csv_of_any_country_is_read(tmp_path, separator, encoding):
    (tmp_path / "a.csv").write_text(separator.join(["Filename", "Onset Frame"]) + f"\nä{separator}3\n", encoding=encoding)
    (row,) = read_table(tmp_path / "a.csv", COLUMNS)
    assert (row.text("clip"), row.integer("onset")) == ("ä", 3)


def test_an_empty_file_is_one_sentence(tmp_path):
    (tmp_path / "a.xlsx").touch()
    with pytest.raises(DataError, match=r"a\.xlsx is empty \(0 bytes\); copy it again"):
        read_table(tmp_path / "a.xlsx", COLUMNS)


@pytest.mark.parametrize("name", ["a.xlsx", "a.xls", "a.csv"])
def test_a_damaged_file_is_one_sentence(tmp_path, name):
    (tmp_path / name).write_bytes(b"PK\x03\x04 half a file \xff\xfe")
    with pytest.raises(DataError, match=rf"{name} cannot be read as a .*; copy it again"):
        read_table(tmp_path / name, COLUMNS)


def test_a_missing_file_is_one_sentence(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_table(tmp_path / "none.xlsx", COLUMNS)


def test_an_xls_that_is_cut_off_or_damaged_is_one_sentence(tmp_path):
    book = xlwt.Workbook()
    sheet = book.add_sheet("a")
    for row in range(60):
        for column, text in enumerate(("Subject", "Filename", "OnsetFrame")):
            sheet.write(row, column, text if row == 0 else f"{row}")
    book.save(str(tmp_path / "whole.xls"))
    whole = (tmp_path / "whole.xls").read_bytes()
    for name, data in {
        "cut": whole[:-100],
        "half": whole[: len(whole) // 2],
        "flipped": whole[:520] + b"\xff" * 90 + whole[610:],
    }.items():
        (tmp_path / name).write_bytes(data)
        # A flipped bit may leave a workbook that can be read; what must not be is any other error, or the end of this process.
        with contextlib.suppress(DataError):
            read_sheets(tmp_path / name)
    with pytest.raises(DataError, match=r"cut cannot be read as a workbook .*; copy it again"):
        read_sheets(tmp_path / "cut")


def test_a_reader_that_asks_for_all_memory_ends_its_child_and_not_this_program(tmp_path, monkeypatch):
    reader = tmp_path / "greedy_reader.py"
    reader.write_text(
        "import sys\nimport ahmsa.databases.files.workbook_apart as apart\n"
        "apart._read_here = lambda path: bytearray(4 << 30) and []\nsys.exit(apart._main())\n"
    )
    monkeypatch.setattr(workbook_apart, "__name__", "greedy_reader")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    (tmp_path / "book.xls").write_bytes(b"\xd0\xcf\x11\xe0" + bytes(600))
    with pytest.raises(DataError, match="cannot be read as a workbook"):
        read_sheets(tmp_path / "book.xls")
