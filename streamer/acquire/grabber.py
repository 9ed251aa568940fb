"""A device that delivers at its own pace, emptied by a thread of its own: cameras and network streams.

Where frames are lost, and counted: here, `duplicate` (the same picture again) and `queue_full` (processing fell behind; the
oldest waiting frame goes, so that what comes out is never older than the queue is long). A device that is lost is opened again
with growing pauses; meanwhile the grabber is offline, with the reason.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Protocol

from ahmsa.images.distinct import is_same_picture
from ahmsa.types import ByteImage, Frame
from ahmsa.work.threads import Supervised
from configs.schema import SourceSettings

HEARTBEAT_S = 0.2
"""A source without news hands out None this often, so that nobody waits for it blindly."""
_FIRST_PAUSE_S = 0.25
_JOIN_S = 1.0
_REPEAT_PAUSE_S = 0.001


class Device(Protocol):
    """An open camera or stream, as `streamer.acquire.sources` makes them."""

    def read(self) -> tuple[int, ByteImage] | None:
        """The next picture and the monotonic time right after its grab in ns; None when the device has gone."""
        ...

    def close(self) -> None: ...


class Grabber:
    """Iterate it: a frame, or None when there has been nothing for a moment. It ends only when closed.

    At any moment captured = handed out + waiting + the sum of the drops.
    """

    live = True
    behind_ns: int | None = 0

    def __init__(
        self, name: str, nominal_hz: float, device: Device, reopen: Callable[[], Device], settings: SourceSettings
    ) -> None:
        self.name = name
        self.nominal_hz = nominal_hz
        """As the device claims; real timing is in the frames' timestamps."""
        self.reconnects = 0
        self._reopen = reopen
        self._settings = settings
        self._frames: deque[Frame] = deque()
        self._changed = threading.Condition()
        self._captured = 0
        self._drops: Counter[str] = Counter()
        self._newest: ByteImage | None = None
        self._newest_ns = time.monotonic_ns()
        self._lost: str | None = None
        self._stop = threading.Event()
        self._device = device
        self._thread = Supervised(f"grab {name}", self._run)

    def __iter__(self) -> Iterator[Frame | None]:
        """Grabbing starts here, so that no frame is lost while the rest of the program is still loading."""
        if not self._thread.started and not self._stop.is_set():
            self._newest_ns = time.monotonic_ns()
            self._thread.start()
        while not self._stop.is_set():
            yield self._take()
            if not self._thread.alive and not self._stop.is_set():
                # Whatever killed it: this process must end, so that its keeper starts a new one.
                raise RuntimeError(f"the thread that reads {self.name} has ended") from self._thread.failure

    def account(self) -> tuple[int, dict[str, int], int]:
        """Captured, drops by reason and waiting, all of one moment."""
        with self._changed:
            return self._captured, dict(self._drops), len(self._frames)

    @property
    def reason(self) -> str | None:
        """Why the source is offline; None while it is online. A device that blocks is noticed here, not in its thread."""
        if self._lost is not None:
            return self._lost
        if not self._thread.started:
            return None
        silent_s = (time.monotonic_ns() - self._newest_ns) / 1e9
        return f"no new picture for {self._settings.stall_s:g} s" if silent_s > self._settings.stall_s else None

    def close(self) -> None:
        """Stop. A device that hangs in its driver is left to its daemon thread after a second."""
        self._stop.set()
        if not self._thread.started:
            self._device.close()
        else:
            self._thread.join(_JOIN_S)

    def __enter__(self) -> Grabber:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _take(self) -> Frame | None:
        with self._changed:
            self._changed.wait_for(lambda: bool(self._frames), HEARTBEAT_S)
            return self._frames.popleft() if self._frames else None

    def _run(self) -> None:
        device: Device | None = self._device
        while device is not None:
            try:
                self._lost = self._grab_until_lost(device)
            except Exception as error:  # noqa: BLE001 (a device that misbehaves is lost, and opened again)
                self._lost = f"it cannot be read ({type(error).__name__})"
            with contextlib.suppress(Exception):
                device.close()
            device = self._open_again()

    def _grab_until_lost(self, device: Device) -> str:
        """Why the device is given up."""
        while not self._stop.is_set():
            picture = device.read()
            if picture is None:
                return "it stopped delivering pictures"
            grabbed_ns, image = picture
            if not is_same_picture(image, self._newest):
                self._lost, self._newest, self._newest_ns = None, image, grabbed_ns
                self._put(grabbed_ns, image)
                continue
            self._count_repeat()
            if grabbed_ns - self._newest_ns > self._settings.stall_s * 1e9:
                return f"the picture has not changed for {self._settings.stall_s:g} s"
            self._stop.wait(_REPEAT_PAUSE_S)  # an unplugged camera may repeat without any pause
        return "closed"

    def _open_again(self) -> Device | None:
        pause_s = _FIRST_PAUSE_S
        while not self._stop.wait(pause_s):
            try:
                device = self._reopen()
            except Exception:  # noqa: BLE001 (SourceError, or whatever a driver or library does: it is tried again)
                pause_s = min(2 * pause_s, self._settings.reconnect_max_s)
                continue
            self.reconnects += 1
            self._newest_ns = time.monotonic_ns()
            return device
        return None

    def _put(self, grabbed_ns: int, image: ByteImage) -> None:
        with self._changed:
            if len(self._frames) >= self._settings.queue_frames:
                self._frames.popleft()
                self._drops["queue_full"] += 1
            self._frames.append(Frame(self._captured, grabbed_ns, image))
            self._captured += 1
            self._changed.notify()

    def _count_repeat(self) -> None:
        with self._changed:
            self._captured += 1
            self._drops["duplicate"] += 1
