"""Messages as lines of text: for a standard output that is no terminal, and for `ahmsa-watch`."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Mapping

from ahmsa.printable import printable
from streamer.stream.disclaimer import DISCLAIMER
from streamer.stream.schema import AnyMessage, EmotionMessage, MarkerMessage, MotionMessage, SpotMessage, StatusMessage
from streamer.view.board import Board
from streamer.view.reader import check_reader


def line_of(message: AnyMessage) -> str:
    """One message, one line."""
    start = f"{message.wall_time[11:23]} {message.source}"
    match message:
        case EmotionMessage():
            claim = message.label or f"abstained ({message.abstained})"
            bars = " ".join(f"{label} {value:.2f}" for label, value in message.probabilities.items())
            kind = "calibrated" if message.calibrated else "raw"
            total = message.latency_ms.get("total")
            late = f", {total:.0f} ms after the apex" if total is not None else ""
            return (
                f"{start} emotion  {message.event_id} face {message.face_id}: {claim} "
                f"[{bars}; {kind}], {message.amplitude_px:.2f} px{late}"
            )
        case SpotMessage():
            reason = f" ({message.reason})" if message.reason else ""
            rise_ms = (message.apex.t_ns - message.onset.t_ns) / 1e6
            return (
                f"{start} spot     {message.event_id} face {message.face_id}: {message.phase}{reason}, "
                f"rise {rise_ms:.0f} ms, score {message.score:.1f}"
            )
        case MotionMessage():
            regions = " ".join(f"{name} {sample.displacement_px:.2f}" for name, sample in message.regions.items())
            return f"{start} motion   face {message.face_id}: {regions}{f' [{message.gate}]' if message.gate else ''}"
        case MarkerMessage():
            return f"{start} marker   {message.words}"
        case StatusMessage():
            return f"{start} status   {status_text(message)}"


def status_text(status: StatusMessage) -> str:
    """A status in words: state, rate, the account of frames, what is shut."""
    dropped = ", ".join(f"{reason} {count}" for reason, count in status.dropped.items()) or "none"
    parts = [
        status.state + (f" ({status.reason})" if status.reason else ""),
        f"{status.fps:.1f} fps",
        f"captured {status.captured} = processed {status.processed} + waiting {status.waiting} + dropped ({dropped})",
        f"worker {status.worker.state}",
    ]
    parts += [f"{gate.gate}: {gate.advice}" for gate in status.shut]
    return "; ".join(parts)


class News:
    """Separates changes from repetitions: of the statuses, one a second, only those that bring a change."""

    def __init__(self) -> None:
        self._printed: dict[str, tuple[object, ...]] = {}

    def brings(self, message: AnyMessage) -> bool:
        """True for every movement, and for a status that finds source, gates, faces or recogniser in another state."""
        if not isinstance(message, StatusMessage):
            return not isinstance(message, MotionMessage)
        faces = tuple(face.face_id for face in message.faces)
        state = (message.session, message.state, message.reason, tuple(message.flags), faces, message.worker.state)
        is_new = self._printed.get(message.source) != state
        self._printed[message.source] = state
        return is_new


class LineView:
    """A view that writes lines: events as they come, and the state where it changes."""

    end_wanted = False

    def __init__(self, board: Board, write: Callable[[str], None]) -> None:
        self._board, self._write = board, write
        self._news = News()

    def opened(
        self,
        endpoint: str,
        mark: object = None,  # noqa: ARG002 (lines have no keys)
        page: str | None = None,
    ) -> None:
        self._board.endpoint, self._board.page = endpoint, page
        self._write(f"ahmsa-live: subscribe with `ahmsa-watch {endpoint}`")
        if page is not None:
            self._write(f"page: {page}")
        self._write(DISCLAIMER)

    def take(self, message: AnyMessage) -> None:
        self._board.take(message)
        # Of a run that failed the command itself says why, in its last line.
        is_failure = isinstance(message, StatusMessage) and (message.state, message.reason) == ("ended", "failed")
        if self._news.brings(message) and not is_failure:
            self._write(line_of(message))

    def notice(self, text: str) -> None:
        sys.stderr.write(f"warning: {printable(text)}\n")

    def tick(self) -> None:
        """Raises OSError where nobody reads the lines any more."""
        check_reader(sys.stdout)

    def closed(self) -> None:
        """Nothing to tidy up."""

    def forced(self) -> None:
        """Nothing to restore."""


class QuietView(LineView):
    """`--headless`: keeps the totals, and says nothing but warnings and where the page is."""

    def opened(
        self,
        endpoint: str,
        mark: object = None,  # noqa: ARG002 (lines have no keys)
        page: str | None = None,
    ) -> None:
        self._board.endpoint, self._board.page = endpoint, page
        if page is not None:
            self._write(f"page: {page}")

    def take(self, message: AnyMessage) -> None:
        self._board.take(message)

    def tick(self) -> None:
        """Whether anybody reads or not: it publishes and records."""


def totals(board: Board) -> list[str]:
    """What there was in a session, in a few lines; none where no frame was processed."""
    statuses = [source.status for source in board.sources.values() if source.status is not None and source.status.processed]
    if not statuses:
        return []
    lines = [_frames(status, named=len(statuses) > 1) for status in statuses]
    lines.append(f"movements: {board.phases['confirmed']} confirmed; retracted: {_counts(board.retractions)}")
    shut = sum((source.shut for source in board.sources.values()), Counter[str]())
    if shut:
        rates = ", ".join(f"{status.fps:.1f}" for status in statuses)
        lines.append(f"frames in which nothing could be spotted, about: {_counts(shut)} (last rate: {rates} frames a second)")
    return lines


def _frames(status: StatusMessage, *, named: bool) -> str:
    dropped = sum(status.dropped.values())
    name = f"{status.source}: " if named else ""
    return (
        f"{name}{status.captured} frames captured = {status.processed} processed + {dropped} dropped + {status.waiting} waiting"
    )


def _counts(counted: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counted.items()) or "none"
