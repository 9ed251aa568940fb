"""What a viewer remembers of the stream: its sources, the last events and markers, and the totals."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from dataclasses import dataclass

from streamer.stream.schema import AnyMessage, EmotionMessage, MarkerMessage, SpotMessage, StatusMessage
from streamer.view.source_board import SourceBoard

CLAIM = (
    "What it shows are movements of a face. They are no proof of a feeling, and no ground for a decision about a person. "
    "Inferring emotions at work or in education is prohibited in the EU (AI Act, Art. 5); elsewhere, tell people (Art. 50)."
)
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
