"""The pictures of the terminal and of the page in the documents: taken from one run of the demo, so that they are never old."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from statistics import median
from time import thread_time

import zmq

from ahmsa.synth import demo_clip
from streamer.acquire.preview import Preview

ROOT = Path(__file__).parent.parent
TERMINAL, PAGE = ROOT / "docs" / "terminal.svg", ROOT / "docs" / "pictures" / "page.png"
_CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
_SIZE = {"width": 1500, "height": 980}
_MOVEMENTS = 4
_FRAMES = 300
_PATIENCE_MS = 240_000


def section() -> str:
    """Write both pictures; what the run said at its end."""
    with tempfile.TemporaryDirectory() as folder:
        command = [Path(sys.executable).parent / "ahmsa-live", "--demo", "--web", "0", "--screenshot", TERMINAL]
        # A private folder of its own, so that the address of a page that somebody has open is not used.
        environment = {**os.environ, "XDG_STATE_HOME": folder}
        endpoints = ["--publish", "tcp://127.0.0.1:*", "--markers", f"ipc://{folder}/markers"]
        program = subprocess.Popen([*command, *endpoints], stdout=subprocess.PIPE, text=True, env=environment)
        assert program.stdout is not None
        try:
            address = next(line for line in program.stdout if line.startswith("page: ")).removeprefix("page: ").strip()
            _photograph(address)
            last = program.stdout.read().splitlines()[-1]
        finally:
            program.terminate()
            program.wait()
    return (
        "## Screens\n\n"
        f"The demo as terminal and page show it (a generated face). Its last line: {last}. Times in the pictures are those of"
        f" a machine with a load of {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores.\n\n"
        f"A preview picture of 640 x 480 while a page is open: {_picture_ms():.1f} ms of processor time, 12 a second;"
        f" while none is open: {_idle_us():.0f} µs a frame.\n\n"
        "![The terminal at the end of the demo](terminal.svg)\n\n"
        f"![The page after {_MOVEMENTS} movements of the demo](pictures/page.png)"
    )


def _picture_ms() -> float:
    """Median processor time of a frame whose picture is sent."""
    with _preview() as (page, preview):
        page.setsockopt(zmq.SUBSCRIBE, b"")
        sent = []
        for frame in islice(demo_clip(), _FRAMES):
            start_s = thread_time()
            preview.show(frame, [])
            spent_s = thread_time() - start_s
            if page.poll(5):
                page.recv_multipart()
                sent.append(1000 * spent_s)
    return median(sent)


def _idle_us() -> float:
    """Median processor time of a frame while nobody looks."""
    with _preview() as (_, preview):
        times = []
        for frame in islice(demo_clip(), _FRAMES):
            start_s = thread_time()
            preview.show(frame, [])
            times.append(1e6 * (thread_time() - start_s))
    return median(times)


@contextmanager
def _preview() -> Iterator[tuple[zmq.Socket[bytes], Preview]]:
    """The page's end and the capture process's end of a preview edge."""
    context = zmq.Context()
    page = context.socket(zmq.SUB)
    port = page.bind_to_random_port("tcp://127.0.0.1")
    preview = Preview(context, f"tcp://127.0.0.1:{port}", "demo")
    try:
        yield page, preview
    finally:
        context.destroy(linger=0)


def _photograph(address: str) -> None:
    from playwright.sync_api import sync_playwright

    chromium = next(filter(None, map(shutil.which, _CHROMIUMS)), None)
    if chromium is None:
        sys.exit("the page's picture needs Chromium: apt-get install chromium")
    with sync_playwright() as driver:
        # Chromium's sandbox refuses to run as root.
        arguments = ["--no-sandbox"] if hasattr(os, "getuid") and os.getuid() == 0 else []
        browser = driver.chromium.launch(executable_path=chromium, args=arguments)
        page = browser.new_page(viewport=_SIZE)
        page.goto(address)
        page.locator("#movements .bars").nth(1).wait_for(timeout=_PATIENCE_MS)
        page.fill("#marktext", "film 3")
        page.click("#markbutton")
        page.locator("#movements .bars").nth(_MOVEMENTS - 1).wait_for(timeout=_PATIENCE_MS)
        page.screenshot(path=PAGE)
        browser.close()
