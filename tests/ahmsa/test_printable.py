"""Nothing that comes from outside steers a terminal.

Covers ahmsa.errors, whose sentences are printable.
"""

import pytest

from ahmsa.errors import AhmsaError, CheckpointError, RunError, SettingsError, UsageError
from ahmsa.printable import LONGEST_LINE, is_printable, printable

ESCAPE, TURN = "\x1b[2J", "\u202e"


@pytest.mark.parametrize("text", [f"a{ESCAPE}b", f"talk{TURN}4pm.exe", "a\x9bb", "half \ud800", "two\u2028lines"])
def test_what_steers_a_terminal_becomes_question_marks(text):
    assert not is_printable(text)
    assert is_printable(printable(text))
    assert "?" in printable(text)


def test_letters_of_any_language_stay():
    assert printable("Zürich 東京 😀") == "Zürich 東京 😀"


def test_lines_become_one():
    assert printable("no such file\r\n  caused by\n\tpermissions") == "no such file caused by permissions"


def test_a_long_text_is_cut_in_the_middle():
    shown = printable("a" * 2000 + "end")
    assert len(shown) <= LONGEST_LINE
    assert shown.startswith("aaa")
    assert shown.endswith("end")


def test_an_error_says_its_sentence_in_one_printable_line():
    assert str(RunError(f"no file {ESCAPE}\nsecond")) == "no file ?[2J second"


@pytest.mark.parametrize(("kind", "exit_code"), [(UsageError, 2), (SettingsError, 2), (RunError, 1), (CheckpointError, 1)])
def test_asked_wrongly_is_2_and_not_done_is_1(kind, exit_code):
    assert issubclass(kind, AhmsaError)
    assert kind.exit_code == exit_code
