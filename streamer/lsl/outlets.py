"""`--lsl`: confirmed movements as a string stream of irregular rate, and every face's signal as a float stream.

Samples carry the LSL clock at the capture of their frame (an event: of its apex). A file that is not played at its own speed
has no such time; its samples carry the moment of publication. LSL announces its streams to the whole local network.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic_ns
from typing import Any

import zmq

from ahmsa.work.threads import Supervised
from streamer.lsl.library import lsl_ahead_s, pylsl_module
from streamer.stream.client import EmotionStream
from streamer.stream.publisher import INPROC
from streamer.stream.schema import AnyMessage, CaptureClock, EmotionMessage, MotionMessage, StatusMessage

EVENTS_TYPE, SIGNAL_TYPE = "Markers", "FacialMovement"
EVENT_CHANNELS = (
    ("event_id", ""),
    ("face_id", ""),
    ("label", ""),
    ("confidence", ""),
    ("amplitude", "px"),
    ("onset", "s, LSL clock"),
    ("offset", "s, LSL clock"),
    ("abstained", ""),
)
_STEP_S = 0.1
_SILENT_S = 10.0


class LslOutlets:
    """A subscriber in the publisher's process that forwards what it receives. Raises UsageError where pylsl is missing."""

    def __init__(self, context: zmq.Context[Any]) -> None:
        self._pylsl = pylsl_module()
        self._stream = EmotionStream(INPROC, topics=["emotion.", "motion.", "status."], high_water_mark=0, context=context)
        self._clocks: dict[str, CaptureClock] = {}
        self._events: dict[str, Any] = {}
        self._signals: dict[tuple[str, int], tuple[tuple[str, ...], Any]] = {}
        self._closing = False
        self._thread = Supervised("lsl", self._run)

    def start(self) -> None:
        self._thread.start()

    def check(self) -> None:
        """Raise where the thread has died or hangs."""
        self._thread.check(_SILENT_S)

    def close(self) -> None:
        """Hand on what has been published until now, and end."""
        self._closing = True
        self._thread.join(5.0)
        self._stream.close()

    def _run(self) -> None:
        while True:
            self._thread.beat()
            message = self._stream.next(_STEP_S)
            if message is not None:
                self._take(message)
            elif self._closing:
                return

    def _take(self, message: AnyMessage) -> None:
        if isinstance(message, StatusMessage):
            if message.clock is not None:
                self._clocks[message.source] = message.clock
            # An outlet must be there before the first event, so that a recorder can have found it.
            self._event_outlet(message.source)
        elif isinstance(message, MotionMessage):
            self._push_signal(message)
        elif isinstance(message, EmotionMessage):
            self._push_event(message)

    def _push_event(self, message: EmotionMessage) -> None:
        apex_s = self._lsl_s(message, message.apex.t_ns)
        offset_s = None if message.offset_t_ns is None else self._lsl_s(message, message.offset_t_ns)
        sample = [
            message.event_id,
            str(message.face_id),
            message.label or "",
            str(message.confidence),
            str(message.amplitude_px),
            f"{self._lsl_s(message, message.onset.t_ns):.6f}",
            "" if offset_s is None else f"{offset_s:.6f}",
            message.abstained or "",
        ]
        self._event_outlet(message.source).push_sample(sample, apex_s)

    def _push_signal(self, message: MotionMessage) -> None:
        key = (message.source, message.face_id)
        if key not in self._signals:
            if not message.regions:
                return
            regions = tuple(message.regions)
            channels = [(f"image_{name}", "px") for name in regions]
            name = f"ahmsa signal {message.source} face {message.face_id}"
            self._signals[key] = (regions, self._outlet(name, SIGNAL_TYPE, self._pylsl.cf_float32, channels))
        regions, outlet = self._signals[key]
        values = [message.regions[name].displacement_px if name in message.regions else float("nan") for name in regions]
        outlet.push_sample(values, self._lsl_s(message, message.t_capture_ns))

    def _event_outlet(self, source: str) -> Any:
        if source not in self._events:
            self._events[source] = self._outlet(f"ahmsa events {source}", EVENTS_TYPE, self._pylsl.cf_string, EVENT_CHANNELS)
        return self._events[source]

    def _outlet(self, name: str, kind: str, values: int, channels: Sequence[tuple[str, str]]) -> Any:
        pylsl = self._pylsl
        # A source_id that is the same at the next start lets inlets find the stream again.
        info = pylsl.StreamInfo(name, kind, len(channels), pylsl.IRREGULAR_RATE, values, name.replace(" ", "-"))
        described = info.desc().append_child("channels")
        for label, unit in channels:
            channel = described.append_child("channel")
            channel.append_child_value("label", label)
            channel.append_child_value("unit", unit)
            channel.append_child_value("type", kind)
        info.desc().append_child_value("manufacturer", "ahmsa")
        return pylsl.StreamOutlet(info)

    def _lsl_s(self, message: EmotionMessage | MotionMessage, t_capture_ns: int) -> float:
        """A capture time on the LSL clock."""
        clock = self._clocks.get(message.source, CaptureClock("monotonic", 0, 0))
        if clock.behind_ns is None:
            moment_ns = message.t_publish_ns - (message.t_capture_ns - t_capture_ns)
        else:
            moment_ns = min(t_capture_ns + clock.behind_ns, monotonic_ns())
        return moment_ns / 1e9 + lsl_ahead_s(self._pylsl)
