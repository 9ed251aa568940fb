"""The page as a person sees it, in headless Chromium.

Covers streamer.web.app, streamer.web.server.
"""

import msgspec
import numpy as np
import pytest
import zmq

from ahmsa.types import Frame
from streamer.acquire.preview import Preview

pytestmark = pytest.mark.browser


@pytest.fixture
def preview(program):
    context = zmq.Context()
    preview = Preview(context, program.preview_endpoint, "demo")
    yield preview
    preview.close()
    context.destroy(linger=0)


def test_the_page_shows_what_happens_and_sets_a_marker(program, page, golden):
    page.goto(program.address)
    program.publish(*golden["status"], *golden["motion"], *golden["spot"], *golden["emotion"], *golden["marker"])
    page.get_by_text("! surprise").first.wait_for()
    movements = page.locator("#movements").inner_text()
    for words in ("? no label: low_confidence", "× retracted: macro", "amplitude 1.31 px", "170 ms after the apex", "film 3"):
        assert words in movements
    assert "too_small: eyes 34 px apart, 40 needed: come closer" in page.locator("#gates").inner_text()
    limits = page.locator("#limits").inner_text()
    assert "0.22 px, 3.3 ‰ of the eye distance; watched 95 % of the last minute (else blink 5 %)" in limits
    assert "nothing can be found now; watched 70 %" in limits
    assert "151 captured = 150 processed" in page.locator("#account").inner_text()
    assert page.locator("#state").inner_text() == "online"
    page.fill("#marktext", "baseline")
    page.click("#markbutton")
    page.get_by_text("recorded: baseline at 12.50 s").wait_for()
    assert program.marks == [("baseline", None, "page")]
    assert page.problems == []


def test_the_page_shows_the_picture_while_it_is_open_and_only_then(program, page, golden, preview, make_candidate):
    picture = Frame(1, 0, np.full((240, 320, 3), (0, 0, 255), np.uint8))
    assert not preview.is_wanted()
    page.goto(program.address)
    program.publish(*golden["status"])
    page.locator("#state", has_text="online").wait_for()
    page.evaluate(
        "window.red = () => { const c = document.getElementById('picture'); "
        "return c.getContext('2d').getImageData(5, 5, 1, 1).data[0]; }"
    )
    for _ in range(200):
        preview.show(picture, [])
        preview.pair(make_candidate(event_id="0-9"))
        if page.evaluate("window.red()") > 200 and page.locator("img[alt='the face at the apex']").count():
            break
        page.wait_for_timeout(50)
    assert page.evaluate("window.red()") > 200
    assert page.locator("li[data-event='0-9'] img").count() == 2
    assert page.locator("#nopicture").is_hidden()
    assert page.problems == []
    page.goto("about:blank")
    for _ in range(200):
        if not preview.is_wanted():
            break
        page.wait_for_timeout(50)
    assert not preview.is_wanted(), "nothing is encoded once the page is closed"


def test_an_open_page_finds_its_program_again_after_a_restart(start_program, page, golden):
    first = start_program()
    page.goto(first.address)
    first.publish(*golden["status"], *golden["emotion"])
    page.get_by_text("! surprise").first.wait_for()
    first.close()
    page.locator("#state", has_text="not connected").wait_for()
    second = start_program(port=first.port, session="second")
    again = msgspec.structs.replace(golden["status"][0], source="camera0")
    for _ in range(200):
        second.publish(again)
        if page.locator("#source").inner_text() == "camera0":
            break
        page.wait_for_timeout(100)
    assert page.locator("#source").inner_text() == "camera0"
    assert page.locator("#movements li").count() == 0, "another session begins with an empty list"
    assert page.problems == []


def test_of_several_sources_one_is_looked_at(program, page, golden):
    page.goto(program.address)
    [status] = golden["status"]
    program.publish(status, msgspec.structs.replace(status, source="camera1", state="offline", reason="unplugged"))
    page.locator("#sources button", has_text="camera1").click()
    page.locator("#state", has_text="offline").wait_for()
    assert "unplugged" in page.locator("#gates").inner_text()
    page.locator("#sources button", has_text="demo").click()
    page.locator("#state", has_text="online").wait_for()
    assert page.problems == []
