"""The generated database: it lies on disk as CASME II does, and plays the whole way where no licensed one is at hand.

`ahmsa.synth.database` writes it. Its figures say that everything works, and nothing about real faces.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ahmsa.databases.clips import Protocol, Survey, protocol_for
from ahmsa.databases.readers import casme2

NAME = "demo"
EMOTIONS = {"disgust": "negative", "happiness": "positive", "surprise": "surprise"}
"""As the workbook names them -> class."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much of it there is."""

    people: int = 5
    """At most as many as the generator knows (`ahmsa.synth.PEOPLE`)."""
    clips: int = 2
    """Of each person and class."""


SIZE = Size()


def read(root: Path, classes: int = 3) -> Survey:
    """The clips of the generated database below `root`. Raises DataError where it does not lie there."""
    totals = dict.fromkeys(EMOTIONS.values(), SIZE.people * SIZE.clips)
    protocol = Protocol(tuple(totals), EMOTIONS, totals, SIZE.people)
    return casme2.read_layout(Survey(NAME, protocol_for(NAME, {len(totals): protocol}, classes)), root)
