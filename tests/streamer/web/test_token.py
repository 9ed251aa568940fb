import os
import stat

from streamer.web.token import page_token


def test_a_token_survives_a_restart_and_only_its_user_can_read_it(tmp_path):
    token = page_token(tmp_path / "ahmsa")
    assert len(token) == 32
    assert page_token(tmp_path / "ahmsa") == token
    assert stat.S_IMODE((tmp_path / "ahmsa" / "page-token").stat().st_mode) == 0o600


def test_a_token_of_yesterday_or_one_that_others_could_read_is_not_used(tmp_path):
    token = page_token(tmp_path)
    file = tmp_path / "page-token"
    os.utime(file, (file.stat().st_mtime - 13 * 3600,) * 2)
    later = page_token(tmp_path)
    assert later != token
    file.chmod(0o644)
    assert page_token(tmp_path) != later


def test_a_damaged_file_or_a_folder_that_cannot_be_written_only_costs_the_survival(tmp_path):
    (tmp_path / "page-token").write_bytes(b"\xff" * 32)
    (tmp_path / "page-token").chmod(0o600)
    assert len(page_token(tmp_path)) == 32
    (tmp_path / "file").touch()
    assert len(page_token(tmp_path / "file" / "below")) == 32
