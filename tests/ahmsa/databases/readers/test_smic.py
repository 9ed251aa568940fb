"""SMIC as distributed, invented."""

from __future__ import annotations

import shutil

import pytest

from ahmsa.databases.readers import smic
from ahmsa.errors import DataError


def texts(survey, fatal):
    return [str(problem) for problem in survey.problems if problem.fatal is fatal]


def test_the_full_database_meets_the_official_totals(fakes, tmp_path):
    fakes.smic(tmp_path, fakes.full_smic())
    survey = smic.read(tmp_path)
    assert survey.complete
    assert survey.counts == {"negative": 70, "positive": 51, "surprise": 43}
    assert all(clip.apex is None for clip in survey.clips)
    assert texts(survey, fatal=True) == []


def test_the_folder_s_label_wins_over_the_workbook_s(fakes, tmp_path):
    fakes.smic(tmp_path, [fakes.Row("s18", "s18_sur_03", 17_581_039, 0, 17_581_070, "")])
    survey = smic.read(tmp_path)
    assert survey.clips[0].label == "surprise"
    assert "row 2: s18_sur_03 is labelled 'negative' in the workbook; its name says surprise" in texts(survey, fatal=False)[0]


def test_text_rows_and_text_counters_do_no_harm(fakes, tmp_path):
    fakes.smic(tmp_path, [fakes.Row("s3", "s3_ne_20", 426_679, 0, 426_700, "")])
    survey = smic.read(tmp_path)
    assert survey.clips[0].key == ("smic", "s03", "s03_ne_20")
    assert "row 3: is no clip: its file name is 'a remark of the authors'" in texts(survey, fatal=False)[0]


def test_short_clips_need_no_workbook(fakes, tmp_path):
    fakes.smic(tmp_path, [fakes.Row("s3", "s3_po_08", 5, 0, 30, "")], workbook=False)
    (clip,) = smic.read(tmp_path).clips
    assert (clip.onset, clip.offset) == (5, 30)


def test_an_empty_clip_is_a_problem_with_its_path(fakes, tmp_path):
    fakes.smic(tmp_path, fakes.full_smic()[:3])
    folder = next((tmp_path / "SMIC_all_cropped/HS").rglob("s2_ne_*"))
    for file in folder.iterdir():
        file.unlink()
    survey = smic.read(tmp_path)
    assert len(survey.clips) == 2
    assert texts(survey, fatal=True) == [f"{folder}: holds 0 images; a clip needs two"]


def test_a_clip_under_the_wrong_label_is_noted(fakes, tmp_path):
    fakes.smic(tmp_path, [fakes.Row("s3", "s3_po_08", 5, 0, 30, "")])
    micro = tmp_path / "SMIC_all_cropped/HS/s3/micro"
    (micro / "positive").rename(micro / "negative")
    survey = smic.read(tmp_path)
    assert survey.clips[0].label == "positive"
    assert "lies under negative, its name says positive" in "".join(texts(survey, fatal=False))


def test_two_copies_of_a_clip_are_a_problem(fakes, tmp_path):
    fakes.smic(tmp_path, [fakes.Row("s3", "s3_po_08", 5, 0, 30, ""), fakes.Row("s03", "s03_po_08", 5, 0, 30, "")])
    survey = smic.read(tmp_path)
    assert len(survey.clips) == 1
    assert "clip s03 s03_po_08 is already given by" in texts(survey, fatal=True)[0]


def test_long_clips_are_cut_by_the_workbook(fakes, tmp_path):
    fakes.smic_long(
        tmp_path, [fakes.Row("s20", "s20_ne_01", 122_100, 0, 122_130, ""), fakes.Row("s3", "s3_sur_01", 90, 0, 120, "")]
    )
    survey = smic.read(tmp_path)
    assert [(c.subject, c.onset, c.offset, len(c.frames)) for c in survey.clips] == [
        ("s03", 90, 120, 31),
        ("s20", 122_100, 122_130, 31),
    ]
    assert texts(survey, fatal=True) == []


def test_a_long_clip_without_a_row_is_a_problem(fakes, tmp_path):
    fakes.smic_long(tmp_path, [fakes.Row("s20", "s20_ne_01", 122_100, 0, 122_130, "")])
    folder = tmp_path / "SMIC-E_raw image/HS_long/SMIC-HS-E/s01/s1_ne_02"
    folder.mkdir(parents=True)
    (problem,) = texts(smic.read(tmp_path), fatal=True)
    assert problem == f"{folder}: is a long clip that the workbook does not list, so its onset is unknown"


def test_long_clips_without_their_workbook_are_refused(fakes, tmp_path):
    fakes.smic_long(tmp_path, [fakes.Row("s20", "s20_ne_01", 122_100, 0, 122_130, "")]).unlink()
    with pytest.raises(DataError, match="but not their workbook SMIC-HS-E_annotation"):
        smic.read(tmp_path)


def test_the_other_cameras_are_not_the_high_speed_one(tmp_path):
    clip = tmp_path / "SMIC_all_cropped" / "VIS" / "s11" / "micro" / "negative" / "s11_ne_01"
    clip.mkdir(parents=True)
    with pytest.raises(DataError, match="holds no clips of SMIC HS; expected SMIC as distributed"):
        smic.read(tmp_path)


def test_a_camera_that_is_named_by_the_given_folder_itself_is_not_the_high_speed_one_either(fakes, tmp_path):
    fakes.smic(tmp_path, [fakes.Row("s11", "s11_ne_01", 5, 0, 30, "")])
    vis = tmp_path / "SMIC_all_cropped" / "VIS"
    with pytest.raises(DataError, match=r"no clips of SMIC HS; .*not the other cameras' clips in .*VIS \(VIS\)"):
        smic.read(vis)
    assert len(smic.read(vis.with_name("HS")).clips) == 1


def test_a_copy_whose_clips_are_whole_goes_before_one_with_an_empty_clip(fakes, tmp_path):
    rows = [fakes.Row("s18", "s18_sur_03", 5, 0, 30, ""), fakes.Row("s3", "s3_po_08", 5, 0, 30, "")]
    fakes.smic(tmp_path, rows)
    cropped, raw = tmp_path / "SMIC_all_cropped", tmp_path / "SMIC_all_raw"
    shutil.copytree(cropped, raw)
    for image in next(cropped.rglob("s18_sur_03")).iterdir():
        image.unlink()
    survey = smic.read(tmp_path)
    assert len(survey.clips) == 2
    assert raw / "HS" in survey.read_from


def test_folders_between_subject_and_clip_may_be_spelt_otherwise_or_absent(fakes, tmp_path):
    fakes.smic(tmp_path, [fakes.Row("s18", "s18_sur_03", 5, 0, 30, ""), fakes.Row("s3", "s3_po_08", 5, 0, 30, "")])
    hs = tmp_path / "SMIC_all_cropped/HS"
    (hs / "s18/micro").rename(hs / "s18/Micro")
    (hs / "s3/micro/positive").rename(hs / "s3/positive")
    assert len(smic.read(tmp_path).clips) == 2


def test_a_workbook_that_cannot_be_read_does_not_keep_short_clips_from_being_read(fakes, tmp_path):
    book = fakes.smic(tmp_path, [fakes.Row("s3", "s3_po_08", 5, 0, 30, "")])
    book.write_bytes(b"PK\x03\x04 half a file")
    survey = smic.read(tmp_path)
    assert len(survey.clips) == 1
    assert "is not used, short clips do not need it" in texts(survey, fatal=False)[0]


def test_a_clip_under_another_subject_is_noted_and_its_name_wins(fakes, tmp_path):
    fakes.smic(tmp_path, [fakes.Row("s3", "s3_po_08", 5, 0, 30, "")])
    hs = tmp_path / "SMIC_all_cropped/HS"
    (hs / "s3").rename(hs / "s4")
    survey = smic.read(tmp_path)
    assert survey.clips[0].subject == "s03"
    assert "lies under s4, its name says s03" in "".join(texts(survey, fatal=False))


def test_a_long_clip_that_the_workbook_lists_twice_is_a_problem(fakes, tmp_path):
    row = fakes.Row("s20", "s20_ne_01", 122_100, 0, 122_130, "")
    fakes.smic_long(tmp_path, [row])
    fakes.smic_workbook(tmp_path, [row, fakes.Row("s20", "s20_ne_01", 122_105, 0, 122_130, "")])
    (problem,) = texts(smic.read(tmp_path), fatal=True)
    assert "row 3: s20_ne_01 is already given by SMIC-HS-E_annotation.xlsx, HS, row 2" in problem


def test_clips_are_spelt_one_way():
    assert [smic.clip_name(text) for text in ("s1_ne_1", "S01_NE_01", "s1_n1")] == ["s01_ne_01", "s01_ne_01", None]
