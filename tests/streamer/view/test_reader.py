import errno
import io
import os
import pty
import socket
from pathlib import Path

import pytest

from streamer.view.reader import check_reader


def test_a_pipe_without_a_reader_is_a_broken_pipe_before_anything_is_written():
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as stream:
        check_reader(stream)
        os.close(reader)
        with pytest.raises(BrokenPipeError):
            check_reader(stream)


def test_a_socket_whose_other_end_has_gone_is_a_broken_pipe_too():
    ours, theirs = socket.socketpair()
    with ours, ours.makefile("w") as stream:
        check_reader(stream)
        theirs.close()
        with pytest.raises(BrokenPipeError):
            check_reader(stream)


def test_a_closed_terminal_is_an_input_output_error():
    theirs, ours = pty.openpty()
    with os.fdopen(ours, "w") as stream:
        check_reader(stream)
        os.close(theirs)
        with pytest.raises(OSError, match=os.strerror(errno.EIO)):
            check_reader(stream)


def test_files_devices_and_text_in_memory_are_always_read(tmp_path):
    for path in (tmp_path / "file", Path("/dev/null"), Path("/dev/full")):
        with path.open("w") as stream:
            check_reader(stream)
    check_reader(io.StringIO())
