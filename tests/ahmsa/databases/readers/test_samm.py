"""SAMM as distributed, invented."""

from __future__ import annotations

import pytest

from ahmsa.databases.readers import samm


def read_one(fakes, root, *rows):
    fakes.samm(root, rows)
    survey = samm.read(root)
    return survey, [str(problem) for problem in survey.problems]


def test_the_full_database_meets_the_official_totals(fakes, tmp_path):
    fakes.samm(tmp_path, fakes.full_samm())
    survey = samm.read(tmp_path)
    assert survey.complete
    assert survey.counts == {"negative": 92, "positive": 26, "surprise": 15}
    assert "025" not in survey.subjects
    assert survey.problems == []


def test_four_and_five_digit_names_are_found_by_number(fakes, tmp_path):
    rows = [fakes.Row("006", "006_1_2", 562, 600, 640, "Anger"), fakes.Row("006", "006_3_4", 562, 600, 640, "Happiness")]
    survey, problems = read_one(fakes, tmp_path, *rows)
    assert [clip.frames[600].name for clip in survey.clips] == ["006_00600.jpg", "006_0600.jpg"]
    assert problems == []


def test_the_row_number_counts_the_preamble(fakes, tmp_path):
    _, problems = read_one(fakes, tmp_path, fakes.Row("006", "006_1_2", 5, 9, 20, "Wonder"))
    assert problems[0].startswith("SAMM_Micro_FACS_Codes_v2.xlsx, MICRO_ONLY, row 15: unknown emotion 'wonder'")


@pytest.mark.parametrize(("apex", "why"), [(-1, "no apex frame"), (480, "apex 480 lies before the onset")])
def test_an_apex_outside_the_clip_is_left_to_the_apex_rule(fakes, tmp_path, apex, why):
    survey, problems = read_one(fakes, tmp_path, fakes.Row("028", "028_4_1", 500, apex, 560, "Anger"))
    assert survey.clips[0].apex is None
    assert why in problems[0]


def test_folders_may_lack_their_zeros(fakes, tmp_path):
    fakes.samm(tmp_path, [fakes.Row("006", "006_1_2", 562, 600, 640, "Anger"), fakes.Row("013", "013_1_2", 5, 9, 20, "Anger")])
    (tmp_path / "SAMM/006/006_1_2").rename(tmp_path / "SAMM/006/6_1_2")
    (tmp_path / "SAMM/006").rename(tmp_path / "SAMM/6")
    survey = samm.read(tmp_path)
    assert [clip.name for clip in survey.clips] == ["006_1_2", "013_1_2"]


def test_an_apex_after_the_offset_is_left_to_the_apex_rule(fakes, tmp_path):
    survey, problems = read_one(fakes, tmp_path, fakes.Row("011", "011_4_2", 500, 999, 560, "Anger"))
    assert survey.clips[0].apex is None
    assert "apex 999 lies after the offset 560" in problems[0]


def test_the_mistyped_offset_is_put_right_and_noted(fakes, tmp_path):
    fakes.samm(tmp_path, [fakes.Row("013", "013_1_9", 5658, 5700, 5739, "Anger")])
    typed = fakes.Row("013", "013_1_9", 5658, 5700, 5793, "Anger")
    fakes.samm(tmp_path / "typed", [typed])
    book = tmp_path / "typed" / "SAMM_Micro_FACS_Codes_v2.xlsx"
    book.replace(tmp_path / book.name)
    survey = samm.read(tmp_path)
    assert survey.clips[0].offset == 5739
    assert "offset 5793 of 013_1_9 is mistyped, 5739 is used" in str(survey.problems[0])


def test_subjects_and_clips_are_spelt_one_way():
    assert [samm.subject_name(text) for text in ("6", "006", " 06 ", "x")] == ["006", "006", "006", None]
    assert [samm.clip_name(text) for text in ("6_1_2", "006_1_2")] == ["006_1_2", "006_1_2"]
