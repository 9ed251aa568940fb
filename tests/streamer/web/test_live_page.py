"""The page of the real program: the demo runs, movements come with their faces, a marker is set, the program is restarted."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(400)]
BIN = Path(sys.executable).parent


@pytest.fixture
def start_live(tmp_path, start_worker):
    """Starts `ahmsa-live --demo --web` with a fake recogniser; gives the program and the address that it printed."""
    programs = []

    def start(port, *arguments):
        endpoint = f"ipc://{tmp_path}/stream{len(programs)}"
        command = [BIN / "ahmsa-live", "--demo", "--headless", "--web", str(port), "--publish", endpoint, *arguments]
        command += ["--markers", f"ipc://{tmp_path}/markers{len(programs)}", "--worker", start_worker().endpoint]
        environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")}
        programs.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment))
        return programs[-1], programs[-1].stdout.readline().split("page: ")[1].strip()

    yield start
    for program in programs:
        program.terminate()
        program.communicate(timeout=60)


def test_the_demo_is_seen_marked_and_found_again(start_live, page):
    page.set_default_timeout(150_000)
    program, address = start_live(0, "--as-fast-as-possible")
    page.goto(address)
    page.locator("#movements img[alt='the face at the apex']").first.wait_for()
    page.locator("#movements .what", has_text="positive").first.wait_for()
    assert page.locator("#nopicture").is_hidden()
    page.fill("#marktext", "film 3")
    page.click("#markbutton")
    page.get_by_text(re.compile("published .* film 3")).wait_for()
    page.locator("#movements li.marker", has_text="film 3 (page)").wait_for()
    session = page.evaluate("document.documentElement.dataset.session")
    program.terminate()
    program.communicate(timeout=60)
    page.locator("#state", has_text="not connected").wait_for()
    _, again = start_live(int(re.search(r":(\d+)/", address)[1]))
    assert again == address, "the address stays the same"
    page.locator(f"html:not([data-session='{session}'])").wait_for(state="attached")
    page.locator("#nopicture").wait_for(state="hidden")
    assert page.problems == []
