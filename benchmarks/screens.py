"""The pictures of terminal, page and report in the documents: taken from one run of the demo, so that they are never old."""

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
from typing import TYPE_CHECKING

import zmq

from ahmsa.synth import demo_clip
from streamer.acquire.preview import Preview

if TYPE_CHECKING:
    from playwright.sync_api import Page, ViewportSize

ROOT = Path(__file__).parent.parent
TERMINAL = ROOT / "docs" / "terminal.svg"
PAGE, REPORT = ROOT / "docs" / "pictures" / "page.png", ROOT / "docs" / "pictures" / "report.png"
_CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
_SIZE: ViewportSize = {"width": 1500, "height": 980}
_REPORT_WIDTH = 1100
_MOVEMENTS = 4
_FRAMES = 300
_PATIENCE_MS = 240_000


def section() -> str:
    """Write the three pictures; what the run said at its end."""
    programs = Path(sys.executable).parent
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "demo"
        command: list[str | Path] = [programs / "ahmsa-live", "--demo", "--web", "0", "--screenshot", TERMINAL]
        kept: list[str | Path] = ["--record", record.name, "--record-video", "face"]
        # A private folder of its own, so that the address of a page that somebody has open is not used.
        environment = {**os.environ, "XDG_STATE_HOME": folder}
        endpoints = ["--publish", "tcp://127.0.0.1:*", "--markers", f"ipc://{folder}/markers"]
        program = subprocess.Popen(
            [*command, *kept, *endpoints], stdout=subprocess.PIPE, text=True, env=environment, cwd=folder
        )
        assert program.stdout is not None
        try:
            address = next(line for line in program.stdout if line.startswith("page: ")).removeprefix("page: ").strip()
            _photograph_page(address)
            last = program.stdout.read().splitlines()[-1]
        finally:
            program.terminate()
            program.wait()
        subprocess.run([programs / "ahmsa-report", record.name], check=True, stdout=subprocess.DEVNULL, cwd=folder)
        _photograph_report(record / "report" / "report.html")
    return (
        "## Screens\n\n"
        f"The demo as terminal, page and report show it (a generated face). Its last line: {last}. Times in the"
        f" pictures are those of a machine with a load of {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores.\n\n"
        f"A preview picture of 640 x 480 while a page is open: {_picture_ms():.1f} ms of processor time, 12 a second;"
        f" while none is open: {_idle_us():.0f} µs a frame.\n\n"
        "![The terminal at the end of the demo](terminal.svg)\n\n"
        f"![The page after {_MOVEMENTS} movements of the demo](pictures/page.png)\n\n"
        "![The report about the demo, from its top to the timeline](pictures/report.png)"
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


def _photograph_page(address: str) -> None:
    with _browser_page(_SIZE) as page:
        page.goto(address)
        for number in range(1, _MOVEMENTS):
            page.locator("#movements .bars").nth(number - 1).wait_for(timeout=_PATIENCE_MS)
            page.fill("#marktext", f"film {number}")
            page.click("#markbutton")
        page.locator("#movements .bars").nth(_MOVEMENTS - 1).wait_for(timeout=_PATIENCE_MS)
        page.screenshot(path=PAGE)


def _photograph_report(html: Path) -> None:
    """From the top to the end of the timeline, with the pictures of the first two movements only."""
    with _browser_page({"width": _REPORT_WIDTH, "height": 1000}) as page:
        page.goto(html.as_uri())
        page.evaluate("for (const figure of [...document.querySelectorAll('figure.event')].slice(2)) figure.remove()")
        last = page.locator("figure.strip").last.bounding_box()
        assert last is not None, "the demo's report has no timeline"
        page.screenshot(
            path=REPORT, full_page=True, clip={"x": 0, "y": 0, "width": _REPORT_WIDTH, "height": last["y"] + last["height"]}
        )


@contextmanager
def _browser_page(size: ViewportSize) -> Iterator[Page]:
    from playwright.sync_api import sync_playwright

    chromium = next(filter(None, map(shutil.which, _CHROMIUMS)), None)
    if chromium is None:
        sys.exit("the pictures of page and report need Chromium: apt-get install chromium")
    with sync_playwright() as driver:
        # Chromium's sandbox refuses to run as root.
        arguments = ["--no-sandbox"] if hasattr(os, "getuid") and os.getuid() == 0 else []
        browser = driver.chromium.launch(executable_path=chromium, args=arguments)
        yield browser.new_page(viewport=size)
        browser.close()
