"""Covers ahmsa.palette."""

import pytest

from ahmsa.palette import GREY
from streamer.view.board import Bin
from streamer.view.curves import bar, curve, marks_line, time_axis


def bins(*parts, gate=None):
    return [Bin(number, part, 1.0, gate) for number, part in enumerate(parts)]


def test_a_curve_turns_orange_at_its_threshold_and_is_blank_where_nothing_was_measured():
    [line] = curve(bins(0.0, 0.5, 1.0), now_number=3, cells=5, lines=1)
    assert line.plain == " ▁▂▅ ", "one bin before the first, and the newest, have no sample"
    assert [span.style for span in line.spans][-1] == "bold #E69F00"


def test_a_tall_curve_fills_its_lines_from_below():
    upper, lower = curve(bins(0.5, 1.6), now_number=1, cells=2, lines=2)
    assert (upper.plain, lower.plain) == (" ▇", "▅█")


def test_a_curve_is_grey_while_a_gate_is_shut():
    [line] = curve(bins(0.5, gate="speech"), now_number=0, cells=1, lines=1)
    assert [span.style for span in line.spans] == ["bright_black"]


def test_events_and_seconds_stand_below_their_moment():
    assert marks_line({4: ("+", GREY)}, now_number=6, cells=5).plain == "  +  "
    axis = time_axis(80).plain
    assert len(axis) == 80
    assert axis.endswith("now")
    assert axis.index("-5 s") + len("-5 s") - 1 == 80 - 1 - 33, "5 s are 33 bins"


@pytest.mark.parametrize("value", [0.0, 0.01, 0.5, 0.999, 1.0])
def test_a_bar_keeps_its_length(value):
    assert len(bar(value, "red", 8)) == 8 + len(" 0.00")
