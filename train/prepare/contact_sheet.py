"""All maps of a set on one page, class by class: the eye finds a misaligned or empty map sooner than any figure."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import cv2
import numpy as np

from ahmsa.files import write_whole
from ahmsa.types import ByteImage, FloatArray
from train.map_set import MapSet

_COLUMNS = 24
_ZOOM = 2
_GAP_PX = 2
_TITLE_PX = 18
_PAPER = 255


def write_contact_sheet(path: Path, maps: MapSet) -> None:
    """A PNG with a block per class: first its mean map, then every map by subject. Colours as published: red u, green v,
    blue strain."""
    blocks = [_block(maps, label) for label in range(len(maps.label_names))]
    page = np.concatenate([block for block in blocks if block is not None])
    done, data = cv2.imencode(".png", page[..., ::-1])
    assert done
    write_whole(path, data.tobytes())


def _block(maps: MapSet, label: int) -> ByteImage | None:
    """(h, w, 3) RGB: a title line and the class's maps below it."""
    chosen = sorted(np.flatnonzero(maps.labels == label), key=lambda index: maps.samples[index][:2])
    if not chosen:
        return None
    tiles = [_tile(maps.uvs[chosen].mean(axis=0)), *(_tile(maps.uvs[index]) for index in chosen)]
    blank = np.full_like(tiles[0], _PAPER)
    tiles += [blank] * (-len(tiles) % _COLUMNS)
    rows = [np.concatenate(tiles[at : at + _COLUMNS], axis=1) for at in range(0, len(tiles), _COLUMNS)]
    title = np.full((_TITLE_PX, rows[0].shape[1], 3), _PAPER, np.uint8)
    text = f"{maps.label_names[label]}: mean, then {len(chosen)} maps"
    cv2.putText(title, text, (4, _TITLE_PX - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 1, cv2.LINE_AA)
    return cast(ByteImage, np.concatenate([title, *rows]))


def _tile(uvs: FloatArray) -> ByteImage:
    """(3, h, w) 0-1 -> RGB, enlarged, with a white gap."""
    image = np.round(uvs.transpose(1, 2, 0) * 255).astype(np.uint8).repeat(_ZOOM, axis=0).repeat(_ZOOM, axis=1)
    return np.pad(image, ((0, _GAP_PX), (0, _GAP_PX), (0, 0)), constant_values=_PAPER)
