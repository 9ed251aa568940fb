import os
import sys
from pathlib import Path

import msgspec
import pytest

from streamer.stream import schema as wire
from streamer.view.board import Board
from streamer.view.lines import LineView, QuietView, line_of, totals

GOLDEN = [wire.decode(line) for line in (Path(__file__).parents[1] / "golden" / "messages.jsonl").read_text().splitlines()]
STATUS = next(message for message in GOLDEN if isinstance(message, wire.StatusMessage))


@pytest.mark.parametrize("message", GOLDEN)
def test_every_message_is_one_line(message):
    line = line_of(message)
    assert "\n" not in line
    assert line.startswith("10:15:0")


def test_a_shut_gate_is_told_with_its_advice():
    assert "too_small: eyes 34 px apart, 40 needed: come closer" in line_of(STATUS)


def test_lines_say_a_state_once_and_leave_the_signal_out():
    lines = []
    view = LineView(Board(), lines.append)
    view.opened("tcp://127.0.0.1:5556")
    later = msgspec.structs.replace(STATUS, seq=7, captured=181, processed=180, fps=30.0)
    for message in (STATUS, later, *GOLDEN[:3], msgspec.structs.replace(STATUS, state="offline", reason="unplugged")):
        view.take(message)
    assert sum("status" in line for line in lines) == 2
    assert sum("emotion" in line for line in lines[2:]) == 2
    assert not [line for line in lines if " motion " in line]


def test_lines_end_where_nobody_reads_them_and_without_a_screen_it_goes_on(monkeypatch):
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        lines, quiet = LineView(Board(), print), QuietView(Board(), print)
        lines.tick()
        os.close(reader)
        quiet.tick()
        with pytest.raises(BrokenPipeError):
            lines.tick()


def test_the_last_lines_count_every_source():
    board = Board()
    assert totals(board) == []
    for message in GOLDEN:
        board.take(message)
    assert totals(board)[0] == "151 frames captured = 150 processed + 1 dropped + 0 waiting"
    board.take(msgspec.structs.replace(STATUS, source="camera1"))
    assert [line.split(":")[0] for line in totals(board)[:2]] == ["demo", "camera1"]
    assert "retracted: macro 1" in totals(board)[2]
