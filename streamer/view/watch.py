"""What `ahmsa-watch` does: a subscriber that prints."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from ahmsa.printable import printable
from streamer.stream.client import EMOTION, MARKER, SPOT, STATUS, EmotionStream
from streamer.stream.schema import encode
from streamer.view.lines import News, line_of
from streamer.view.reader import check_reader

LINE_TOPICS = (EMOTION, SPOT, MARKER, STATUS)
"""Printed as lines unless topics are named; a status only where it brings a change."""
JSON_TOPICS = (EMOTION, SPOT, MARKER)
"""Printed as JSON unless topics are named."""


def watch(
    endpoint: str,
    topics: Sequence[str] | None,
    *,
    as_json: bool,
    timeout_s: float | None = None,
    stay: bool = False,
    curve: Path | None = None,
    out: TextIO | None = None,
) -> None:
    """Print what happens until the session ends (`stay`: also what comes after it), until Ctrl-C, until the reader of the pipe
    has gone, or (StreamError) after `timeout_s` of silence.

    curve: folder of keys, where the stream is locked. out: where it is printed; None: the standard output.

    topics: prefixes; every message of theirs is printed. None: movements, and as lines also what changes.
    """
    shown = tuple(topics or (JSON_TOPICS if as_json else LINE_TOPICS))
    out = sys.stdout if out is None else out
    news = News()
    lost = skipped = 0
    opened = EmotionStream(
        endpoint, shown, timeout_s=timeout_s, stay=stay, curve=curve, while_waiting=lambda: check_reader(out)
    )
    with opened as stream:
        if not as_json:
            sys.stderr.write(f"listening at {endpoint} for {printable(' '.join(shown))}\n")
        try:
            for message in stream:
                if topics is not None or news.brings(message):
                    out.write((encode(message).decode() if as_json else line_of(message)) + "\n")
                    out.flush()
                if stream.lost.total() > lost:
                    lost = stream.lost.total()
                    sys.stderr.write(f"{lost} messages were lost on the way so far: this reader is too slow\n")
                if stream.skipped > skipped:
                    skipped = stream.skipped
                    sys.stderr.write(f"{skipped} messages of another kind or version were passed over so far\n")
        except BrokenPipeError:
            _end_quietly(out)


def _end_quietly(out: TextIO) -> None:
    """The reader has had enough (`| head`). Python would complain again when it flushes at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())
