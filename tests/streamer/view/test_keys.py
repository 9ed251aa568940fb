"""Keys on a terminal of their own."""

import os
import pty
import select
import subprocess
import sys
import termios

import pytest

READER = """
import sys
from streamer.view.keys import Keys

with Keys() as keys:
    print("ready" if keys.available else "none", flush=True)
    pressed = ""
    while keys.available and chr(27) not in pressed:
        pressed += "".join(press.key for press in keys.pressed())
    print(repr(pressed), flush=True)
"""


@pytest.fixture
def terminal():
    """Both ends of a pseudo-terminal."""
    ends = pty.openpty()
    yield ends
    for end in ends:
        os.close(end)


def read_until(end, words):
    text = ""
    while words not in text:
        assert select.select([end], [], [], 30)[0], f"{words!r} did not come; {text!r} did"
        text += os.read(end, 4096).decode()
    return text


def test_keys_come_without_enter_and_without_an_echo_and_the_terminal_is_left_as_it_was(terminal):
    ours, theirs = terminal
    before = termios.tcgetattr(theirs)

    def take_terminal():
        os.setsid()
        import fcntl

        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    reader = subprocess.Popen(
        [sys.executable, "-c", READER], stdin=theirs, stdout=theirs, stderr=theirs, preexec_fn=take_terminal
    )
    read_until(ours, "ready")
    os.write(ours, b"m \x1b[A\x1bOP?q\x1b")
    said = read_until(ours, r"'m ?q\x1b'")
    assert reader.wait(30) == 0
    assert "^[" not in said, "nothing is echoed"
    assert termios.tcgetattr(theirs)[3] == before[3]


def test_there_are_no_keys_where_the_input_is_no_terminal():
    ended = subprocess.run([sys.executable, "-c", READER], input="q", capture_output=True, text=True, timeout=60)
    assert ended.stdout.splitlines() == ["none", "''"]
