"""What a viewer remembers of the stream: the newest status, the recent signal, the last events, and the totals."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from dataclasses import dataclass

from streamer.wire import AnyMessage, EmotionMessage, MarkerMessage, MotionMessage, RegionMotion, SpotMessage, StatusMessage

CLAIM = (
    "What it shows are movements of a face. They are no proof of a feeling, and no ground for a decision about a person. "
    "Inferring emotions at work or in education is prohibited in the EU (AI Act, Art. 5); elsewhere, tell people (Art. 50)."
)
_SIGNAL_SAMPLES = 240
_EVENTS_KEPT = 200
_NOTICES_KEPT = 3


@dataclass
class Event:
    """The newest message of each kind about one movement."""

    spot: SpotMessage | None = None
    emotion: EmotionMessage | None = None

    @property
    def taken_back(self) -> bool:
        return self.spot is not None and self.spot.phase == "retracted"

    @property
    def t_capture_ns(self) -> int:
        message = self.emotion or self.spot
        return message.t_capture_ns if message else 0


class Board:
    """Takes messages in, in any order; holds nothing that grows without limit."""

    def __init__(self) -> None:
        self.endpoint = ""
        self.status: StatusMessage | None = None
        self.signals: dict[int, dict[str, deque[RegionMotion]]] = {}
        """Face -> region -> newest samples."""
        self.gates: dict[int, str | None] = {}
        """Face -> gate that mutes the spotter at this moment."""
        self.events: OrderedDict[str, Event] = OrderedDict()
        """Event id -> event, oldest first."""
        self.emotions: list[EmotionMessage] = []
        self.markers: deque[MarkerMessage] = deque(maxlen=_EVENTS_KEPT)
        self.phases: Counter[str] = Counter()
        self.retractions: Counter[str] = Counter()
        """Reason -> movements that were taken back; `macro` for those that lasted too long."""
        self.shut: Counter[str] = Counter()
        """Gate -> frames in which it let nothing be spotted, to the precision of the statuses."""
        self.notices: deque[str] = deque(maxlen=_NOTICES_KEPT)
        self._start_ns: int | None = None

    def take(self, message: AnyMessage) -> None:
        is_before_capture = isinstance(message, StatusMessage) and not message.captured
        if self._start_ns is None and not is_before_capture:
            self._start_ns = message.t_capture_ns
        match message:
            case StatusMessage():
                self._take_status(message)
            case MotionMessage():
                self._take_motion(message)
            case SpotMessage():
                self._event(message.event_id).spot = message
                self.phases[message.phase] += 1
                if message.phase == "retracted":
                    self.retractions[message.reason or "unknown"] += 1
            case MarkerMessage():
                self.markers.append(message)
            case EmotionMessage():
                self._event(message.event_id).emotion = message
                self.emotions.append(message)
                del self.emotions[:-_EVENTS_KEPT]

    def elapsed_s(self, t_capture_ns: int) -> float:
        """Seconds since the first frame."""
        return max(0, t_capture_ns - (self._start_ns or 0)) / 1e9

    def _take_status(self, status: StatusMessage) -> None:
        before = self.status.processed if self.status else 0
        # A capture process that was started again counts anew.
        for flag in status.flags:
            self.shut[flag] += max(0, status.processed - before)
        self.status = status

    def _take_motion(self, message: MotionMessage) -> None:
        regions = self.signals.setdefault(message.face_id, {})
        for name, sample in message.regions.items():
            regions.setdefault(name, deque(maxlen=_SIGNAL_SAMPLES)).append(sample)
        self.gates[message.face_id] = message.gate
        present = {face.face_id for face in self.status.faces} if self.status else set()
        for gone in self.signals.keys() - present - {message.face_id}:
            del self.signals[gone]
            self.gates.pop(gone, None)

    def _event(self, event_id: str) -> Event:
        event = self.events.setdefault(event_id, Event())
        while len(self.events) > _EVENTS_KEPT:
            old = next((key for key, one in self.events.items() if one.taken_back), next(iter(self.events)))
            del self.events[old]
        return event
