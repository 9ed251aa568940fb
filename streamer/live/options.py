"""What a live run is given beside its settings, and who watches it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from configs.schema import LiveSettings
from streamer.acquire.sources import SourceSpec
from streamer.session.video import VideoKind
from streamer.stream.mark import Mark
from streamer.stream.schema import AnyMessage


@dataclass(frozen=True, kw_only=True)
class LiveOptions:
    """What one run is given beside its settings."""

    sources: tuple[SourceSpec, ...]
    settings: LiveSettings
    checkpoint: Path | None = None
    """None: the one that ships with the program."""
    duration_s: float | None = None
    """Counted from the first frame."""
    as_fast_as_possible: bool = False
    record: Path | None = None
    record_video: VideoKind | None = None
    """How the pictures are kept beside the record; None: not at all."""
    web_port: int | None = None
    """Loopback port of the page, 0 for any free one; None: no page, and no preview pictures."""
    lsl: bool = False
    """Events and signal as LSL streams too."""
    markers_lsl: tuple[str, ...] = ()
    """Names of LSL streams whose samples become markers."""
    debug: bool = False
    answers_s: float = 15.0
    """How long the last movements of a finished file may wait for their answers."""


class View(Protocol):
    """Someone who watches: a terminal, lines of text, or nobody."""

    @property
    def end_wanted(self) -> bool:
        """The person who watches has asked for the end."""
        ...

    def opened(self, endpoint: str, mark: Mark | None = None, page: str | None = None) -> None:
        """Where to subscribe, who sets markers (None where none can be set), and the address of the page where there is one."""
        ...

    def take(self, message: AnyMessage) -> None: ...
    def notice(self, text: str) -> None: ...
    def tick(self) -> None: ...
    def closed(self) -> None: ...
    def forced(self) -> None:
        """The end is forced, in the middle of anything: restore the terminal, and nothing more."""
        ...
