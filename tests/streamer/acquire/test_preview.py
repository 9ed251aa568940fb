import json

import cv2
import numpy as np
import pytest
import zmq

from ahmsa.types import Frame
from streamer.acquire.preview import Preview


@pytest.fixture
def ends(tmp_path):
    """The page's end, and the capture process's."""
    context = zmq.Context()
    page = context.socket(zmq.SUB)
    page.setsockopt(zmq.LINGER, 0)
    page.bind(f"ipc://{tmp_path}/preview")
    preview = Preview(context, f"ipc://{tmp_path}/preview", "demo")
    yield page, preview
    preview.close()
    context.destroy(linger=0)


def await_interest(page, preview, wanted):
    for _ in range(500):
        if preview.is_wanted() == wanted:
            return
        page.poll(10)  # a socket hears of new peers only while it is used
    raise AssertionError(f"interest never became {wanted}")


def test_nothing_is_encoded_while_nobody_looks(ends, monkeypatch, make_face):
    _, preview = ends
    monkeypatch.setattr(cv2, "imencode", lambda *_: pytest.fail("a picture was encoded"))
    preview.show(Frame(0, 0, np.zeros((480, 640, 3), np.uint8)), [make_face(0)])


def test_a_page_gets_a_small_picture_with_the_place_of_face_and_regions(ends, make_face):
    page, preview = ends
    page.setsockopt(zmq.SUBSCRIBE, b"")
    await_interest(page, preview, True)
    face = make_face(0)
    object.__setattr__(face, "alignment", np.array([[0.5, 0, -64.0], [0, 0.5, -32.0]]))
    preview.show(Frame(7, 123, np.zeros((480, 960, 3), np.uint8)), [face])
    assert page.poll(5000)
    kind, header, jpeg = page.recv_multipart()
    told = json.loads(header)
    assert (kind, told["index"], told["width_px"], told["height_px"]) == (b"frame", 7, 960, 480)
    assert cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR).shape == (240, 480, 3)
    [shown] = told["faces"]
    assert shown["box"][0] == pytest.approx([128 / 960, 64 / 480], abs=1e-3)
    assert shown["box"][2] == pytest.approx([384 / 960, 320 / 480], abs=1e-3)
    assert len(shown["regions"]) == 13


def test_a_movement_is_shown_by_its_onset_and_apex(ends, make_candidate):
    page, preview = ends
    page.setsockopt(zmq.SUBSCRIBE, b"")
    await_interest(page, preview, True)
    preview.pair(make_candidate(event_id="0-3"))
    assert page.poll(5000)
    kind, header, onset, apex = page.recv_multipart()
    assert (kind, json.loads(header)["event_id"], json.loads(header)["source"]) == (b"pair", "0-3", "demo")
    assert {cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE).shape for jpeg in (onset, apex)} == {(128, 128)}
    page.setsockopt(zmq.UNSUBSCRIBE, b"")
    await_interest(page, preview, False)
