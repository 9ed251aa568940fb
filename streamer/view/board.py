"""What a viewer remembers of the stream: its sources, the last events and markers, and the totals."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from dataclasses import dataclass
from time import monotonic

from streamer.stream.schema import AnyMessage, EmotionMessage, MarkerMessage, MotionMessage, SpotMessage, StatusMessage

ROWS = {"brows": ("brow", "glabella"), "nose": ("nose",), "mouth": ("lip", "fold", "cheek")}
"""Row of a picture -> what the names of its regions contain, one or the other."""
BIN_NS = 150_000_000
"""A movement of interest covers two or three of these."""
_BINS_KEPT = 400
_EVENTS_KEPT = 200
_NOTICES_KEPT = 3


@dataclass
class Event:
    """The newest message of each kind about one movement."""

    spot: SpotMessage | None = None
    emotion: EmotionMessage | None = None

    @property
    def is_retracted(self) -> bool:
        return self.spot is not None and self.spot.phase == "retracted"

    @property
    def t_capture_ns(self) -> int:
        message = self.emotion or self.spot
        return message.t_capture_ns if message else 0

    @property
    def source(self) -> str:
        message = self.emotion or self.spot
        return message.source if message else ""


class Board:
    """Takes messages in, in any order; holds nothing that grows without limit."""

    def __init__(self) -> None:
        self.endpoint = ""
        self.page: str | None = None
        """Address of the page in a browser, where there is one."""
        self.sources: dict[str, SourceBoard] = {}
        """Name -> source, in the order of their first messages."""
        self.shown = ""
        """The source that is shown: the first one until another is chosen."""
        self.events: OrderedDict[str, Event] = OrderedDict()
        """Event id -> event, oldest first, of all sources."""
        self.emotions: list[EmotionMessage] = []
        self.markers: deque[MarkerMessage] = deque(maxlen=_EVENTS_KEPT)
        self.phases: Counter[str] = Counter()
        self.retractions: Counter[str] = Counter()
        """Reason -> movements that were retracted; `macro` for those that lasted too long."""
        self.notices: deque[str] = deque(maxlen=_NOTICES_KEPT)

    @property
    def source(self) -> SourceBoard:
        """The source that is shown."""
        return self.sources.get(self.shown) or SourceBoard()

    @property
    def status(self) -> StatusMessage | None:
        """Newest status of the source that is shown."""
        return self.source.status

    def take(self, message: AnyMessage) -> None:
        if isinstance(message, MarkerMessage):  # its source is who set it
            self.markers.append(message)
            return
        self.shown = self.shown or message.source
        self.sources.setdefault(message.source, SourceBoard()).take(message)
        if isinstance(message, SpotMessage):
            self._event(message.event_id).spot = message
            self.phases[message.phase] += 1
            if message.phase == "retracted":
                self.retractions[message.reason or "unknown"] += 1
        elif isinstance(message, EmotionMessage):
            self._event(message.event_id).emotion = message
            self.emotions.append(message)
            del self.emotions[:-_EVENTS_KEPT]

    def show_next(self) -> None:
        """Look at the next source."""
        names = list(self.sources)
        if names:
            self.shown = names[(names.index(self.shown) + 1) % len(names)]

    def elapsed_s(self, source: str, t_capture_ns: int) -> float:
        """Seconds since the session's start, of a capture time of that source."""
        return self.sources[source].elapsed_s(t_capture_ns) if source in self.sources else 0.0

    def _event(self, event_id: str) -> Event:
        event = self.events.setdefault(event_id, Event())
        while len(self.events) > _EVENTS_KEPT:
            old = next((key for key, one in self.events.items() if one.is_retracted), next(iter(self.events)))
            del self.events[old]
        return event


@dataclass
class Bin:
    """What a row showed during one stretch of time: of all its samples and regions the one nearest to, or farthest past, its
    threshold."""

    number: int
    """Start of the stretch in units of `BIN_NS`, on the source's clock."""
    displacement_px: float
    threshold_px: float
    gate: str | None
    """A gate that was shut for the whole row at some time of the stretch."""

    @property
    def part(self) -> float:
        """Displacement in units of the threshold."""
        return self.displacement_px / max(self.threshold_px, 1e-6)


class SourceBoard:
    """What is remembered of one source: its newest status and its recent signal.

    Takes its messages in any order; holds nothing that grows without limit.
    """

    def __init__(self) -> None:
        self.status: StatusMessage | None = None
        self.status_s = 0.0
        """When that came, on the monotonic clock of this machine."""
        self.signals: dict[int, dict[str, deque[Bin]]] = {}
        """Face -> row -> the signal of the last minute, oldest first."""
        self.gates: dict[int, str | None] = {}
        """Face -> gate that mutes the spotter at this moment."""
        self.rejected: deque[tuple[int, str]] = deque(maxlen=_BINS_KEPT)
        """Capture time and gate of movements that were not even announced, oldest first."""
        self.now_ns = 0
        """Newest capture time."""
        self.shut: Counter[str] = Counter()
        """Gate -> frames in which it let nothing be spotted, to the precision of the statuses."""
        self._start_ns: int | None = None

    def take(self, message: AnyMessage) -> None:
        self._note_time(message)
        if isinstance(message, StatusMessage):
            self._take_status(message)
        elif isinstance(message, MotionMessage):
            self._take_motion(message)

    def elapsed_s(self, t_capture_ns: int) -> float:
        """Seconds since the session's start, as the messages say it; since the first frame while none has said it."""
        return max(0.0, (t_capture_ns - (self._start_ns or 0)) / 1e9)

    def _note_time(self, message: AnyMessage) -> None:
        is_before_capture = isinstance(message, StatusMessage) and not message.captured
        if is_before_capture:
            return
        if self._start_ns is None:
            self._start_ns = message.t_capture_ns
        if isinstance(message, StatusMessage) and message.session_s is not None:
            self._start_ns = message.t_capture_ns - round(message.session_s * 1e9)
        if isinstance(message, (SpotMessage, EmotionMessage)) and message.apex.session_s is not None:
            self._start_ns = message.apex.t_ns - round(message.apex.session_s * 1e9)
        self.now_ns = max(self.now_ns, message.t_capture_ns)

    def _take_status(self, status: StatusMessage) -> None:
        before = self.status.processed if self.status else 0
        # A capture process that was started again counts anew.
        for flag in status.flags:
            self.shut[flag] += max(0, status.processed - before)
        self.status, self.status_s = status, monotonic()

    def _take_motion(self, message: MotionMessage) -> None:
        rows = self.signals.setdefault(message.face_id, {row: deque(maxlen=_BINS_KEPT) for row in ROWS})
        for row, bins in rows.items():
            _add_sample(bins, ROWS[row], message)
        self.gates[message.face_id] = message.gate
        if message.rejected is not None:
            self.rejected.append((message.t_capture_ns, message.rejected))
        present = {face.face_id for face in self.status.faces} if self.status else set()
        for gone in self.signals.keys() - present - {message.face_id}:
            del self.signals[gone]
            self.gates.pop(gone, None)


def _add_sample(bins: deque[Bin], name_parts: tuple[str, ...], message: MotionMessage) -> None:
    samples = [sample for name, sample in message.regions.items() if any(part in name for part in name_parts)]
    number = message.t_capture_ns // BIN_NS
    if bins and bins[-1].number > number:
        bins.clear()  # the source began anew
    if not bins or bins[-1].number != number:
        bins.append(Bin(number, 0.0, samples[0].threshold_px if samples else 0.0, None))
    newest = bins[-1]
    for sample in samples:
        if sample.displacement_px / max(sample.threshold_px, 1e-6) >= newest.part:
            newest.displacement_px, newest.threshold_px = sample.displacement_px, sample.threshold_px
    if samples and all(sample.gate is not None for sample in samples):
        newest.gate = samples[0].gate
