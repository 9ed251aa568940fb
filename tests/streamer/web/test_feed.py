"""What one page gets, in which order, and what a slow one loses.

Covers streamer.stream.preview.
"""

import asyncio
import json

import msgspec
import pytest
import zmq

from streamer.stream.preview import FRAME, PAIR


@pytest.fixture
def camera(program):
    """The capture process's end of the preview edge."""
    context = zmq.Context()
    socket = context.socket(zmq.XPUB)
    socket.setsockopt(zmq.LINGER, 0)
    socket.connect(program.preview_endpoint)
    yield socket
    context.destroy(linger=0)


def header(kind, **values):
    return json.dumps({"kind": kind, "source": "demo", **values}).encode()


def data_of(event):
    name, data = event.decode().strip().split("\n")
    return name.removeprefix("event: "), json.loads(data.removeprefix("data: "))


def test_a_page_that_opens_late_gets_the_newest_status_and_the_movements_so_far(program, golden):
    feed = program.server.feed
    later = msgspec.structs.replace(golden["status"][0], captured=999, processed=998)
    program.publish(golden["status"][0], *golden["motion"], *golden["spot"], *golden["marker"], later)

    async def look():
        early, events = feed.listen(), []
        while not events or events[-1].get("captured") != 999:  # what was published is on its way
            events.append(data_of(await anext(early))[1])
        await early.aclose()
        late = feed.listen()
        events = [data_of(await anext(late)) for _ in range(4)]
        await late.aclose()
        return events

    events = asyncio.run(asyncio.wait_for(look(), 60))
    kinds = [message["schema"] for _, message in events]
    assert kinds == ["ahmsa.status/1", "ahmsa.spot/1", "ahmsa.spot/1", "ahmsa.marker/1"], "the signal's past is not kept"
    assert events[0][1]["captured"] == 999
    assert feed.pages == 0


def test_a_slow_page_gets_the_newest_picture_only_and_every_message(program, camera, golden):
    feed = program.server.feed

    async def look():
        slow, quick = feed.listen(), feed.listen()
        program.publish(golden["status"][0])
        for page in (slow, quick):
            await anext(page)
        while not camera.poll(10):
            await asyncio.sleep(0)
        for number in range(3):
            camera.send_multipart([FRAME, header("frame", index=number), b"jpeg"])
            camera.send_multipart([PAIR, header("pair", event_id=str(number)), b"onset", b"apex"])
        camera.send_multipart([PAIR, header("pair", event_id="last"), b"onset", b"apex"])
        while data_of(await anext(quick))[1].get("event_id") != "last":
            pass  # when this page has the last of them, the other one has all before it
        events = [data_of(await anext(slow))[1] for _ in range(5)]
        for page in (slow, quick):
            await page.aclose()
        return events

    events = asyncio.run(asyncio.wait_for(look(), 60))
    assert [one["event_id"] for one in events if one["kind"] == "pair"] == ["0", "1", "2", "last"]
    assert [(one["index"], one["jpeg"]) for one in events if one["kind"] == "frame"] == [(2, "anBlZw==")]
