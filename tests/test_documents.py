"""Files that the documents name are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
PACKAGES = "ahmsa|spotting|configs|train|streamer|benchmarks|examples|tests|tools|fuzz"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_of_a_page_is_there(page):
    named = re.findall(rf"(?<![\w/.-])((?:{PACKAGES})/[\w/.-]*\w)", page.read_text(encoding="utf-8"))
    missing = [path for path in named if not (ROOT / path).exists()]
    assert missing == []


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "CHANGELOG.md"], ids=lambda page: page.name)
def test_every_file_that_a_page_names_without_its_folder_is_there(page):
    named = re.findall(r"`(\w+\.(?:py|js))`", page.read_text(encoding="utf-8"))
    known = {path.name for package in PACKAGES.split("|") for path in (ROOT / package).rglob("*.*")}
    assert sorted(set(named) - known) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_dotted_name_of_a_page_is_a_module_or_in_one(page):
    named = re.findall(r"`((?:ahmsa|spotting|configs|train|streamer)(?:\.\w+)+)`", page.read_text(encoding="utf-8"))
    missing = [name for name in named if not is_there(name) and not re.fullmatch(r"ahmsa\.\w+", name)]
    assert missing == []


def is_there(name: str) -> bool:
    """Whether a module of that name is there, or one that has the rest of the name in its text."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        place = ROOT.joinpath(*parts[:length])
        for file in (place.with_suffix(".py"), place / "__init__.py"):
            if file.is_file():
                return all(part in file.read_text(encoding="utf-8") for part in parts[length:])
    return False
