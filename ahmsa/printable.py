"""Text that is safe on a terminal: one line, no control characters, no endless quotations."""

from __future__ import annotations

import re

LONGEST_LINE = 600
"""Characters: a sentence with a path or two in it fits, the quoted content of a file does not."""

UNPRINTABLE = "\\x00-\\x1f\\x7f-\\x9f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ud800-\\udfff"
"""As in a regular expression's brackets: C0, DEL, C1 (they steer terminals), line separators, marks that turn the direction of
writing (they show one text and mean another), and halves of surrogate pairs (they cannot be encoded)."""

_UNPRINTABLE = re.compile(f"[{UNPRINTABLE}]")


def is_printable(text: str) -> bool:
    """Whether nothing in the text steers a terminal or breaks its line."""
    return _UNPRINTABLE.search(text) is None


def printable(text: object, longest: int = LONGEST_LINE) -> str:
    """The text with `?` for everything that is not printable, cut in the middle where it is too long.

    Line breaks become blanks: what was several lines reads on as one.
    """
    shown = _UNPRINTABLE.sub("?", re.sub(r"\s*[\r\n]+\s*", " ", str(text)).replace("\t", " "))
    if len(shown) <= longest:
        return shown
    half = (longest - 5) // 2
    return f"{shown[:half]} ... {shown[-half:]}"
