import numpy as np
import pytest

from spotting.settings import SpotterSettings
from streamer.acquire.input_check import InputCheck


def checked(faces, fps=30.0, times_s=None, **about):
    """faces: ids seen in each frame."""
    check = InputCheck(SpotterSettings(), **about)
    for number, ids in enumerate(faces):
        check.see(round(1e9 * (times_s[number] if times_s is not None else number / fps)), ids)
    return check


def test_an_ordinary_video_calls_for_no_word():
    check = checked([[0]] * 300)
    assert check.problem is None
    assert check.remarks == []


@pytest.mark.parametrize(
    ("faces", "fps", "said"),
    [
        ([[]] * 300, 30, "no face was seen in any of its 300 frames"),
        ([], 30, "no face was seen"),
        ([[0]] * 21 + [[]] * 279, 30, "a face was seen for 0.7 of its 10.0 s"),
        ([[0]] * 24, 30, "it lasts 0.8 s"),
        ([[0]] * 200, 12, "12 frames a second"),
    ],
)
def test_where_nothing_could_be_spotted_one_sentence_says_why_and_what_to_do(faces, fps, said):
    problem = checked(faces, fps).problem
    assert said in problem
    assert "nothing could be spotted" in problem
    assert ": " in problem


def test_two_people_of_whom_one_leaves():
    [said] = checked([[0, 1]] * 150 + [[0]] * 150).remarks
    assert said == "2 faces were seen, for 10, 5 of 10 s: each was watched while it was there"


def test_a_face_that_leaves_and_comes_back_under_another_number():
    [said] = checked([[0]] * 150 + [[]] * 60 + [[1]] * 150).remarks
    assert "2 stretches were watched one by one" in said


def test_a_face_that_is_gone_for_a_while():
    [said] = checked([[0]] * 150 + [[]] * 150).remarks
    assert said == "a face was seen for 5 of 10 s: only these were watched"


def test_a_variable_rate_is_told_with_its_range():
    times = np.cumsum([1 / 30] * 150 + [1 / 15] * 50)
    [said] = checked([[0]] * 200, times_s=times).remarks
    assert "unevenly, 15 to 30 a second" in said


def test_a_rate_that_is_just_enough():
    [said] = checked([[0]] * 200, fps=19).remarks
    assert "only 19 frames a second" in said


def test_a_turned_and_a_cut_off_file():
    check = checked([[0]] * 300, turned_deg=90, cut_off="a.mp4 ends after 300 of 900 frames")
    assert [said.split(":")[0] for said in check.remarks] == [
        "the file has its pictures turned by 90 degrees",
        "a.mp4 ends after 300 of 900 frames; what came before was watched",
    ]
