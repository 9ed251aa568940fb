"""`python -m benchmarks [NAME ...]`: run every benchmark, or those named, and write docs/benchmarks.md.

Each module here has `section() -> str`: a markdown section with its own heading and tables. A run of some benchmarks
replaces their sections and leaves the others, each of which names the machine and the day it was taken.
"""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

from benchmarks.machine import describe

NAMES = (
    "real",
    "recognition",
    "flow",
    "parity",
    "install",
    "capture",
    "spotting",
    "live",
    "scale",
    "training",
    "transfer",
    "alignment",
    "screens",
    "gpu",
)
PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
HEAD = """# Benchmarks

`make bench` prints and writes everything on this page; `python -m benchmarks NAME` renews one section ({names}).
Times are medians unless said otherwise. Machines differ and drift: compare the ratios, which are taken within one run.
"""


def main(names: list[str]) -> None:
    unknown = set(names) - set(NAMES)
    if unknown:
        sys.exit(f"no benchmark named {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    for name in names or NAMES:
        body = importlib.import_module(f"benchmarks.{name}").section().strip()
        section = f"{body}\n\n_{describe()}; `python -m benchmarks {name}`._"
        print(section, end="\n\n", flush=True)
        _write(name, section)


def _write(name: str, section: str) -> None:
    found = dict(re.findall(r"<!-- (\w+) -->\n(.*?)\n<!-- end -->", PAGE.read_text(), flags=re.S)) if PAGE.exists() else {}
    found[name] = section
    parts = [f"<!-- {each} -->\n{found[each]}\n<!-- end -->\n" for each in NAMES if each in found]
    fresh = PAGE.with_suffix(".part")
    fresh.write_text("\n".join([HEAD.format(names=", ".join(NAMES)), *parts]))
    fresh.replace(PAGE)


if __name__ == "__main__":
    if sys.argv[1:2] == ["gpu"] and len(sys.argv) > 2:
        importlib.import_module("benchmarks.gpu").main(sys.argv[2:])
    else:
        main(sys.argv[1:])
