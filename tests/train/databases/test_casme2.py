"""CASME II as distributed, invented."""

from __future__ import annotations

import shutil

import openpyxl
import pytest

from ahmsa.errors import DataError, UsageError
from train.databases import casme2


def problems_of(survey, fatal=True):
    return [str(problem) for problem in survey.problems if problem.fatal is fatal]


def test_the_full_database_meets_the_official_totals(fakes, tmp_path):
    fakes.casme2(tmp_path, fakes.full_casme2())
    survey = casme2.read(tmp_path)
    assert survey.complete
    assert survey.counts == {"negative": 88, "positive": 32, "surprise": 25}
    assert len(survey.subjects) == 24
    assert problems_of(survey) == []


def test_the_two_clips_the_official_list_drops_are_noted_with_their_rows(fakes, tmp_path):
    fakes.casme2(tmp_path, fakes.full_casme2())
    notes = problems_of(casme2.read(tmp_path), fatal=False)
    assert any("sub04 EP12_01f is left out" in note and "row 255" in note for note in notes)
    assert any("sub05 EP09_05f is left out" in note for note in notes)


def test_a_missing_apex_is_left_to_the_apex_rule(fakes, tmp_path):
    fakes.casme2(
        tmp_path, [fakes.Row("sub01", "EP02_01f", 46, "/", 86, "happiness"), fakes.Row("sub02", "EP01_2", 5, 9, 20, "surprise")]
    )
    survey = casme2.read(tmp_path)
    assert [clip.apex for clip in survey.clips] == [None, 9]
    assert any("no apex frame" in note for note in problems_of(survey, fatal=False))


def test_the_tree_with_most_clips_is_used(fakes, tmp_path):
    rows = fakes.full_casme2()[:9]
    fakes.casme2(tmp_path, rows[:2], tree="Cropped-updated/Cropped", prefix="reg_img")
    fakes.casme2(tmp_path, rows, tree="CASME2-RAW")
    survey = casme2.read(tmp_path)
    assert survey.read_from[1].name == "CASME2-RAW"
    assert len(survey.clips) == 9


def test_whole_videos_are_cut_to_onset_and_offset(fakes, tmp_path):
    row = fakes.Row("sub01", "EP02_01f", 46, 59, 86, "happiness")
    fakes.casme2(tmp_path, [row])
    for number in range(1, 120):
        (tmp_path / "CASME2_RAW_selected/sub01/EP02_01f" / f"img{number}.jpg").write_bytes(b"x")
    (clip,) = casme2.read(tmp_path).clips
    assert list(clip.frames) == list(range(46, 87))
    assert clip.frames[59].name == "img59.jpg"


def test_a_frame_that_is_absent_gives_way_to_its_neighbour_and_is_noted(fakes, tmp_path):
    fakes.casme2(tmp_path, [fakes.Row("sub16", "EP01_08", 46, 59, 86, "disgust")])
    folder = tmp_path / "CASME2_RAW_selected/sub16/EP01_08"
    (folder / "img86.jpg").rename(folder / "img83.jpg")
    survey = casme2.read(tmp_path)
    assert survey.clips[0].offset == 83
    assert any("offset frame 86 is not in" in note for note in problems_of(survey, fatal=False))


def test_a_frame_far_from_any_other_is_a_problem_with_row_and_path(fakes, tmp_path):
    fakes.casme2(tmp_path, [fakes.Row("sub16", "EP01_08", 46, 59, 86, "disgust")])
    (tmp_path / "CASME2_RAW_selected/sub16/EP01_08/img59.jpg").unlink()
    (problem,) = problems_of(casme2.read(tmp_path))
    assert "row 2: apex frame 59 is not in" in problem
    assert "EP01_08 nor within 5 frames of it (nearest: 46)" in problem


def test_a_half_copied_database_names_every_clip_that_is_missing(fakes, tmp_path):
    fakes.casme2(tmp_path, fakes.full_casme2()[:6])
    for subject in ("sub02", "sub04"):
        shutil.rmtree(tmp_path / "CASME2_RAW_selected" / subject)
    survey = casme2.read(tmp_path)
    assert len(survey.clips) == 4
    assert [problem.split("row ")[1] for problem in problems_of(survey)] == [
        "3: no folder of frames for sub02 EP02_001f",
        "5: no folder of frames for sub04 EP04_003f",
    ]


def test_duplicate_clips_are_a_problem(fakes, tmp_path):
    row = fakes.full_casme2()[0]
    fakes.casme2(tmp_path, [row, row])
    (problem,) = problems_of(casme2.read(tmp_path))
    assert "row 3" in problem
    assert "is already given by CASME2-coding-20140508.xlsx, Sheet1, row 2" in problem


def test_an_unknown_emotion_is_a_problem(fakes, tmp_path):
    fakes.casme2(tmp_path, [fakes.Row("sub01", "EP02_01f", 46, 59, 86, "hapiness")])
    (problem,) = problems_of(casme2.read(tmp_path))
    assert "row 2: unknown emotion 'hapiness'; expected one of disgust" in problem


def test_an_offset_before_the_onset_is_a_problem(fakes, tmp_path):
    fakes.casme2(tmp_path, [fakes.Row("sub01", "EP02_01f", 46, 59, 86, "happiness")])
    book = openpyxl.load_workbook(tmp_path / "CASME2-coding-20140508.xlsx")
    book["Sheet1"]["F2"] = 40
    book["Sheet1"]["E2"] = None
    book.save(tmp_path / "CASME2-coding-20140508.xlsx")
    (problem,) = problems_of(casme2.read(tmp_path))
    assert "offset 40 does not follow onset 46" in problem


def test_a_renamed_column_is_named(fakes, tmp_path):
    path = fakes.casme2(tmp_path, fakes.full_casme2()[:2])
    book = openpyxl.load_workbook(path)
    book["Sheet1"]["E1"] = "Peak"
    book.save(path)
    with pytest.raises(DataError, match="no sheet with the column ApexFrame"):
        casme2.read(tmp_path)


def test_missing_root_workbook_and_frames_say_what_was_expected(fakes, tmp_path):
    with pytest.raises(DataError, match="is not a folder; expected CASME II as distributed"):
        casme2.read(tmp_path / "none")
    with pytest.raises(DataError, match="no annotation workbook; expected CASME II"):
        casme2.read(tmp_path)
    book = fakes.casme2(tmp_path / "a", fakes.full_casme2()[:2])
    (tmp_path / "b").mkdir()
    book.rename(tmp_path / "b" / book.name)
    with pytest.raises(DataError, match="no folders of subjects; expected CASME II"):
        casme2.read(tmp_path / "b")


def test_only_three_classes(tmp_path):
    with pytest.raises(UsageError, match="no protocol of 7 classes; choose --classes 3"):
        casme2.read(tmp_path, 7)
