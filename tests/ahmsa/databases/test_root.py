import pytest

from ahmsa.databases.root import data_root, keep_root
from ahmsa.errors import UsageError


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "databases").mkdir()
    return tmp_path / "databases"


def test_without_a_word_the_sentence_says_whom_to_ask_and_where_to_put_it():
    with pytest.raises(UsageError, match=r"ask the authors .*`ahmsa-data root FOLDER`.*AHMSA_DATA.*--maps"):
        data_root()


def test_what_was_said_once_is_known_from_then_on(folder):
    keep_root(folder)
    assert data_root() == folder


def test_a_command_line_goes_before_the_environment_and_that_before_what_is_kept(folder, tmp_path, monkeypatch):
    keep_root(folder)
    (tmp_path / "other").mkdir()
    monkeypatch.setenv("AHMSA_DATA", str(tmp_path / "other"))
    assert data_root() == tmp_path / "other"
    assert data_root(folder) == folder


def test_a_place_that_is_gone_is_named(folder):
    keep_root(folder)
    folder.rmdir()
    with pytest.raises(UsageError, match="databases, where the databases should lie, is no folder"):
        data_root()


def test_a_place_that_is_no_folder_is_not_kept(tmp_path):
    with pytest.raises(UsageError, match="is no folder"):
        keep_root(tmp_path / "nowhere")


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"x" * 100_000])
def test_what_was_kept_and_is_no_text_any_more_counts_as_not_said(folder, tmp_path, content):
    keep_root(folder)
    (tmp_path / "settings" / "ahmsa" / "data-root").write_bytes(content)
    with pytest.raises(UsageError, match="no database is known"):
        data_root()
