"""Covers streamer.view.help_screen, streamer.view.movements."""

import io
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from streamer.stream import schema as wire
from streamer.stream.schema import RegionMotion
from streamer.view.board import Board
from streamer.view.help_screen import help_screen
from streamer.view.screen import screen

GOLDEN = [wire.decode(line) for line in (Path(__file__).parents[1] / "golden" / "messages.jsonl").read_text().splitlines()]
MOTION = next(message for message in GOLDEN if isinstance(message, wire.MotionMessage))
STATUS = next(message for message in GOLDEN if isinstance(message, wire.StatusMessage))
REGIONS = ("left_brow_inner", "right_brow_outer", "left_nose", "right_nose", "left_lip", "right_lip")


@pytest.fixture
def board():
    board = Board()
    board.endpoint = "tcp://127.0.0.1:5556"
    for message in GOLDEN:
        board.take(message)
    return board


def shown(picture, width, height):
    console = Console(width=width, height=height, file=io.StringIO(), force_terminal=False)
    console.print(picture)
    return console.file.getvalue()


def drawn(board, width=110, height=40):
    return shown(screen(board, width, height, "q end"), width, height)


def test_the_screen_shows_what_a_watcher_needs(board):
    picture = drawn(board)
    for words in (
        *("demo", "● online", "30.0 frames/s", "REC events", "cpu, model 9f3c2a7b", "probabilities calibrated"),
        *("brows", "nose", "mouth", "now / limit, px", "0.11 / 0.40", "-5 s", "now"),
        *("amplitude px", "late ms", "! surprise", "0.82", "1.31", "170", "? abstained: low_confidence"),
        *("rejected by gates: blink 2", "announced and retracted: macro 1"),
        *("151 captured = 150 processed + 0 waiting + dropped (duplicate 1)", "ahmsa-watch tcp://127.0.0.1:5556", "AI Act"),
    ):
        assert words in picture


def test_a_shut_gate_says_by_how_much_and_what_to_do(board):
    picture = drawn(board, 80, 24)
    assert "face 1  ▲ too_small  eyes 34 px apart, 40 needed: come closer" in picture
    assert "face 0  ▲ blink  the eyes blink" in picture, "the spotter's own gate"


def test_advice_that_is_too_long_for_the_console_goes_on_in_the_next_line(board):
    long = wire.ShutGate("too_dark", "brightness of the face 18 of 255, 35 needed: put more light on the face", 18.0, 35.0, 0)
    board.take(msgspec.structs.replace(STATUS, faces=STATUS.faces[:1], shut=[long]))
    lines = drawn(board, 80, 24).splitlines()
    place = next(number for number, line in enumerate(lines) if "too_dark" in line)
    assert lines[place].rstrip().endswith("35 needed:")
    assert lines[place + 1].strip() == "put more light on the face"
    assert len(lines) == 24


def test_each_half_of_the_face_says_what_it_would_find_and_how_long_it_was_watched(board):
    board.take(msgspec.structs.replace(STATUS, faces=STATUS.faces[:1], shut=[]))
    picture = drawn(board, 100, 24)
    assert "upper face  limit 0.22 px, 3.3 ‰ of the eye distance  watched 95%, blink 5%" in picture
    assert "lower face  limit -  nothing can be found now  watched 70%, speech 25%, blink 5%" in picture


def test_calibration_counts_down(board, monkeypatch):
    face = wire.FaceState(0, "calibrating", None, 1200.0)
    board.take(msgspec.structs.replace(STATUS, faces=[face], shut=[]))
    monkeypatch.setattr("streamer.view.screen.monotonic", lambda: board.source.status_s + 0.5)
    assert "calibrating: sit still, 0.7 s left" in drawn(board)


@pytest.mark.parametrize(("width", "height"), [(80, 24), (80, 40), (110, 30), (140, 45), (200, 60)])
@pytest.mark.parametrize("faces", [1, 3])
def test_the_screen_fills_its_console_and_the_rows_stay_in_their_places(board, width, height, faces):
    for second in range(20):
        for face in range(faces):
            regions = {name: RegionMotion(0.1 * (second % 5), 0.4) for name in REGIONS}
            board.take(
                msgspec.structs.replace(MOTION, t_capture_ns=(5 + second) * 10**9, face_id=face, regions=regions, gate=None)
            )
            states = [wire.FaceState(number, "watching") for number in range(faces)]
        board.take(msgspec.structs.replace(STATUS, t_capture_ns=(5 + second) * 10**9, faces=states, shut=[]))
    lines = drawn(board, width, height).splitlines()
    assert max(map(len, lines)) <= width
    assert len(lines) == height
    rows = [line for line in lines if line.lstrip("012 ").startswith(("brows", "nose", "mouth"))]
    expected = 6 if (height, faces) == (24, 3) else 3 * faces
    assert len(rows) == expected, "three rows a face, whatever moves, and as many faces as there is room for"
    assert any("faces not shown: 1" in line for line in lines) == (expected < 3 * faces)
    assert lines[-1].startswith("q end")


@pytest.mark.parametrize("width", [50, 60, 75, 80])
def test_a_narrow_screen_cuts_words_and_never_figures(board, width):
    picture = drawn(board, width)
    for words in ("9.23 s", "! surpr", "0.82", "1.31", "170", "? abstai", "0.11 / 0.40"):
        assert words in picture
    assert max(map(len, picture.splitlines())) <= width


def test_nothing_is_drawn_wrongly_before_the_first_message():
    assert "starting" in drawn(Board(), 80)


def test_what_was_retracted_is_counted_and_does_not_push_results_out(board):
    talker = next(m for m in GOLDEN if isinstance(m, wire.SpotMessage) and m.phase == "retracted")
    for number in range(30):
        board.take(msgspec.structs.replace(talker, event_id=f"t{number}", reason="speech"))
    picture = drawn(board)
    assert "surprise" in picture
    assert "macro 1, speech 30" in picture


def test_the_help_fits_a_small_console_and_explains_keys_and_words(board):
    picture = shown(help_screen(board), 80, 24)
    assert len(picture.splitlines()) <= 24
    for words in ("freeze", "marker", "retracted", "- negative", "amplitude px", "AI Act", "ahmsa-watch tcp://127.0.0.1:5556"):
        assert words in picture


def test_a_row_that_is_not_watched_names_its_gate_in_place_of_figures(board):
    regions = {"left_brow": RegionMotion(0.1, 0.3), "left_lip": RegionMotion(0.2, 0.4, "speech")}
    board.take(msgspec.structs.replace(MOTION, t_capture_ns=10**10, regions=regions, gate=None))
    lines = drawn(board, 80, 24).splitlines()
    assert next(line for line in lines if line.startswith("mouth")).endswith("speech")
    assert next(line for line in lines if line.startswith("brows")).endswith("0.10 / 0.30")
