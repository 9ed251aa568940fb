import msgspec
import pytest

from streamer.selftest.advice import advise
from streamer.selftest.summary import HalfSummary, Summary

HALF = HalfSummary(recall=[], found_80_px=0.8, limit_px=0.3, blind_share=0.0, blind_by_gate={})
GOOD = Summary(
    name="a",
    minutes=0.75,
    rate_hz=30.0,
    interocular_px=100.0,
    luma=120.0,
    head_px_s=4.0,
    talking_share=0.0,
    movements=60,
    by_chance=0,
    recall=[],
    found_80_px=0.8,
    alarms=0,
    alarms_per_minute=0.0,
    halves={"upper": HALF, "lower": HALF},
    remarks=[],
)


def but(**changes):
    return advise(msgspec.structs.replace(GOOD, **changes))


def test_where_all_is_well_it_says_so():
    assert but() == ["This camera, light and person are fine for movements from a pixel on."]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"luma": 40.0}, "Brightness of the face 40 of 255, better more than 70: put more light on the face."),
        ({"interocular_px": 50.0}, "Eyes 50 px apart, better more than 80: come closer"),
        ({"rate_hz": 24.0}, "24.0 new frames a second, better more than 27: add light"),
        ({"head_px_s": 30.0}, "The head moves 30 px a second, better less than 15: keep the head still."),
        ({"found_80_px": None}, "less noise or compression"),
    ],
)
def test_each_weakness_has_its_sentence(change, said):
    assert said in but(**change)[0]


def test_what_hides_most_comes_first_and_no_more_than_two_sentences_are_said():
    shut = msgspec.structs.replace(HALF, blind_by_gate={"too_dark": 0.15, "head_motion": 0.4, "blink": 0.3, "blurred": 0.02})
    said = but(halves={"upper": HALF, "lower": shut}, luma=40.0)
    assert len(said) == 2
    assert said[0].startswith("In 40% of the time the head moves")
    assert said[1].startswith("In 15% of the time the face is too dark")
