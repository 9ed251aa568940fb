"""The live settings as one tree: each branch lives beside the code it sets."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from ahmsa.settings import FaceSettings, RecogniserSettings
from spotting.settings import SpotterSettings


class SourceSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where frames come from and how patiently."""

    width: Annotated[int, Meta(ge=160, le=4096)] = 640
    """Asked of a camera; it may answer with another size."""
    height: Annotated[int, Meta(ge=120, le=2160)] = 480
    fps: Annotated[float, Meta(ge=0, le=1000)] = 0.0
    """Asked of a camera (0: its own default); frame rate of a folder of images without timestamps (0: 30)."""
    queue_frames: Annotated[int, Meta(ge=1, le=512)] = 64
    """Frames waiting between grab and processing; the oldest is dropped, and counted, when it is full."""
    stall_s: Annotated[float, Meta(ge=0.1, le=3600)] = 2.0
    """A camera without a new, distinct frame for so long is reported offline and opened again."""
    reconnect_max_s: Annotated[float, Meta(gt=0, le=3600)] = 10.0
    """Longest pause between two tries to open a lost camera."""


class StreamSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The ZeroMQ stream."""

    publish: str = "tcp://127.0.0.1:5556"
    """Endpoint of the PUB socket. Loopback by default; anything else is readable by the network it names."""
    worker: str | tuple[str, ...] | None = None
    """Endpoint of a recogniser elsewhere (`ahmsa-worker --bind`), or several that share the movements; not set: here."""
    workers: Annotated[int, Meta(ge=1, le=16)] = 1
    """Recognisers to start here, a process each."""
    curve: str | None = None
    """Folder of keys (`ahmsa-keys`): only those who have keys of it read the stream, and recognise for it; not set: anyone who
    can reach the endpoints."""
    insecure: bool = False
    """Let an endpoint that other machines can reach be bound without keys."""
    high_water_mark: Annotated[int, Meta(ge=1, le=2**31 - 1)] = 1000
    """Messages queued per subscriber before new ones are dropped; subscribers see the gap in `seq`."""
    motion_hz: Annotated[float, Meta(ge=0.01, le=30)] = 30.0
    """Most `motion` messages a second per face."""
    status_s: Annotated[float, Meta(ge=0.05, le=60)] = 1.0
    markers: str | None = None
    """Endpoint at which programs of this machine set markers; not set: the loopback, at the port of `publish` + 2."""


class LiveSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that a file can set of `ahmsa-live`."""

    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    source: SourceSettings = SourceSettings()
    face: FaceSettings = FaceSettings()
    spotter: SpotterSettings = SpotterSettings()
    recogniser: RecogniserSettings = RecogniserSettings()
    stream: StreamSettings = StreamSettings()
