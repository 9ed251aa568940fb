"""`--markers-lsl NAME`: markers of another program's LSL stream go into the record, at their own times."""

from __future__ import annotations

import math
from collections.abc import Callable
from time import monotonic
from typing import Any

from ahmsa.printable import printable
from ahmsa.work.threads import Supervised
from streamer.lsl.library import lsl_ahead_s, pylsl_module
from streamer.stream.markers import MarkerRequest
from streamer.stream.schema import MARKER_TEXT

_SEARCH_S = 1.0
_PULL_S = 0.2
_CORRECTION_S = 2.0
_CORRECT_EVERY_S = 10.0
_SILENT_S = 30.0


class LslMarkers:
    """Looks for a stream by its name until it is there, and again when it has gone. UsageError where pylsl is missing."""

    def __init__(self, name: str, mark: Callable[[MarkerRequest], None]) -> None:
        self._pylsl = pylsl_module()
        self._name, self._mark = name, mark
        self._closing = False
        self._thread = Supervised(f"lsl markers {name}", self._run)

    def start(self) -> None:
        self._thread.start()

    def check(self) -> None:
        """Raise where the thread has died or hangs."""
        self._thread.check(_SILENT_S)

    def close(self) -> None:
        self._closing = True
        self._thread.join(5.0)

    def _run(self) -> None:
        while not self._closing:
            self._thread.beat()
            found = self._pylsl.resolve_byprop("name", self._name, timeout=_SEARCH_S)
            if found:
                self._listen(self._pylsl.StreamInlet(found[0], recover=False))

    def _listen(self, inlet: Any) -> None:
        """Until the stream has gone."""
        corrected_s, correction_s = 0.0, 0.0
        try:
            while not self._closing:
                self._thread.beat()
                if monotonic() - corrected_s > _CORRECT_EVERY_S:
                    # The other machine's LSL clock, as seen from this one.
                    corrected_s, correction_s = monotonic(), float(inlet.time_correction(_CORRECTION_S))
                sample, stamp_s = inlet.pull_sample(timeout=_PULL_S)
                if sample is not None:
                    self._take(sample, float(stamp_s) + correction_s)
        except (self._pylsl.util.LostError, self._pylsl.util.TimeoutError):
            return
        finally:
            inlet.close_stream()

    def _take(self, sample: list[Any], lsl_s: float) -> None:
        t_ns = round((lsl_s - lsl_ahead_s(self._pylsl)) * 1e9) if math.isfinite(lsl_s) else None
        text = printable(" ".join(str(part) for part in sample).strip()[:MARKER_TEXT])
        number = sample[0] if len(sample) == 1 and isinstance(sample[0], int | float) else None
        request = MarkerRequest(text=text or "(empty)", value=number, source=f"lsl-{self._name}"[:60], t_monotonic_ns=t_ns)
        self._mark(request)
