"""`ahmsa-live --replay`: a recorded session on the stream again, and on the screen."""

from __future__ import annotations

from pathlib import Path
from time import monotonic, monotonic_ns, sleep

import msgspec
import zmq

from configs.schema import StreamSettings
from streamer.live.interrupts import InterruptError, signals
from streamer.live.options import View
from streamer.session.reader import read_messages, read_session
from streamer.stream.messages import publication_times
from streamer.stream.publisher import Publisher

_STEP_S = 0.05


def republish(folder: Path, settings: StreamSettings, view: View, *, as_fast_as_possible: bool) -> None:
    """Publish every message of a recording in its order, at its own pace unless asked otherwise; only the publication times
    are new. Raises DataError where it cannot be read, InterruptError after a signal."""
    session = read_session(folder)
    context = zmq.Context()
    publisher = None
    try:
        publisher = Publisher(context, settings, session.session)
        view.opened(publisher.endpoint)
        with signals(lambda: None) as caught:
            behind_ns: int | None = None
            for message in read_messages(folder, view.notice):
                behind_ns = monotonic_ns() - message.t_publish_ns if behind_ns is None else behind_ns
                if not as_fast_as_possible:
                    _wait_until(message.t_publish_ns + behind_ns, view, caught)
                if view.end_wanted:
                    break
                if caught:
                    raise InterruptError(caught[0])
                again = msgspec.structs.replace(message, **publication_times())
                publisher.send(again)
                view.take(again)
                view.tick()
    finally:
        if publisher is not None:
            publisher.close()
        # Half a second for what is still on its way to subscribers.
        context.destroy(linger=500)


def _wait_until(due_ns: int, view: View, caught: list[int]) -> None:
    until_s = due_ns / 1e9
    while not caught and not view.end_wanted and (left_s := until_s - monotonic()) > 0:
        view.tick()
        sleep(min(left_s, _STEP_S))
