"""How much the base install takes, and how soon it answers. Builds an environment of its own; needs the package index."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent
_RUNS = 7
_LARGEST = 8
_ANSWERS = ("import ahmsa", "import ahmsa.types", "import streamer.stream.client", "ahmsa-live --help", "ahmsa-train --help")


def section() -> str:
    """Markdown: size of the base environment, its largest parts, time of imports and of help."""
    with tempfile.TemporaryDirectory(prefix="ahmsa-install-") as scratch:
        home = Path(scratch)
        venv.create(home, with_pip=True)
        python = home / "bin" / "python"
        constraints = ROOT / "constraints.txt"
        subprocess.run(
            (python, "-m", "pip", "install", "--quiet", "--constraint", constraints, ROOT),
            check=True,
            stderr=subprocess.DEVNULL,
        )
        for command in sorted((home / "bin").glob("ahmsa-*")):
            subprocess.run((command, "--help"), check=True, stdout=subprocess.DEVNULL, cwd=scratch)
        installed = subprocess.run((python, "-m", "pip", "list", "--format=freeze"), capture_output=True, text=True, check=True)
        parts = _parts(home)
        answers = [(what, *_fastest_s(what, home, scratch)) for what in _ANSWERS]
    return _page(parts, len(installed.stdout.splitlines()), installed.stdout, answers)


def _parts(home: Path) -> dict[str, float]:
    """Folder of site-packages -> MB, those libraries that lie beside a package counted with it."""
    [site] = home.glob("lib/python*/site-packages")
    sizes: dict[str, float] = {}
    for entry in site.iterdir():
        name = entry.name.removesuffix(".libs")
        sizes[name] = sizes.get(name, 0.0) + _mb(entry)
    sizes["opencv (cv2)"] = sizes.pop("cv2", 0.0) + sizes.pop("opencv_contrib_python_headless", 0.0)
    return sizes


def _mb(path: Path) -> float:
    files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file() and not one.is_symlink()]
    return sum(one.stat().st_size for one in files) / 1e6


def _fastest_s(what: str, home: Path, elsewhere: str) -> tuple[float, float]:
    """Shortest time of a whole process, and of its processor: wall, processor."""
    program = [home / "bin" / "python", "-c", what] if what.startswith("import") else [home / "bin" / what.split()[0], "--help"]
    shortest = shortest_cpu = float("inf")
    for _ in range(_RUNS):
        before, begin = os.times(), time.perf_counter()
        subprocess.run(program, check=True, stdout=subprocess.DEVNULL, cwd=elsewhere)
        after = os.times()
        cpu = after.children_user + after.children_system - before.children_user - before.children_system
        shortest, shortest_cpu = min(shortest, time.perf_counter() - begin), min(shortest_cpu, cpu)
    return shortest, shortest_cpu


def _page(parts: dict[str, float], packages: int, installed: str, answers: list[tuple[str, float, float]]) -> str:
    largest = sorted(parts.items(), key=lambda part: -part[1])[:_LARGEST]
    torch = next(line for line in installed.splitlines() if line.startswith("torch=="))
    rows = "\n".join(f"| {name} | {size:.0f} |" for name, size in largest)
    times = "\n".join(f"| `{what}` | {wall * 1e3:.0f} | {cpu * 1e3:.0f} |" for what, wall, cpu in answers)
    return f"""## The base install

`pip install .` with the constraints into a new environment, Python {sys.version_info.major}.{sys.version_info.minor}, {torch}:
{sum(parts.values()) / 1e3:.2f} GB, {packages} packages. CUDA builds of torch bring five more GB.

| largest parts | MB |
|---|---|
{rows}

Shortest of {_RUNS} processes, Python's own start included:

| | ms | ms of processor |
|---|---|---|
{times}
"""
