"""What a camera does to a picture (light, noise, compression) and to time (frames that are late, missing or repeated)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import cast

import cv2
import numpy as np

from ahmsa.synth.drawing.portrait import HEIGHT_PX, WIDTH_PX
from ahmsa.synth.scenario.moment import Moment
from ahmsa.synth.scenario.performance import Performance
from ahmsa.synth.scenario.script import ClipScript
from ahmsa.types import ByteImage, FloatArray

_BANK_LEVELS = 16.0
"""Standard deviation of the stored noise, grey levels; 128 stands for none."""
_BANK_SLACK_PX = 61
_REPEATED_SHARE, _MISSING_SHARE = 0.3, 0.1
_STAMP_JITTER, _RATE_JITTER = 0.2, 0.4


@dataclass(frozen=True, slots=True)
class Shot:
    """One frame of the camera, before it is drawn."""

    index: int
    t_capture_ns: int
    content: int
    """Index of the frame whose picture is shown: its own, or an earlier one that is repeated to the bit."""
    t_content_ms: float
    """The instant that the picture shows."""


def shots(script: ClipScript, performance: Performance) -> Iterator[Shot]:
    """The frames that come, in order."""
    for index in range(script.frames):
        shot = shot_of(script, performance, index)
        if shot is not None:
            yield shot


def shot_of(script: ClipScript, performance: Performance, index: int) -> Shot | None:
    """Frame number `index`; None where the camera delivers none."""
    interval_ms = 1000 / script.fps
    now = _kinds(performance, index * interval_ms)
    if "stall" in now or ("dropped" in now and _chance(script.seed, index, 3) < min(_MISSING_SHARE * now["dropped"], 0.9)):
        return None
    content = index
    while content > 0:
        repeated = _kinds(performance, content * interval_ms).get("duplicates", 0.0)
        if _chance(script.seed, content, 4) >= min(_REPEATED_SHARE * repeated, 0.9):
            break
        content -= 1
    late = min(_RATE_JITTER * _kinds(performance, content * interval_ms).get("variable_rate", 0.0), 0.5)
    shown_ms = (content + late * _chance(script.seed, content, 5)) * interval_ms
    off = min(_STAMP_JITTER * now.get("jitter", 0.0), 0.24)  # small enough that stamps stay in order
    stamp_ms = max(shown_ms, index * interval_ms) + off * (2 * _chance(script.seed, index, 6) - 1) * interval_ms
    return Shot(index, round(max(stamp_ms, 0.0) * 1e6), content, shown_ms)


def expose(picture: ByteImage, moment: Moment, script: ClipScript, shot: Shot, quality: int | None) -> ByteImage:
    """Light, sensor noise and compression: (h, w) or (h, w, 3) in, the same out."""
    weight = moment.noise_levels / _BANK_LEVELS
    bank = _noise_bank()[1] if picture.ndim == 2 else _noise_bank()[0]
    row, column = (int(_chance(script.seed, shot.content, salt) * _BANK_SLACK_PX) for salt in (7, 8))
    noise = bank[row : row + picture.shape[0], column : column + picture.shape[1]]
    seen = cv2.addWeighted(picture, moment.gain, noise, weight, -128.0 * weight)
    if quality is None:
        return cast(ByteImage, seen)
    _, coded = cv2.imencode(".jpg", seen, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cast(ByteImage, cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE if picture.ndim == 2 else cv2.IMREAD_COLOR))


def quality_at(script: ClipScript, performance: Performance, t_ms: float) -> int | None:
    """JPEG quality at an instant; None: not compressed."""
    compression = _kinds(performance, t_ms).get("compression")
    return script.jpeg_quality if compression is None else int(min(max(100 - 30 * compression, 15), 95))


def _kinds(performance: Performance, t_ms: float) -> dict[str, float]:
    return {nuisance.kind: nuisance.intensity for _, nuisance in performance.active(t_ms)}


@cache
def _noise_bank() -> tuple[ByteImage, ByteImage]:
    """Stored noise for colour and for grey pictures. Channels share most of it: sensors' noise is luma first."""
    rng = np.random.default_rng(11)
    shape = (HEIGHT_PX + _BANK_SLACK_PX, WIDTH_PX + _BANK_SLACK_PX)
    luma = rng.standard_normal(shape, dtype=np.float32)
    colour = luma[..., None] + 0.4 * rng.standard_normal((*shape, 3), dtype=np.float32)
    grey = cv2.cvtColor(colour, cv2.COLOR_BGR2GRAY)
    scale = _BANK_LEVELS / float(grey.std())
    return _as_bytes((colour * scale).astype(np.float32)), _as_bytes((grey * scale).astype(np.float32))


def _as_bytes(noise: FloatArray) -> ByteImage:
    return cast(ByteImage, np.clip(np.rint(noise + 128), 0, 255).astype(np.uint8))


def _chance(seed: int, index: int, salt: int) -> float:
    """Even random number 0-1 that belongs to a frame for good (splitmix64)."""
    z = (seed * 0x9E3779B97F4A7C15 + index * 0xBF58476D1CE4E5B9 + salt * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
    return float((z ^ (z >> 31)) >> 11) / float(1 << 53)
