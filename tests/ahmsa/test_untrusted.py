"""One decoder for everything from outside: whatever is wrong comes out as UnreadableError, or as one sentence of ours."""

import msgspec
import pytest

from ahmsa import untrusted
from ahmsa.errors import DataError
from ahmsa.printable import LONGEST_LINE, is_printable, printable
from ahmsa.untrusted import JsonDecoder, UnreadableError, finite, foreign, records_of, rows_of, text_of, toml_values, whole


class Note(msgspec.Struct):
    name: str
    number: int = 0
    value: float = 0.0
    more: dict = {}


DECODER = JsonDecoder(Note, limit_bytes=200_000, longest_text=50)


@pytest.mark.parametrize(
    "payload",
    [
        b'{"name":"a","other":' + b"[" * 100_000,
        b'{"name":"a","more":' + b'{"a":' * 100 + b"1" + b"}" * 101,
        b'{"name":"' + b"a" * 51 + b'"}',
        b'{"name":"a","value":1e400}',
        b'{"name":"a","value":1e308}',
        b'{"name":"a","more":{"x":[-1e19]}}',
        b'{"name":"a","value":' + b"9" * 400 + b"}",
        b'{"name":"a","number":' + b"9" * 30 + b"}",
        b'{"name":"\\u001b]0;title\\u0007"}',
        '{"name":"\x9b2J"}'.encode(),
        '{"name":"\u202egnp.exe"}'.encode(),
        b'{"name":"two\\nlines"}',
        b'{"name":"a","more":{"\\u0007":1}}',
        b'{"name":"\xff"}',
        b"",
        b" " * 200_001,
    ],
)
def test_a_message_that_cannot_be_believed_is_unreadable(payload):
    with pytest.raises(UnreadableError) as error:
        DECODER.decode(payload)
    assert is_printable(str(error.value))
    assert len(str(error.value)) <= 200


def test_a_message_that_can_be_believed_comes_through():
    note = DECODER.decode(b'{"name":"a b","number":-9223372036854775808,"value":1e-300,"more":{"x":[1,"y",null]}}')
    assert (note.name, note.number, note.more) == ("a b", -(2**63), {"x": [1, "y", None]})


def test_settings_nested_without_end_are_unreadable():
    with pytest.raises(UnreadableError, match="nested too deeply"):
        toml_values(b"a=" + b"[" * 3000 + b"]" * 3000)


@pytest.mark.parametrize("text", ["", "nan", "inf", "1e999", "0x10", "1_0", "١", "9" * 400, " ", ".", "1e", None])
def test_what_is_no_finite_number_is_unreadable(text):
    with pytest.raises(UnreadableError):
        finite(text)


@pytest.mark.parametrize("text", ["", "1.0", "1e3", "1_0", "١", "9" * 400, str(2**62 + 1), None])
def test_what_is_no_whole_number_in_range_is_unreadable(text):
    with pytest.raises(UnreadableError):
        whole(text)


def test_numbers_in_plain_digits_are_read():
    assert (whole("-12"), finite("-1.5e3"), finite("7"), finite(".5")) == (-12, -1500.0, 7.0, 0.5)


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"a,b\n1\n", b"a,b\n1,2,3\n", b'a,b\n"1\r,2\n', b'a\n"' + b"x" * 200_000])
def test_a_table_that_is_none_is_unreadable(data):
    with pytest.raises(UnreadableError):
        records_of(rows_of(text_of(data)))


class PanicException(BaseException):
    pass


@pytest.mark.parametrize("error", [KeyError("x"), RecursionError(), MemoryError(), PanicException("panicked")])
def test_whatever_a_foreign_decoder_raises_is_one_sentence(error):
    with pytest.raises(DataError, match=r"^book\.xls .*; copy it again$"), foreign("book.xls", DataError, "copy it again"):
        raise error


def test_ctrl_c_in_a_foreign_decoder_is_still_ctrl_c():
    with pytest.raises(KeyboardInterrupt), foreign("book.xls", DataError, "copy it again"):
        raise KeyboardInterrupt


def test_every_error_of_ours_is_one_printable_line():
    error = DataError("bad \x1b[2J file\r\n  forged line \x9b\u202e " + "x" * 10_000)
    assert str(error).startswith("bad ?[2J file forged line ?? xxx")
    assert len(str(error)) <= LONGEST_LINE
    assert is_printable(str(error))


def test_printable_text_stays_as_it_is():
    assert printable("naïve – 微表情: 3 µm") == "naïve – 微表情: 3 µm"


def test_a_table_of_nothing_but_lines_is_refused_before_it_takes_the_memory(monkeypatch):
    monkeypatch.setattr(untrusted, "_MOST_CELLS", 1000)
    assert len(rows_of("a,b\n" * 300)) == 300
    for text in ("\n" * 1001, "," * 1001, "a,b\n" * 334):
        with pytest.raises(UnreadableError, match="more than 1000 lines and cells"):
            rows_of(text)
