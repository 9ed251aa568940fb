"""What `ahmsa-watch` does: a subscriber that prints."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from streamer.client import EMOTION, MARKER, SPOT, STATUS, EmotionStream
from streamer.lines import line_of
from streamer.wire import encode

DEFAULT_TOPICS = (EMOTION, SPOT, MARKER, STATUS)


def watch(endpoint: str, topics: Sequence[str], *, as_json: bool, timeout_s: float | None) -> None:
    """Print messages until Ctrl-C, until the reader of the pipe has gone, or (StreamError) after `timeout_s` of silence."""
    lost = skipped = 0
    with EmotionStream(endpoint, topics, timeout_s=timeout_s) as stream:
        if not as_json:
            sys.stderr.write(f"listening at {endpoint} for {' '.join(topics)}\n")
        try:
            for message in stream:
                sys.stdout.write((encode(message).decode() if as_json else line_of(message)) + "\n")
                sys.stdout.flush()
                if stream.lost.total() > lost:
                    lost = stream.lost.total()
                    sys.stderr.write(f"{lost} messages were lost on the way so far: this reader is too slow\n")
                if stream.skipped > skipped:
                    skipped = stream.skipped
                    sys.stderr.write(f"{skipped} messages of another kind or version were passed over so far\n")
        except BrokenPipeError:
            # The reader has had enough (`| head`). Python would complain again when it flushes at the end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
