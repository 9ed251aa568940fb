"""Changes to training maps that keep their meaning, as physics has it.

All of it works on the network's input; lengths are in cells of the canonical grid, whatever the input's side. Every random
number comes from a generator the caller seeds, so an epoch's maps are the same whichever folds are trained beside each other.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ahmsa.errors import SettingsError
from ahmsa.face.geometry import CANONICAL_GRID
from ahmsa.flow.head_motion import remove_head_motion
from ahmsa.flow.maps import recentre
from ahmsa.model.net import MAP_CHANNELS, horizontal_planes, mirrored
from ahmsa.types import FloatArray
from configs.training import AugmentSettings, TrainSettings


def augmented(maps: Tensor, settings: AugmentSettings, generator: torch.Generator, still: Tensor | None = None) -> Tensor:
    """A changed copy of (n, planes, h, w) maps; each map is changed by its own random numbers and by no other map.

    A sequence behind the map is moved and mirrored with it, and keeps its amplitude. still: the same maps
    `without_head_motion`, where the settings ask for them.
    """
    changed = maps if still is None else _some(still, maps, settings.still, generator)
    changed = _some(mirrored(changed), changed, settings.mirror, generator)
    if settings.shift_cells > 0 or settings.rotation_deg > 0 or settings.scale > 0:
        changed = _move(changed, settings, generator)
    changed, sequence = changed[:, :MAP_CHANNELS], changed[:, MAP_CHANNELS:]
    if settings.gain > 0:
        gains = _normal((len(maps), 3, 1, 1), generator, maps)
        changed = changed * (settings.gain * gains).exp()
    if settings.drift > 0:
        drift = settings.drift * _normal((len(maps), 3, 1, 1), generator, maps)
        changed = changed + drift * drift.new_tensor([1.0, 1.0, 0.0]).reshape(3, 1, 1)  # uniform motion has no strain
    if settings.noise > 0:
        grain = _normal((len(maps), 3, CANONICAL_GRID // 2, CANONICAL_GRID // 2), generator, maps)
        changed = changed + settings.noise * functional.interpolate(grain, size=maps.shape[-2:], mode="bilinear")
    return torch.cat([changed, sequence], dim=1) if sequence.shape[1] else changed


def without_head_motion(inputs: FloatArray) -> FloatArray:
    """Recentred (n, planes, h, w) maps as they would be, had the head's shift, turn and growth been taken out of their flow;
    sequences have none of it."""
    u_v = remove_head_motion(inputs[:, :2], "similarity")
    still: FloatArray = np.concatenate([recentre(np.concatenate([u_v, inputs[:, 2:3]], axis=1)), inputs[:, 3:]], axis=1)
    return still


def require_signed_maps(settings: TrainSettings) -> None:
    """Raises SettingsError where motion is to be mirrored, turned or stilled in 0-1 maps, which know no sign."""
    augment = settings.augment
    if settings.net.scaling == "raw" and max(augment.mirror, augment.rotation_deg, augment.still) > 0:
        raise SettingsError(
            'augment: mirror, rotation_deg and still need net.scaling = "recentred", because 0-1 maps have no sign to turn.'
        )


def mixing(count: int, alpha: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Mixup (Zhang et al. 2018) of a batch: (count,) partner of each map, and (count,) the map's own share.

    A map keeps at least half of itself.
    """
    partner = torch.randperm(count, generator=generator)
    gammas = torch._standard_gamma(torch.full((2, count), alpha), generator=generator)
    share = gammas[0] / gammas.sum(dim=0).clamp_min(1e-30)
    return partner, torch.maximum(share, 1 - share)


def _some(changed: Tensor, maps: Tensor, part: float, generator: torch.Generator) -> Tensor:
    """`changed` for a random part of the maps, the maps themselves for the others."""
    chosen = torch.rand(len(maps), generator=generator) < part
    return torch.where(chosen.to(maps.device).reshape(-1, 1, 1, 1), changed, maps)


def _move(maps: Tensor, settings: AugmentSettings, generator: torch.Generator) -> Tensor:
    """Turn, stretch and shift the maps; their motion vectors turn with them."""
    count = len(maps)
    angle = _normal((count,), generator, maps) * math.radians(settings.rotation_deg)
    width = 1 + settings.scale * _normal((count,), generator, maps)
    height = width * (1 + 0.5 * settings.scale * _normal((count,), generator, maps))
    shift = _normal((count, 2), generator, maps) * (settings.shift_cells * 2 / CANONICAL_GRID)  # the grid runs from -1 to 1
    cos, sin = angle.cos(), angle.sin()
    # The grid says where each cell is taken FROM: the inverse of what happens to the face.
    sampling = torch.stack(
        [
            torch.stack([cos * width, sin * width, shift[:, 0]], dim=-1),
            torch.stack([-sin * height, cos * height, shift[:, 1]], dim=-1),
        ],
        dim=1,
    )
    grid = functional.affine_grid(sampling, list(maps.shape), align_corners=False)
    moved = functional.grid_sample(maps, grid, mode="bilinear", padding_mode="border", align_corners=False)
    cos, sin = cos.reshape(-1, 1, 1), sin.reshape(-1, 1, 1)
    planes = list(moved.unbind(dim=1))
    for first in horizontal_planes(len(planes)):
        u, v = planes[first], planes[first + 1]
        planes[first], planes[first + 1] = cos * u - sin * v, sin * u + cos * v
    return torch.stack(planes, dim=1)


def _normal(shape: tuple[int, ...], generator: torch.Generator, like: Tensor) -> Tensor:
    return torch.randn(shape, generator=generator).to(like)
