"""A report as files: report.md with its pictures, report.html in one piece, report.json with every number."""

from __future__ import annotations

from pathlib import Path

import msgspec

from ahmsa.files import write_whole
from train.report.body import body, title
from train.report.gather import Report
from train.report.page import Picture, to_html, to_markdown


def write_report(report: Report, folder: Path) -> None:
    """Write into `folder`, which is made where it is missing; files of an earlier report are replaced."""
    blocks = body(report)
    for block in blocks:
        if isinstance(block, Picture):
            write_whole(folder / block.name, block.png)
    write_whole(folder / "report.md", to_markdown(blocks))
    write_whole(folder / "report.html", to_html(title(report), blocks))
    write_whole(folder / "report.json", msgspec.json.format(msgspec.json.encode(report), indent=1))
