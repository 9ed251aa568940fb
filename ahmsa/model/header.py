"""What stands at the head of a checkpoint file. Read without torch, so that a command can look at a file before it starts
anything."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from safetensors import safe_open

from ahmsa.errors import CheckpointError
from ahmsa.settings import FlowSettings, NetSettings
from ahmsa.untrusted import JsonDecoder, UnreadableError, foreign

FORMAT = "ahmsa-checkpoint-1"
KEY = "ahmsa"
"""Of the header in the file's metadata."""
ADVICE = "copy or train it again."
_LARGEST_BYTES = 1 << 20
"""The shipped file's header has a few thousand, most of them its card."""


class Header(msgspec.Struct, frozen=True, kw_only=True, tag_field="format", tag=FORMAT):
    """Everything in the file but the weights."""

    members: Annotated[int, Meta(ge=1, le=10_000)]
    net: NetSettings
    flow: FlowSettings
    crop_px: Annotated[int, Meta(ge=64, le=512)]
    labels: Annotated[list[Annotated[str, Meta(min_length=1, max_length=100)]], Meta(max_length=1000)]
    temperature: Annotated[float, Meta(gt=0, le=1000)]
    card: dict[str, Any]


_decoder: JsonDecoder[Header] = JsonDecoder(Header, limit_bytes=_LARGEST_BYTES, lines=True)


def read_header(path: Path) -> Header:
    """The header of a file whose weights are not read. Raises CheckpointError where there is none, or it cannot be believed."""
    if not path.is_file():
        raise CheckpointError.missing(path)
    with foreign(path, CheckpointError, ADVICE), safe_open(path, framework="numpy") as file:
        metadata = file.metadata()
    return header_of(path, metadata)


def header_of(path: Path, metadata: Mapping[str, str] | None) -> Header:
    """The header in a file's metadata. Raises CheckpointError where there is none that can be believed."""
    try:
        return _decoder.decode((metadata or {})[KEY])
    except (KeyError, UnreadableError) as error:
        raise CheckpointError(f"{path} is no {FORMAT} file ({error}); export it again with this version.") from None
