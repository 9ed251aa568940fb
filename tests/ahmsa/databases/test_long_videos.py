"""SAMM Long Videos and CAS(ME)^2 as distributed, invented.

Covers ahmsa.databases.readers.casme2_long, ahmsa.databases.readers.samm_long.
"""

from __future__ import annotations

import openpyxl
import pytest

from ahmsa.databases.readers import casme2_long, samm_long
from ahmsa.errors import DataError
from spotting.evaluate.scoring import labels_of


def save(path, sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, lines in sheets.items():
        sheet = book.create_sheet(name)
        for line in lines:
            sheet.append(line)
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)


def frames(folder, name, numbers):
    folder.mkdir(parents=True)
    for number in numbers:
        (folder / (name % number)).write_bytes(b"x")


SAMM_HEADER = ["Subject", "Filename", "Inducement Code", "Onset", "Apex", "Offset", "Duration", "Type", "Action Units", "Notes"]


def write_samm(root, rows):
    lines = [["a title"], *[[]] * 9, SAMM_HEADER]
    lines += [[clip[:3], clip, 1, onset, apex, offset, "=F1-D1+1", kind, "4", None] for clip, onset, apex, offset, kind in rows]
    save(root / "SAMM_LongVideos_V1_Release.xlsx", {"FACS_Movement_Only": lines})
    for video in sorted({clip.rsplit("_", 1)[0] for clip, *_ in rows} | {"036_9"}):
        frames(root / "SAMM_longvideos" / video, f"{video}_%04d.jpg", range(1, 401))


def write_casme(root, rows):
    lines = [
        [1, video, onset, apex, offset, "4+7", emotion, kind, "self report"]
        for video, onset, apex, offset, emotion, kind in rows
    ]
    naming = {"naming rule1": [[1, "s15"]], "naming rule2": [["0401", "anger1"], [101, "disgustingteeth"]]}
    save(root / "CAS(ME)^2code_final.xlsx", {"CASFEcode_final": lines, **naming})
    frames(root / "rawpic/s15/15_0101disgustingteeth", "img%03d.jpg", range(1, 101))
    frames(root / "rawpic/s15/15_0401girlcrashing", "img%03d.jpg", range(1, 1101))


def test_samm_long_videos_with_their_quirks(tmp_path):
    rows = [("006_1_1", 11, 31, 51, "Macro"), ("006_1_2", 61, -1, 91, "Micro - 1/2"), ("037_4_1", 5, 6, 7, "Micro - 1/2")]
    write_samm(tmp_path, [*rows, ("037_4_1", 100, 120, 160, "Macro")])
    found = samm_long.read(tmp_path)
    assert [video.name for video in found.videos] == ["006_1", "036_9", "037_4"]
    assert (found.count("macro"), found.count("micro")) == (2, 2)
    assert found.videos[1].movements == ()
    macro, micro = labels_of(found.videos[0])
    assert (macro.onset_ms, macro.apex_ms, macro.offset_ms, macro.kind) == (50, 150, 250, "macro")
    assert (micro.onset_ms, micro.apex_ms, micro.offset_ms) == (300, 375, 450)
    assert micro.label is None
    assert "3 videos found, 147 official" in found.problems


def test_emotions_are_joined_from_samm_s_own_workbook(tmp_path):
    write_samm(tmp_path, [("006_1_2", 61, 71, 91, "Micro - 1/2"), ("006_1_3", 161, 171, 191, "Macro")])
    save(
        tmp_path / "SAMM_Micro_FACS_Codes_v2.xlsx", {"MICRO_ONLY": [["Filename", "Estimated Emotion"], ["006_1_2", "Contempt"]]}
    )
    (video, _) = samm_long.read(tmp_path).videos
    assert [(m.kind, m.emotion) for m in video.movements] == [("micro", "contempt"), ("macro", None)]
    assert labels_of(video)[0].label == "negative"


def test_cas_me_squared_is_read_without_a_header(tmp_path):
    rows = [
        ("anger1_1", 557, 572, 608, "negative", "macro-expression"),
        ("anger1_2", 20, 30, 0, "others", "macro-expression"),
        ("disgustingteeth_1", 1, 7, 13, "positive", "micro-expression"),
    ]
    write_casme(tmp_path, rows)
    found = casme2_long.read(tmp_path)
    assert [(video.name, video.subject, len(video.movements)) for video in found.videos] == [
        ("15_0101disgustingteeth", "s15", 1),
        ("15_0401girlcrashing", "s15", 2),
    ]
    first, second = found.videos[1].movements
    assert (first.offset, second.onset) == (30, 557)
    assert any("row 2: no offset, the apex 30 stands in" in note for note in found.notes)
    interval = labels_of(found.videos[0])[0]
    assert (interval.onset_ms, interval.apex_ms, interval.offset_ms) == (0, 200, 400)
    assert (interval.label, interval.kind) == ("positive", "micro")


def test_movements_outside_their_video_and_videos_that_are_not_there_are_problems(tmp_path):
    write_casme(
        tmp_path,
        [
            ("disgustingteeth_1", 90, 95, 130, "positive", "micro-expression"),
            ("unknown_1", 1, 2, 3, "others", "macro-expression"),
        ],
    )
    problems = "\n".join(casme2_long.read(tmp_path).problems)
    assert "row 1: frames 90-130 are not among 1-100 of" in problems
    assert "row 2: no folder of frames for subject 1, video unknown_1" in problems


@pytest.mark.parametrize("read", [samm_long.read, casme2_long.read])
def test_missing_root_and_workbook_say_what_was_expected(tmp_path, read):
    with pytest.raises(DataError, match=r"is not a folder; expected .* as distributed"):
        read(tmp_path / "none")
    with pytest.raises(DataError, match="holds no annotation workbook; expected"):
        read(tmp_path)


def test_a_workbook_without_its_naming_sheets_is_named(tmp_path):
    save(tmp_path / "code_final.xlsx", {"CASFEcode_final": [[1]]})
    with pytest.raises(DataError, match="has no sheet naming rule1, naming rule2"):
        casme2_long.read(tmp_path)
