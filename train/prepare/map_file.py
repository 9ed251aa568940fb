"""One prepared map on disk: safetensors, written under a temporary name and then renamed, so that it is whole or absent."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

from ahmsa.databases.clips import Clip
from ahmsa.errors import DataError
from ahmsa.files import whole_file
from ahmsa.flow.sequence import PLANES
from ahmsa.types import FloatArray, FlowMap
from ahmsa.untrusted import JsonDecoder, UnreadableError, foreign

_ABOUT = "ahmsa"
_decoder: JsonDecoder[dict[str, str | int | float | bool]] = JsonDecoder(dict[str, str | int | float | bool])


def map_path(folder: Path, clip: Clip) -> Path:
    return folder / f"{clip.database}_{clip.subject}_{clip.name}.safetensors"


def save_map(path: Path, clip: Clip, flow_map: FlowMap, apex: int) -> None:
    """Write a map with its amplitudes and what it was made of. apex: the frame that was used, annotated or by rule."""
    about = {
        "clip": _fingerprint(clip),
        "apex": apex,
        "peak_px": flow_map.peak_px,
        "mean_px": flow_map.mean_px,
        "strain_peak": flow_map.strain_peak,
        "fallback": flow_map.fallback,
    }
    arrays = {"uvs": np.ascontiguousarray(flow_map.uvs)}
    if flow_map.sequence is not None:
        arrays["sequence"] = np.ascontiguousarray(flow_map.sequence)
    with whole_file(path) as part:  # one metadata entry: safetensors writes several in any order
        save_file(arrays, part, metadata={_ABOUT: json.dumps(about)})
        part.chmod(0o644)  # safetensors makes it readable for its writer alone


def load_map(path: Path, clip: Clip) -> FlowMap | None:
    """The map of a clip; None where there is none, it is damaged, or its images or frame numbers have changed since."""
    if not path.is_file():
        return None
    try:
        with foreign(path, DataError, "it is made anew"), safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 -- not a mapping
        about = _decoder.decode(metadata[_ABOUT])
        if about["clip"] != _fingerprint(clip):
            return None
        return FlowMap(
            uvs=_checked(tensors["uvs"], 3),
            peak_px=float(about["peak_px"]),
            mean_px=float(about["mean_px"]),
            strain_peak=float(about["strain_peak"]),
            fallback=bool(about["fallback"]),
            sequence=_checked(tensors["sequence"], PLANES) if "sequence" in tensors else None,
        )
    except (DataError, UnreadableError, KeyError, ValueError, TypeError, OSError):
        return None


def _checked(values: FloatArray, planes: int) -> FloatArray:
    """(planes, h, w) finite floats, h = w. Raises UnreadableError."""
    if values.dtype != np.float32 or values.ndim != 3 or values.shape[0] != planes or values.shape[1] != values.shape[2]:
        raise UnreadableError(f"{values.dtype} of shape {values.shape} are no map")
    if not np.isfinite(values).all():
        raise UnreadableError("a map holds what are no numbers")
    return values


def _fingerprint(clip: Clip) -> str:
    """Changes when the annotation or the images of a clip do."""
    digest = hashlib.sha256(repr((clip.key, clip.onset, clip.apex, clip.offset, list(clip.frames))).encode())
    for number in clip.frames if clip.apex is None else (clip.onset, clip.apex):  # a rule may look at all of them
        stat = clip.frames[number].stat()
        digest.update(f"{number} {clip.frames[number].resolve()} {stat.st_size} {stat.st_mtime_ns}".encode())
    return digest.hexdigest()[:16]
