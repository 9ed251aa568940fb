"""A page as a list of blocks, written as markdown with pictures beside it or as one self-contained HTML file."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Heading:
    text: str
    level: int = 2


@dataclass(frozen=True)
class Text:
    """A paragraph; `code` and **strong** are understood."""

    text: str
    warning: bool = False


@dataclass(frozen=True)
class Table:
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    marked: frozenset[int] = field(default_factory=frozenset)
    """Rows to be read with caution."""
    folded: str | None = None
    """Hidden behind this line until it is opened."""


@dataclass(frozen=True)
class Picture:
    name: str
    """File name of the PNG."""
    about: str
    """For those who cannot see it."""
    png: bytes


Block = Heading | Text | Table | Picture


def to_markdown(blocks: Sequence[Block]) -> str:
    """Pictures are linked by name and expected beside the file."""
    return "\n\n".join(_markdown(block) for block in blocks) + "\n"


def to_html(title: str, blocks: Sequence[Block]) -> str:
    """One file without links to anything outside itself."""
    body = "\n".join(_html(block) for block in blocks)
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta name="viewport" '
        f'content="width=device-width, initial-scale=1">\n<title>{html.escape(title)}</title>\n<style>{_STYLE}</style>\n'
        f"</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _markdown(block: Block) -> str:
    if isinstance(block, Heading):
        return f"{'#' * block.level} {block.text}"
    if isinstance(block, Text):
        return f"> {block.text}" if block.warning else block.text
    if isinstance(block, Picture):
        return f"![{block.about}]({block.name})"
    lines = [block.columns, ["---"] * len(block.columns), *block.rows]
    table = "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
    return f"<details><summary>{block.folded}</summary>\n\n{table}\n\n</details>" if block.folded else table


def _html(block: Block) -> str:
    if isinstance(block, Heading):
        return f"<h{block.level}>{_inline(block.text)}</h{block.level}>"
    if isinstance(block, Text):
        return f'<p class="warning">{_inline(block.text)}</p>' if block.warning else f"<p>{_inline(block.text)}</p>"
    if isinstance(block, Picture):
        data = base64.b64encode(block.png).decode()
        return f'<figure><img alt="{html.escape(block.about)}" src="data:image/png;base64,{data}"></figure>'
    head = "".join(f'<th scope="col">{_inline(cell)}</th>' for cell in block.columns)
    rows = "\n".join(_html_row(row, marked=number in block.marked) for number, row in enumerate(block.rows))
    table = f'<div class="table"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table></div>'
    return f"<details><summary>{_inline(block.folded)}</summary>\n{table}\n</details>" if block.folded else table


def _html_row(cells: Sequence[str], marked: bool) -> str:
    mark = ' class="warning"' if marked else ""
    return f'<tr{mark}><th scope="row">{_inline(cells[0])}</th>{"".join(f"<td>{_inline(c)}</td>" for c in cells[1:])}</tr>'


def _inline(text: str) -> str:
    safe = html.escape(text)
    safe = re.sub(r"`([^`]+)`", r"<code>\1</code>", safe)
    return re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", safe)


_STYLE = """
:root { color-scheme: light; }
body { margin: 0; background: #fff; color: #1b1f24; font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 70rem; margin: 0 auto; padding: 1.5rem; }
h1, h2, h3 { line-height: 1.25; margin: 2rem 0 .6rem; }
h1 { margin-top: 0; }
h2 { border-bottom: 1px solid #d0d7de; padding-bottom: .2rem; }
.table { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .92rem; }
th, td { padding: .3rem .8rem .3rem 0; text-align: left; border-bottom: 1px solid #e4e8ec; white-space: nowrap; }
thead th { border-bottom: 2px solid #57606a; }
tbody th { font-weight: 500; }
tr.warning th, tr.warning td { background: #fff4d6; }
p.warning { background: #fff4d6; border-left: 4px solid #b7791f; padding: .5rem .8rem; }
figure { margin: 1rem 0; }
img { max-width: 100%; height: auto; }
summary { cursor: pointer; margin: .8rem 0; }
code { background: #eff2f5; padding: 0 .25rem; border-radius: 3px; }
"""
