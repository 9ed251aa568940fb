"""CAS(ME)^3 as distributed, invented."""

from __future__ import annotations

import pytest

from train.databases import casme3


def texts(survey, fatal):
    return [str(problem) for problem in survey.problems if problem.fatal is fatal]


@pytest.mark.parametrize(("classes", "clips", "subjects"), [(3, 699, 88), (4, 860, 94), (7, 860, 94)])
def test_the_full_database_meets_the_totals_of_the_second_edition(fakes, tmp_path, classes, clips, subjects):
    fakes.casme3(tmp_path, fakes.full_casme3())
    survey = casme3.read(tmp_path, classes)
    assert survey.complete
    assert (len(survey.clips), len(survey.subjects)) == (clips, subjects)
    assert texts(survey, fatal=True) == []


def test_the_first_edition_is_read_from_its_old_workbook_and_noted(fakes, tmp_path):
    fakes.casme3(tmp_path, [fakes.Row("spNO.1", "a", 355, 360, 370, "happy")], edition="v1")
    survey = casme3.read(tmp_path)
    assert survey.clips[0].key == ("casme3", "spNO.1", "a_355")
    assert "is the first edition of the labels" in texts(survey, fatal=False)[0]


def test_clips_that_were_cut_out_are_found_too(fakes, tmp_path):
    fakes.casme3(tmp_path, [fakes.Row("spNO.14", "J", 355, 360, 370, "Others")], cut_out=True)
    (clip,) = casme3.read(tmp_path, 4).clips
    assert (clip.subject, clip.name, clip.label, clip.apex) == ("spNO.14", "j_355", "others", 360)


def test_the_absent_first_frames_give_way_to_the_first_that_is_there(fakes, tmp_path):
    fakes.casme3(tmp_path, [fakes.Row("spNO.216", "e", 0, 0, 25, "disgust")])
    color = next(tmp_path.rglob("spNO.216/e/color"))
    (color / "0.jpg").rename(color / "8.jpg")
    survey = casme3.read(tmp_path)
    assert (survey.clips[0].onset, survey.clips[0].apex) == (8, None)
    notes = texts(survey, fatal=False)
    assert "apex 0 lies on the onset" in notes[0]
    assert "onset frame 0 is not in" in notes[1]


def test_a_documented_typing_error_is_put_right_and_noted(fakes, tmp_path):
    fakes.casme3(tmp_path, [fakes.Row("spNO.149", "d", 112, 160, 358, "fear")])
    typed = fakes.Row("spNO.149", "d", 112, 83, 358, "fear")
    book = fakes.casme3(tmp_path / "typed", [typed])
    book.replace(tmp_path / "annotation" / "partA" / book.name)
    survey = casme3.read(tmp_path)
    assert survey.clips[0].apex == 160
    assert "(112, 83, 358) is mistyped, (112, 160, 358) is used" in texts(survey, fatal=False)[0]


def test_a_row_that_shows_no_movement_is_a_problem(fakes, tmp_path):
    fakes.casme3(tmp_path, [fakes.Row("spNO.214", "c", 5, 5, 3460, "fear")])
    (problem,) = texts(casme3.read(tmp_path), fatal=True)
    assert "row 2: neither an apex after the onset nor an offset" in problem


def test_two_movements_with_one_onset_keep_two_names_and_equal_rows_are_duplicates(fakes, tmp_path):
    first, second = fakes.Row("spNO.1", "a", 355, 360, 370, "happy"), fakes.Row("spNO.1", "a", 355, 364, 380, "happy")
    fakes.casme3(tmp_path, [first, second, first])
    survey = casme3.read(tmp_path)
    assert [clip.name for clip in survey.clips] == ["a_355", "a_355_380"]
    assert "row 4: clip spNO.1 a_355 is already given by" in texts(survey, fatal=True)[0]


def test_subjects_are_spelt_one_way():
    assert {casme3.subject_name(text) for text in ("spNO.1", "spNo.1", "spNO1", "SPNO.01")} == {"spNO.1"}
