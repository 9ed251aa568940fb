from pathlib import Path

import streamer.web
from streamer.stream.disclaimer import DISCLAIMER


def test_the_page_has_the_same_words_as_terminal_and_report():
    page = (Path(streamer.web.__file__).parent / "static" / "page.html").read_text(encoding="utf-8")
    assert DISCLAIMER in " ".join(page.split())
