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
from streamer.stream.markers import Answered, MarkerReply
from streamer.stream.messages import publication_times
from streamer.stream.publisher import Publisher

_STEP_S = 0.05
_NO_PICTURES = "inproc://no-pictures"


def republish(
    folder: Path, settings: StreamSettings, view: View, *, as_fast_as_possible: bool, web_port: int | None = None
) -> None:
    """Publish every message of a recording in its order, at its own pace unless asked otherwise; only the publication times
    are new. web_port: of a page to look at; it shows all but pictures, which are not in a record.

    Raises DataError where the recording cannot be read, StreamError where a port is taken, InterruptError after a signal.
    """
    session = read_session(folder)
    context = zmq.Context()
    publisher, page = None, None
    try:
        publisher = Publisher(context, settings, session.session)
        if web_port is not None:
            from streamer.web.server import PageServer  # brings the web framework, which only the page needs

            page = PageServer(context, web_port, _NO_PICTURES, _refuse_marker)
        view.opened(publisher.endpoint, None, None if page is None else page.address)
        with signals(view.forced) as caught:
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
                if page is not None:
                    page.check()
    finally:
        if page is not None:
            page.close()
        if publisher is not None:
            publisher.close()
        # Half a second for what is still on its way to subscribers.
        context.destroy(linger=500)


def _refuse_marker(
    text: str,  # noqa: ARG001 (whatever it says)
    value: float | None = None,  # noqa: ARG001
    *,
    source: str = "",  # noqa: ARG001
    t_monotonic_ns: int | None = None,  # noqa: ARG001
    answered: Answered | None = None,
) -> None:
    if answered is not None:
        answered(MarkerReply(ok=False, error="a replayed session takes no markers: its record is closed"))


def _wait_until(due_ns: int, view: View, caught: list[int]) -> None:
    until_s = due_ns / 1e9
    while not caught and not view.end_wanted and (left_s := until_s - monotonic()) > 0:
        view.tick()
        sleep(min(left_s, _STEP_S))
