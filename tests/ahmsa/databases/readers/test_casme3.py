"""CAS(ME)^3 as distributed, invented."""

from __future__ import annotations

import shutil

import openpyxl
import pytest

from ahmsa.databases.readers import casme3


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
    assert "onset frame 0 is not in" in notes[0]
    assert "apex 0 lies on the onset" in notes[1]


def test_an_apex_among_the_absent_first_frames_is_left_to_the_apex_rule(fakes, tmp_path):
    fakes.casme3(tmp_path, [fakes.Row("spNO.1", "a", 2, 5, 25, "disgust")])
    color = next(tmp_path.rglob("spNO.1/a/color"))
    (color / "2.jpg").rename(color / "8.jpg")
    (color / "5.jpg").rename(color / "9.jpg")
    survey = casme3.read(tmp_path)
    assert (survey.clips[0].onset, survey.clips[0].apex, survey.clips[0].offset) == (8, None, 25)
    assert "apex 5 does not follow frame 8, which is used as onset" in texts(survey, fatal=False)[1]


def test_a_documented_typing_error_is_put_right_and_noted(fakes, tmp_path):
    fakes.casme3(tmp_path, [fakes.Row("spNO.149", "d", 112, 160, 358, "fear")])
    typed = fakes.Row("spNO.149", "d", 112, 83, 358, "fear")
    book = fakes.casme3(tmp_path / "typed", [typed])
    book.replace(tmp_path / "annotation" / "partA" / book.name)
    survey = casme3.read(tmp_path)
    assert survey.clips[0].apex == 160
    assert "(112, 83, 358) is mistyped, (112, 160, 358) is used" in texts(survey, fatal=False)[0]


def test_a_clip_without_a_usable_apex_or_offset_is_taken_to_last_a_second(fakes, tmp_path):
    fakes.casme3(tmp_path, [fakes.Row("spNO.214", "c", 5, 5, 3460, "fear")])
    color = next(tmp_path.rglob("spNO.214/c/color"))
    for number in range(6, 80):
        (color / f"{number}.jpg").write_bytes(b"x")
    survey = casme3.read(tmp_path)
    assert (survey.clips[0].onset, survey.clips[0].apex, survey.clips[0].offset) == (5, None, 35)
    assert "offset 3460 lies 3455 frames after the onset and is not used" in texts(survey, fatal=False)[0]


def test_a_row_that_shows_no_movement_is_a_problem(fakes, tmp_path):
    fakes.casme3(tmp_path, [fakes.Row("spNO.3", "c", 5, 5, 9, "fear")])
    path = next(tmp_path.rglob("*_v2.xlsx"))
    book = openpyxl.load_workbook(path)
    book["label"]["E2"] = "0"
    book.save(path)
    (problem,) = texts(casme3.read(tmp_path), fatal=True)
    assert "row 2: neither an apex after the onset nor an offset" in problem


def test_depth_is_never_read_for_colour(fakes, tmp_path):
    """Depth lies in folders without the dot for some subjects, as png, sometimes directly in the video's folder."""
    fakes.casme3(tmp_path, [fakes.Row("spNO.210", "a", 5, 9, 20, "fear"), fakes.Row("spNO.7", "b", 5, 9, 20, "fear")])
    tree = next(tmp_path.rglob("spNO.210")).parent
    shutil.rmtree(tree / "spNO.7" / "b" / "color")
    for folder in (tree / "spNO210" / "a", tree / "spNO210" / "a" / "depth", tree / "spNO.7" / "b"):
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(5, 21):
            (folder / f"{number}.png").write_bytes(b"x")
    survey = casme3.read(tmp_path)
    assert [image.parent for image in survey.clips[0].frames.values()] == [tree / "spNO.210" / "a" / "color"] * 3
    (problem,) = texts(survey, fatal=True)
    assert problem.endswith("spNO.7/b (the folder has no images)")


def test_a_clip_cut_out_under_a_mistyped_onset_is_found(fakes, tmp_path):
    fakes.casme3(tmp_path, [fakes.Row("spNO.216", "d", 2647, 2668, 2694, "fear")], cut_out=True)
    (folder,) = tmp_path.rglob("*216_d_2647")
    folder.rename(folder.with_name("spNo.216_d_3647"))
    path = next(tmp_path.rglob("*_v2.xlsx"))
    book = openpyxl.load_workbook(path)
    book["label"]["C2"] = "3647"
    book.save(path)
    (clip,) = casme3.read(tmp_path).clips
    assert (clip.name, clip.onset, clip.apex) == ("d_2647", 2647, 2668)


def test_the_clips_of_one_video_may_lie_in_numbered_folders(fakes, tmp_path):
    rows = [fakes.Row("spNO.1", "a", 355, 360, 370, "happy"), fakes.Row("spNO.1", "a", 555, 560, 570, "fear")]
    fakes.casme3(tmp_path, rows)
    color = next(tmp_path.rglob("spNO.1/a/color"))
    second = color.parent.with_name("a2") / "Color"
    second.mkdir(parents=True)
    for number in (555, 560, 570):
        (color / f"{number}.jpg").rename(second / f"{number}.jpg")
    clips = casme3.read(tmp_path).clips
    assert [clip.frames[clip.onset].parent for clip in clips] == [color, second]


def test_two_movements_with_one_onset_keep_two_names_and_equal_rows_are_duplicates(fakes, tmp_path):
    first, second = fakes.Row("spNO.1", "a", 355, 360, 370, "happy"), fakes.Row("spNO.1", "a", 355, 364, 380, "happy")
    fakes.casme3(tmp_path, [first, second, first])
    survey = casme3.read(tmp_path)
    assert [clip.name for clip in survey.clips] == ["a_355", "a_355_380"]
    assert "row 4: clip spNO.1 a_355 is already given by" in texts(survey, fatal=True)[0]


def test_subjects_are_spelt_one_way():
    assert {casme3.subject_name(text) for text in ("spNO.1", "spNo.1", "spNO1", "SPNO.01")} == {"spNO.1"}


def test_a_clip_is_not_lost_for_want_of_its_offsets_image_which_no_map_needs(fakes, tmp_path):
    fakes.casme3(tmp_path, [fakes.Row("spNO.1", "a", 355, 360, 390, "happy"), fakes.Row("spNO.1", "b", 10, 15, 60, "happy")])
    for color in tmp_path.rglob("color"):
        for image in color.iterdir():
            if image.stem not in ("355", "360", "10", "15"):
                image.unlink()
    survey = casme3.read(tmp_path)
    assert [(clip.onset, clip.apex, clip.offset) for clip in survey.clips] == [(355, 360, 360), (10, 15, 15)]
    assert texts(survey, fatal=True) == []
    assert sum("the clip ends at its apex" in note for note in texts(survey, fatal=False)) == 2
