"""Tests mirror the tree: every module has a test file of its own name, or a story's docstring names it."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("ahmsa", "spotting", "configs", "train", "streamer")
MODULES = {
    path.relative_to(ROOT).with_suffix("")
    for package in PACKAGES
    for path in (ROOT / package).rglob("*.py")
    if path.name not in ("__init__.py", "__main__.py")
}
DOTTED = {".".join(module.parts) for module in MODULES}
NAME = re.compile(rf"\b(?:{'|'.join(PACKAGES)})(?:\.\w+)+")


def docstring(path: Path) -> str:
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""


@pytest.fixture(scope="module")
def named() -> dict[str, list[str]]:
    """Test file -> the modules that its docstring names."""
    found = {}
    for path in (ROOT / "tests").rglob("test_*.py"):
        found[str(path.relative_to(ROOT))] = NAME.findall(docstring(path))
    return found


def test_every_module_has_a_test_file_or_a_story(named):
    in_stories = {name for names in named.values() for name in names}
    without = [
        ".".join(module.parts)
        for module in sorted(MODULES)
        if not (ROOT / "tests" / module.parent / f"test_{module.name}.py").is_file()
        and ".".join(module.parts) not in in_stories
    ]
    assert without == [], "give it tests/.../test_NAME.py, or name it in the docstring of the story that covers it"


def test_every_module_that_a_story_names_is_there(named):
    assert {file: gone for file, names in named.items() if (gone := sorted(set(names) - DOTTED))} == {}
