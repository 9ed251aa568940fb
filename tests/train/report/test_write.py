"""Covers train.report.body, train.report.plots."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import cv2
import msgspec
import numpy as np
import pytest

from train.report.gather import Report, gather
from train.report.write import write_report


@pytest.fixture(scope="module")
def written(finished, ablated, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    report = gather([finished, ablated])
    write_report(report, folder)
    return folder, report


def table_line(markdown: str, start: str) -> str:
    return next(line for line in markdown.splitlines() if line.startswith(start))


def test_our_rows_stand_beside_the_published_ones_with_their_caution(written):
    markdown = (written[0] / "report.md").read_text()
    assert "| AHMSA-Net | 2024 | published, very likely test-selected | .8040/.7821 |" in markdown
    assert "very likely with the epoch chosen on the test subject" in markdown
    final = written[1].entries[0].honest
    pair = "/".join(f"{value:.3f}".removeprefix("0") for value in (final.uf1, final.uar))
    assert table_line(markdown, "| tiny |  | final |").split(" | ")[3] == pair
    assert "| tiny: lesser |  | final |" in markdown


def test_the_optimistic_protocol_never_stands_without_its_name(written):
    markdown, page = ((written[0] / name).read_text() for name in ("report.md", "report.html"))
    for line in markdown.splitlines():
        if re.search(r"\| paper\b", line):
            assert "paper (OPTIMISTIC)" in line
    marked = re.findall(r'<tr class="warning">.*?</tr>', page)
    assert sum("OPTIMISTIC" in row for row in marked) == page.count("<td>paper (OPTIMISTIC)</td>") + page.count(
        '<th scope="row">paper (OPTIMISTIC)</th>'
    )
    assert "points of UF1 and" in markdown


def test_every_picture_is_beside_the_markdown_and_inside_the_page(written):
    folder, _ = written
    linked = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", (folder / "report.md").read_text())
    assert {name.split("-")[0].split(".")[0] for name in linked} == {
        *("protocols", "confusion", "curves", "calibration", "subjects", "ablation")
    }
    for name in linked:
        picture = cv2.imread(str(folder / name))
        assert picture is not None
        assert len(np.unique(picture)) > 10
    page = (folder / "report.html").read_text()
    assert page.count("data:image/png;base64,") == len(linked)


def test_the_page_is_whole_and_needs_nothing_from_elsewhere(written):
    page = (written[0] / "report.html").read_text()
    without_pictures = re.sub(r"data:image/png;base64,[^\"]+", "", page)
    assert not re.search(r"https?://|src=\"[^\"]|<link|<script", without_pictures)
    opened: list[str] = []

    class Checker(HTMLParser):
        def handle_starttag(self, tag, attrs):
            if tag not in ("meta", "img"):
                opened.append(tag)

        def handle_endtag(self, tag):
            assert opened.pop() == tag

    Checker().feed(page)
    assert opened == []


def test_the_json_holds_every_number(written):
    folder, report = written
    assert msgspec.json.decode((folder / "report.json").read_bytes(), type=Report) == report


def test_a_run_of_one_look_has_no_leak_to_speak_of(maps, tiny, tmp_path):
    from train.experiment.runner import run

    once = msgspec.structs.replace(tiny, evaluate_every=100)
    run(maps, once, tmp_path / "once", seeds=[0])
    write_report(gather([tmp_path / "once"]), tmp_path / "report")
    markdown = (tmp_path / "report" / "report.md").read_text()
    assert "`paper` equals `final` here" in markdown
    assert "curves" not in markdown
