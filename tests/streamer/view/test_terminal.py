"""Covers streamer.view.marker_line and streamer.stream.mark."""

import io
import os
import pty
from pathlib import Path
from time import monotonic

import pytest
from rich.console import Console

from ahmsa.errors import RunError
from streamer.stream import schema as wire
from streamer.view.board import Board
from streamer.view.keys import KeyPress
from streamer.view.terminal import TerminalView, save_svg

GOLDEN = [wire.decode(line) for line in (Path(__file__).parents[1] / "golden" / "messages.jsonl").read_text().splitlines()]
LEAVE_ALTERNATE_SCREEN = "\x1b[?1049l"


class PressedKeys:
    """Keys that are pressed one by one."""

    available = True

    def __init__(self):
        self.next = ""
        self.given_back = False

    def give_back(self):
        self.given_back = True

    def pressed(self):
        pressed, self.next = self.next, ""
        return [KeyPress(key, 1_000 + place) for place, key in enumerate(pressed)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


@pytest.fixture
def keys(monkeypatch):
    keys = PressedKeys()
    monkeypatch.setattr("streamer.view.terminal.Keys", lambda: keys)
    return keys


@pytest.fixture
def board():
    board = Board()
    for message in GOLDEN:
        board.take(message)
    return board


@pytest.fixture
def opened(board, keys):
    """A view on a terminal of 100 x 30, and what it has written since the last look."""
    console = Console(file=io.StringIO(), force_terminal=True, width=100, height=30, color_system="truecolor")
    marks = []
    view = TerminalView(board, console)
    view.opened("tcp://127.0.0.1:5556", lambda text, *, t_monotonic_ns: marks.append((text, t_monotonic_ns)))
    view.marks = marks

    def written():
        text = console.file.getvalue()
        console.file.seek(0)
        console.file.truncate()
        return text

    yield view, written
    view.closed()


def test_the_last_picture_stays_after_the_alternate_screen_is_left(opened):
    view, written = opened
    view.notice("the worker process died (killed by SIGKILL); it is being started again")
    view.closed()
    assert "killed by SIGKILL" in written().split(LEAVE_ALTERNATE_SCREEN)[-1]


def test_q_asks_for_the_end(opened, keys):
    view, _ = opened
    keys.next = "q"
    view.tick()
    assert view.end_wanted


def test_m_asks_for_a_text_and_the_marker_has_the_moment_of_the_key(opened, keys):
    view, written = opened
    keys.next = "  m"
    view.tick()
    assert "marker: █   Enter sets it (key 1 without a text)" in written()
    keys.next = "film qx\x7f 3\r"
    view.tick()
    assert (view.marks, view.end_wanted) == ([("film q 3", 1_002)], False)
    assert "m mark" in written()


@pytest.fixture
def later(monkeypatch):
    """Lets so much time pass that a picture is due again."""
    return lambda: monkeypatch.setattr("streamer.view.terminal.monotonic", lambda: monotonic() + 3600)


def test_enter_alone_gives_a_marker_its_number_and_escape_sets_none(opened, keys):
    view, _ = opened
    keys.next = "mno\x1bm\r"
    view.tick()
    assert view.marks == [("key 1", 1_004)]
    keys.next = "m  \r"
    view.tick()
    assert view.marks[1:] == [("key 2", 1_000)]


def test_space_freezes_the_picture_while_messages_go_on(opened, keys, later):
    view, written = opened
    keys.next = " "
    view.tick()
    assert "GO ON" in written()
    later()
    view.tick()
    assert written() == "", "nothing is drawn while it is frozen"
    keys.next = " "
    view.tick()
    assert "freeze" in written()


def test_a_question_mark_shows_what_keys_and_words_mean(opened, keys):
    view, written = opened
    keys.next = "?"
    view.tick()
    assert "ahmsa live: help" in written()
    keys.next = "?"
    view.tick()
    assert "now / limit, px" in written()


def test_a_terminal_that_was_closed_ends_the_run_and_nothing_more_is_written_to_it(board, keys, later):
    class Closed(io.StringIO):
        def write(self, text):
            raise OSError(5, "Input/output error")

    console = Console(file=io.StringIO(), force_terminal=True, width=100, height=30)
    view = TerminalView(board, console)
    view.opened("tcp://127.0.0.1:5556")
    console.file = Closed()
    later()
    with pytest.raises(OSError, match="Input/output"):
        view.tick()
    view.closed()


def test_a_forced_end_restores_the_terminal_past_all_buffers(board, keys):
    theirs, ours = pty.openpty()
    with os.fdopen(ours, "w") as file:
        view = TerminalView(board, Console(file=file, force_terminal=True, width=100, height=30))
        view.opened("tcp://127.0.0.1:5556")
        file.write("half a picture")
        view.forced()
        assert keys.given_back
        shown = b""
        while not shown.endswith(b"\x1b[?1049l\x1b[?25h"):
            shown += os.read(theirs, 1 << 16)
    os.close(theirs)


def test_the_picture_can_be_kept_as_svg(board, tmp_path):
    save_svg(board, tmp_path / "screen.svg")
    assert "<svg" in (tmp_path / "screen.svg").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["screen.svg"]


def test_a_picture_that_cannot_be_written_is_one_sentence(board, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match=r"screen\.svg cannot be written"):
        save_svg(board, tmp_path / "file" / "screen.svg")
