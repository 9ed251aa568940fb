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
    feed = program.server._feed
    later = msgspec.structs.replace(golden["status"][0], captured=999, processed=998)
    program.publish(golden["status"][0], *golden["motion"], *golden["spot"], *golden["marker"], later)

    async def first(count):
        page = feed.listen()
        events = [data_of(await anext(page)) for _ in range(count)]
        await page.aclose()
        return events

    for _ in range(200):  # what was published is on its way
        if len(feed._past) == 3:
            break
        asyncio.run(asyncio.sleep(0.05))
    events = asyncio.run(first(4))
    kinds = [message["schema"] for _, message in events]
    assert kinds == ["ahmsa.status/1", "ahmsa.spot/1", "ahmsa.spot/1", "ahmsa.marker/1"], "the signal's past is not kept"
    assert events[0][1]["captured"] == 999
    assert feed.pages == 0


def test_a_slow_page_gets_the_newest_picture_only_and_every_message(program, camera, golden):
    feed = program.server._feed

    async def look():
        page = feed.listen()
        program.publish(golden["status"][0])
        await anext(page)
        while not camera.poll(10):
            await asyncio.sleep(0)
        for number in range(3):
            camera.send_multipart([FRAME, header("frame", index=number), b"jpeg"])
            camera.send_multipart([PAIR, header("pair", event_id=str(number)), b"onset", b"apex"])
        while len(next(iter(feed._pages))._waiting) < 3:
            await asyncio.sleep(0.01)
        events = [data_of(await anext(page)) for _ in range(4)]
        await page.aclose()
        return events

    events = asyncio.run(asyncio.wait_for(look(), 60))
    assert [one.get("event_id") for _, one in events] == ["0", "1", "2", None]
    assert (events[-1][1]["index"], events[-1][1]["jpeg"]) == (2, "anBlZw==")
