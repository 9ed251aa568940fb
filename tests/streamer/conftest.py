"""Fakes small enough to read: a face, a candidate, an answer, a network camera, a video of uneven pace; and a browser."""

import os
import shutil
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import av
import cv2
import numpy as np
import pytest

from ahmsa.synth import clip_of, event
from fake_faces import candidate, face
from fake_recogniser import Recogniser, ThreadWorker


@pytest.fixture
def make_face():
    return face


@pytest.fixture
def make_candidate():
    return candidate


@pytest.fixture(scope="session")
def recogniser():
    return Recogniser()


@pytest.fixture(scope="session")
def smile_mp4(tmp_path_factory):
    """A video of one smile, as a camera's program would write it."""
    path = tmp_path_factory.mktemp("clip") / "smile.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"crf": "12", "preset": "ultrafast"})
        stream.width, stream.height = 640, 480
        for frame in clip_of([event("positive", 2.6, 2.5)], duration_s=3.4, seed=3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame.image, format="bgr24")))
        container.mux(stream.encode())
    return path


@pytest.fixture
def start_worker():
    """Starts workers with a fake recogniser, each in a thread; returns the worker, whose `.stop()` ends it."""
    workers = []

    def start(endpoint="tcp://127.0.0.1:*", recogniser=None):
        workers.append(ThreadWorker(endpoint, recogniser or Recogniser()))
        return workers[-1]

    yield start
    for worker in workers:
        worker.stop()


@pytest.fixture
def start_locked_worker():
    """Starts workers that are locked with the keys of a folder; returns the endpoint."""
    workers = []

    def start(keys):
        workers.append(ThreadWorker("tcp://127.0.0.1:*", Recogniser(), keys))
        return workers[-1].endpoint

    yield start
    for worker in workers:
        worker.stop()


@pytest.fixture
def network_camera():
    """Makes network cameras, and closes them."""
    cameras = []

    def make(*arguments, **values):
        cameras.append(NetworkCamera(*arguments, **values))
        return cameras[-1]

    yield make
    for camera in cameras:
        camera.close()


@pytest.fixture
def write_mkv():
    return _write_mkv


class NetworkCamera:
    """MJPEG over HTTP on the loopback: noise, or the pictures it is given over and over, at about `fps`. It can be unplugged,
    plugged in again, frozen, made to drip byte by byte, and given another size."""

    def __init__(self, pictures=None, fps=50.0, size=(160, 120)):
        self.gone = threading.Event()
        self.frozen = self.dripping = False
        self.size = size
        self._pictures = pictures
        self._period_s = 1 / fps
        camera = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                camera._serve(self)

            def log_message(self, *args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/video"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def unplug(self):
        self.gone.set()

    def plug_in(self):
        self.gone.clear()

    def freeze(self):
        self.frozen = True

    def close(self):
        self.gone.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _serve(self, request):
        if self.gone.is_set():
            request.send_error(503)
            return
        request.send_response(200)
        request.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        request.end_headers()
        number, jpeg = 0, b""
        try:
            while not self.gone.wait(self._period_s):
                if not self.frozen or not jpeg:
                    jpeg = cv2.imencode(".jpg", self._picture(number))[1].tobytes()
                    number += 1
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                self._send(request.wfile, head.encode() + jpeg + b"\r\n")
        except OSError:
            pass  # the client has gone

    def _send(self, line, data):
        sent = 0
        while self.dripping and sent < len(data) and not self.gone.wait(0.02):
            line.write(data[sent : sent + 1])
            sent += 1
        line.write(data[sent:])

    def _picture(self, number):
        if self._pictures is not None:
            return self._pictures[number % len(self._pictures)]
        return np.random.default_rng(number).integers(0, 256, (self.size[1], self.size[0], 3), dtype=np.uint8)


def _write_mkv(path, images, times_ms):
    """Motion JPEG in Matroska, every frame under its own time: OpenCV's writer knows only constant rates."""
    height, width = images[0].shape[:2]
    doctype = _number("4286", 1) + _number("42F7", 1) + _number("42F2", 4) + _number("42F3", 8) + _element("4282", b"matroska")
    head = _element("1A45DFA3", doctype + _number("4287", 2) + _number("4285", 2))
    info = _element("1549A966", _number("2AD7B1", 1_000_000) + _element("4D80", b"test") + _element("5741", b"test"))
    video = _element("E0", _number("B0", width) + _number("BA", height))
    entry = _number("D7", 1) + _number("73C5", 1) + _number("83", 1) + _element("86", b"V_MJPEG") + video
    clusters = [
        _element("1F43B675", _number("E7", t_ms) + _element("A3", b"\x81\0\0\x80" + cv2.imencode(".jpg", image)[1].tobytes()))
        for t_ms, image in zip(times_ms, images, strict=True)
    ]
    segment = _element("18538067", info + _element("1654AE6B", _element("AE", entry)) + b"".join(clusters))
    path.write_bytes(head + segment)


def _element(identifier, payload):
    return bytes.fromhex(identifier) + struct.pack(">Q", (1 << 56) | len(payload)) + payload


def _number(identifier, value):
    return _element(identifier, struct.pack(">Q", value))


@pytest.fixture(scope="module")
def browser():
    """One for a file of tests: while it runs, Playwright holds the event loop of the process."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        pytest.skip("no Chromium is installed: apt-get install chromium")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        # The sandbox refuses to run as root, as tests in a container do.
        arguments = ["--no-sandbox"] if hasattr(os, "getuid") and os.getuid() == 0 else []
        browser = driver.chromium.launch(executable_path=chromium, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def page(browser):
    """A page whose script errors and refused loads are collected in `page.problems`."""
    page = browser.new_page(viewport={"width": 1500, "height": 950})
    page.set_default_timeout(60_000)
    page.problems = []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("console", lambda message: page.problems.append(message.text) if "Content Security" in message.text else None)
    yield page
    page.close()
