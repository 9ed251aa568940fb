"""`ahmsa-data check`: totals, problems and the published list.

Covers ahmsa.databases.catalogue, ahmsa.databases.composite, train.commands.data.
"""

from __future__ import annotations

import shutil

import pytest
from typer.testing import CliRunner

from ahmsa.databases.catalogue import read_surveys
from ahmsa.errors import DataError, UsageError
from train.commands.data import app
from train.prepare.check import check


@pytest.fixture(scope="module")
def composite(fakes, tmp_path_factory):
    root = tmp_path_factory.mktemp("composite")
    fakes.casme2(root / "CASME2", fakes.full_casme2())
    fakes.smic(root / "SMIC", fakes.full_smic())
    fakes.samm(root, fakes.full_samm())
    return root


def official_csv(root, path, header=()):
    number = {"negative": 0, "positive": 1, "surprise": 2}
    clips = [clip for survey in read_surveys("3db", root) for clip in survey.clips]
    lines = [f"{c.database},{c.subject.lstrip('0')},{c.name},{number[c.label]}" for c in clips]
    path.write_text("\n".join([*header, *lines]) + "\n")
    return path


def test_the_composite_meets_442_clips_of_68_subjects(composite):
    result = check("3db", composite)
    assert result.passed
    found = {line.what: line.found for line in result.lines if line.database == "all"}
    assert found == {"negative": 250, "positive": 109, "surprise": 83, "clips": 442, "subjects": 68}


def test_the_command_exits_0_on_a_complete_database(composite):
    result = CliRunner().invoke(app, ["check", "--db", "3db", "--data", str(composite)])
    assert result.exit_code == 0
    assert "442" in result.output


def test_the_command_exits_1_and_names_file_and_row_when_a_clip_is_missing(fakes, tmp_path):
    rows = fakes.full_samm()
    fakes.samm(tmp_path, rows)
    shutil.rmtree(tmp_path / "SAMM" / rows[3].subject / rows[3].clip)
    result = CliRunner().invoke(app, ["check", "--db", "samm", "--data", str(tmp_path)])
    assert result.exit_code == 1
    assert "differs" in result.output
    assert f"SAMM_Micro_FACS_Codes_v2.xlsx, MICRO_ONLY, row 18: no folder of frames for {rows[3].subject}" in result.output


def test_the_published_list_agrees_key_by_key(composite, tmp_path):
    assert check("3db", composite, official=official_csv(composite, tmp_path / "list.csv")).passed
    header = ["data,subject,clip,label"]
    assert check("3db", composite, official=official_csv(composite, tmp_path / "list.csv", header)).passed


def test_every_difference_from_the_published_list_is_named(composite, tmp_path):
    path = official_csv(composite, tmp_path / "list.csv")
    lines = path.read_text().splitlines()
    relabelled = lines[0][:-1] + ("1" if lines[0].endswith("0") else "0")
    path.write_text("\n".join([relabelled, *lines[2:], "samm,6,006_9_9,2"]) + "\n")
    result = check("3db", composite, official=path)
    assert not result.passed
    assert sorted(text.split(" is ")[1].split(" ")[0] for text in result.differences) == ["in", "negative,", "not"]


def test_a_list_for_more_databases_than_were_read_is_fine(composite, tmp_path):
    path = official_csv(composite, tmp_path / "list.csv")
    assert check("samm", composite, official=path).passed


@pytest.mark.parametrize("line", ["casme2,sub01", "casme2,sub01,EP02_01f,7", "other,1,2,0", "smic,s01,x,0"])
def test_a_line_that_is_no_clip_is_an_error_with_its_row(composite, tmp_path, line):
    (tmp_path / "list.csv").write_text(f"casme2,sub01,EP02_01f,1\n{line}\n")
    with pytest.raises(DataError, match=r"list\.csv, row 2: .* is no clip"):
        check("3db", composite, official=tmp_path / "list.csv")


def test_an_image_of_no_bytes_is_a_problem(fakes, tmp_path):
    fakes.casme2(tmp_path, fakes.full_casme2())
    image = next((tmp_path / "CASME2_RAW_selected" / "sub01").rglob("img*.jpg"))
    image.write_bytes(b"")
    result = check("casme2", tmp_path)
    assert not result.passed
    assert f"{image} is empty (0 bytes)" in str(result.problems[0])


def test_an_image_of_no_bytes_anywhere_in_a_clip_without_an_apex_is_a_problem(fakes, tmp_path):
    fakes.smic(tmp_path, [fakes.Row("s3", "s3_po_08", 5, 0, 30, "")])
    image = next(tmp_path.rglob("reg_image000017.bmp"))
    image.write_bytes(b"")
    assert f"{image} is empty (0 bytes)" in str(check("smic", tmp_path).problems[0])


def test_an_absent_member_of_the_composite_says_which(fakes, tmp_path):
    fakes.casme2(tmp_path, fakes.full_casme2()[:3])
    with pytest.raises(DataError, match="expected SMIC as distributed"):
        check("3db", tmp_path)


def test_an_unknown_database_names_those_there_are(tmp_path):
    with pytest.raises(UsageError, match="unknown database 'fer'; choose one of smic, samm, casme2, casme3, demo, 3db"):
        check("fer", tmp_path)


def test_a_list_of_other_databases_is_refused(fakes, composite, tmp_path):
    path = official_csv(composite, tmp_path / "list.csv")
    fakes.casme3(tmp_path / "casme3", [fakes.Row("spNO.1", "a", 355, 360, 370, "happy")])
    with pytest.raises(DataError, match=r"list\.csv lists no clip of casme3; leave --official out"):
        check("casme3", tmp_path / "casme3", official=path)


def test_a_linked_database_is_found(fakes, tmp_path):
    fakes.samm(tmp_path / "disk", fakes.full_samm())
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "SAMM").symlink_to(tmp_path / "disk")
    assert check("samm", tmp_path / "data").passed
