import io
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from ahmsa.errors import RunError
from streamer import wire
from streamer.board import Board
from streamer.lines import LineView, line_of
from streamer.terminal import TerminalView, bar, save_svg, screen, sparkline
from streamer.wire import RegionMotion

GOLDEN = [wire.decode(line) for line in (Path(__file__).parent / "golden" / "messages.jsonl").read_text().splitlines()]


@pytest.fixture
def board():
    board = Board()
    board.endpoint = "tcp://127.0.0.1:5556"
    for message in GOLDEN:
        board.take(message)
    return board


def drawn(board, width, height=40):
    console = Console(width=width, file=io.StringIO(), force_terminal=False)
    console.print(screen(board, width, height))
    return console.file.getvalue()


def test_the_screen_shows_what_a_watcher_needs(board):
    picture = drawn(board, 110)
    for words in (
        *("demo", "● online", "30.0 fps", "REC events", "face 0 watching", "cpu, model 9f3c2a7b"),
        *("left brow", "0.11 / 0.40 px", "blink"),
        *("surprise", "0.82", "cal.", "1.31", "170", "abstained: low_confidence"),
        *("151 captured = 150 processed + 0 waiting + dropped duplicate 1", "ahmsa-watch tcp://127.0.0.1:5556", "AI Act"),
    ):
        assert words in picture


@pytest.mark.parametrize(("width", "height"), [(80, 24), (80, 40), (110, 30), (160, 50)])
def test_the_screen_fits_its_console(board, width, height):
    motion = next(message for message in GOLDEN if isinstance(message, wire.MotionMessage))
    regions = {f"region {number}": RegionMotion(0.1 * number, 0.4) for number in range(8)}
    board.signals.clear()
    board.take(msgspec.structs.replace(motion, regions=regions))
    lines = drawn(board, width, height).splitlines()
    assert max(map(len, lines)) <= width
    assert len(lines) <= height
    assert "region 7" in "".join(lines), "the liveliest region has its line on any screen"


@pytest.mark.parametrize("width", [50, 60, 75, 80])
def test_a_narrow_screen_cuts_words_and_never_figures(board, width):
    picture = drawn(board, width)
    for words in ("4.00 s", "surpr", "0.82", "cal.", "1.31", "170", "abstai"):
        assert words in picture
    assert max(map(len, picture.splitlines())) <= width


def test_nothing_is_drawn_wrongly_before_the_first_message():
    assert "starting" in drawn(Board(), 80)


def test_what_was_taken_back_is_counted_and_does_not_push_results_out(board):
    talker = next(m for m in GOLDEN if isinstance(m, wire.SpotMessage) and m.phase == "retracted")
    for number in range(30):
        board.take(msgspec.structs.replace(talker, event_id=f"t{number}", reason="speech"))
    picture = drawn(board, 110)
    assert "surprise" in picture
    assert "macro 1, speech 30" in picture


def test_the_board_does_not_grow_without_limit(board):
    emotion = GOLDEN[0]
    for number in range(1000):
        board.take(msgspec.structs.replace(emotion, event_id=f"e{number}"))
    assert len(board.events) == len(board.emotions) == 200
    assert "e999" in board.events


def test_a_sparkline_reaches_red_at_its_threshold():
    line = sparkline([RegionMotion(value, 1.0) for value in (0.0, 0.0, 0.5, 0.4, 0.2, 1.0)], cells=10)
    assert len(line) == 3
    assert [span.style for span in line.spans] == ["cyan", "cyan", "bold red"]


@pytest.mark.parametrize("value", [0.0, 0.01, 0.5, 0.999, 1.0])
def test_a_bar_keeps_its_length(value):
    assert len(bar(value, "red", 8)) == 8 + len(" 0.00")


def test_the_picture_can_be_kept_as_svg(board, tmp_path):
    save_svg(board, tmp_path / "screen.svg")
    assert "<svg" in (tmp_path / "screen.svg").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["screen.svg"]


def test_a_picture_that_cannot_be_written_is_one_sentence(board, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match=r"screen\.svg cannot be written"):
        save_svg(board, tmp_path / "file" / "screen.svg")


def test_frames_in_which_nothing_could_be_spotted_are_counted_by_gate():
    board, status = Board(), next(m for m in GOLDEN if isinstance(m, wire.StatusMessage))
    for processed, flags in ((10, ["no_face"]), (30, []), (90, ["low_frame_rate", "blurred"]), (5, ["no_face"])):
        board.take(msgspec.structs.replace(status, processed=processed, flags=flags))
    assert board.shut == {"no_face": 10, "low_frame_rate": 60, "blurred": 60}


def test_the_last_picture_stays_on_the_screen():
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    view = TerminalView(Board(), console)
    view.opened("tcp://127.0.0.1:5556")
    for message in GOLDEN:
        view.take(message)
    view.notice("the worker process died (killed by SIGKILL); it is being started again")
    view.closed()
    assert "killed by SIGKILL" in console.file.getvalue()


@pytest.mark.parametrize("message", GOLDEN)
def test_every_message_is_one_line(message):
    line = line_of(message)
    assert "\n" not in line
    assert line.startswith("10:15:0")


def test_lines_say_a_state_once_and_leave_the_signal_out():
    lines = []
    view = LineView(Board(), lines.append)
    view.opened("tcp://127.0.0.1:5556")
    status = next(m for m in GOLDEN if isinstance(m, wire.StatusMessage))
    for message in (status, status, *GOLDEN[:3], msgspec.structs.replace(status, state="offline", reason="unplugged")):
        view.take(message)
    assert sum("status" in line for line in lines) == 2
    assert sum("emotion" in line for line in lines[2:]) == 2
    assert not [line for line in lines if " motion " in line]
