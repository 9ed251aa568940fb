"""SMIC as distributed, invented."""

from __future__ import annotations

import pytest

from ahmsa.errors import DataError
from train.databases import smic


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


def test_clips_are_spelt_one_way():
    assert [smic.clip_name(text) for text in ("s1_ne_1", "S01_NE_01", "s1_n1")] == ["s01_ne_01", "s01_ne_01", None]
