"""CASME II as distributed, invented.

Covers ahmsa.databases.collect, ahmsa.databases.clips.
"""

from __future__ import annotations

import shutil

import openpyxl
import pytest

from ahmsa.databases.readers import casme2
from ahmsa.errors import DataError, UsageError


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
    fakes.casme2(tmp_path, [fakes.Row("sub16", "EP01_09", 46, 59, 86, "disgust")])
    folder = tmp_path / "CASME2_RAW_selected/sub16/EP01_09"
    (folder / "img86.jpg").rename(folder / "img83.jpg")
    survey = casme2.read(tmp_path)
    assert survey.clips[0].offset == 83
    assert any("offset frame 86 is not in" in note for note in problems_of(survey, fatal=False))


def test_a_frame_far_from_any_other_is_a_problem_with_row_and_path(fakes, tmp_path):
    fakes.casme2(tmp_path, [fakes.Row("sub16", "EP01_09", 46, 59, 86, "disgust")])
    (tmp_path / "CASME2_RAW_selected/sub16/EP01_09/img59.jpg").unlink()
    (problem,) = problems_of(casme2.read(tmp_path))
    assert "row 2: apex frame 59 is not in" in problem
    assert "EP01_09 nor within 5 frames of it (nearest: 86)" in problem


def test_the_clip_known_to_be_cut_short_where_it_is_cropped_ends_at_its_last_image(fakes, tmp_path):
    fakes.casme2(tmp_path, [fakes.Row("sub16", "EP01_08", 46, 59, 186, "disgust")], tree="Cropped", prefix="reg_img")
    (tmp_path / "Cropped/sub16/EP01_08/reg_img186.jpg").unlink()
    survey = casme2.read(tmp_path)
    assert [(clip.onset, clip.apex, clip.offset) for clip in survey.clips] == [(46, 59, 59)]
    assert any("offset frame 186 is not in" in note for note in problems_of(survey, fatal=False))


def test_an_apex_whose_image_is_missing_is_never_the_image_of_the_onset(fakes, tmp_path):
    fakes.casme2(tmp_path, [fakes.Row("sub16", "EP01_09", 46, 48, 86, "disgust")])
    folder = tmp_path / "CASME2_RAW_selected/sub16/EP01_09"
    (folder / "img48.jpg").rename(folder / "img53.jpg")
    (clip,) = casme2.read(tmp_path).clips
    assert (clip.onset, clip.apex) == (46, 53)


def test_an_annotated_row_without_a_readable_subject_is_a_problem_and_a_remark_is_a_note(fakes, tmp_path):
    path = fakes.casme2(tmp_path, [fakes.Row("sub01", "EP02_01f", 46, 59, 86, "happiness")])
    book = openpyxl.load_workbook(path)
    book["Sheet1"].append(["x7", "EP03_02", None, 5, 9, 20, None, "12", "disgust"])
    book["Sheet1"].append(["revised in May"])
    book["Sheet1"].append([None, None, None, None, None, None, None, 63, "disgust"])
    book.save(path)
    survey = casme2.read(tmp_path)
    assert problems_of(survey) == [
        "CASME2-coding-20140508.xlsx, Sheet1, row 3: names no clip: its subject is 'x7' and its file name 'EP03_02'"
    ]
    assert [note.split(":")[0][-5:] for note in problems_of(survey, fatal=False)] == ["row 4", "row 5"]


def test_numbers_may_be_typed_as_text_with_a_decimal_point(fakes, tmp_path):
    path = fakes.casme2(tmp_path, [fakes.Row("sub01", "EP02_01f", 46, 59, 86, "happiness")])
    book = openpyxl.load_workbook(path)
    for cell, text in zip(("A2", "D2", "E2", "F2"), ("1.0", " 46.0", "59.", "86.00 "), strict=True):
        book["Sheet1"][cell] = text
    book.save(path)
    (clip,) = casme2.read(tmp_path).clips
    assert (clip.subject, clip.onset, clip.apex, clip.offset) == ("sub01", 46, 59, 86)


def test_folders_may_be_spelt_in_any_case_and_excluded_clips_stay_out(fakes, tmp_path):
    rows = [fakes.Row("sub05", "EP09_05F", 9, 9, 63, "disgust"), fakes.Row("sub01", "EP02_01f", 46, 59, 86, "happiness")]
    fakes.casme2(tmp_path, rows)
    tree = tmp_path / "CASME2_RAW_selected"
    (tree / "sub01" / "EP02_01f").rename(tree / "sub01" / "ep02_01F")
    (tree / "sub01").rename(tree / "Sub1")
    assert [clip.name for clip in casme2.read(tmp_path).clips] == ["EP02_01f"]


def test_folders_that_hold_no_images_lose_against_those_that_do(fakes, tmp_path):
    """An archive unpacked on a Mac has a second tree `__MACOSX` of the same folders."""
    rows = fakes.full_casme2()[:6]
    fakes.casme2(tmp_path / "casme2", rows, tree="cropped")
    for row in rows:
        folder = tmp_path / "__MACOSX" / "cropped" / row.subject / row.clip
        folder.mkdir(parents=True)
        (folder / "._img46.jpg").write_bytes(b"x")
    survey = casme2.read(tmp_path)
    assert survey.read_from[1] == tmp_path / "casme2" / "cropped"
    assert len(survey.clips) == 6


def test_of_two_folders_of_one_clip_the_one_with_images_is_read(fakes, tmp_path):
    fakes.casme2(tmp_path, [fakes.Row("sub01", "EP02_01f", 46, 59, 86, "happiness")])
    (tmp_path / "CASME2_RAW_selected" / "sub1" / "EP02_01f").mkdir(parents=True)
    assert len(casme2.read(tmp_path).clips) == 1


def test_an_offset_that_is_no_number_ends_the_clip_at_its_apex_and_is_noted(fakes, tmp_path):
    path = fakes.casme2(tmp_path, [fakes.Row("sub01", "EP02_01f", 46, 59, 86, "happiness")])
    book = openpyxl.load_workbook(path)
    book["Sheet1"]["F2"] = "8b"
    book.save(path)
    survey = casme2.read(tmp_path)
    assert survey.clips[0].offset == 59
    assert "row 2: no offset frame (the cell holds '8b'), the clip ends at its apex" in problems_of(survey, fatal=False)[0]


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
