"""AHMSA-Net: adaptive hierarchical multi-scale attention on a small grid of flow patches (paper 3.3-3.4, table 3).

    map 3 x 28 x 28 -> 4 x 4 patches -> blocks -> 2 x 2 -> blocks -> 1 x 1 -> blocks -> head

Everything is a linear layer on tokens (a 1x1 convolution is one; patch embedding and the 3x3 convolution are one after an
unfold). So `torch.func.vmap` over stacked parameters becomes batched matrix products, and all folds train at once.
"""

from __future__ import annotations

import itertools
from functools import lru_cache
from typing import cast

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ahmsa.errors import DataError, SettingsError
from ahmsa.face.geometry import CANONICAL_GRID
from ahmsa.flow.maps import recentre, restore_proportion
from ahmsa.flow.sequence import FLOWS, PLANES
from ahmsa.settings import NetSettings
from ahmsa.types import FloatArray

MAP_CHANNELS = 3


def planes_of(settings: NetSettings) -> int:
    """Planes of one network input: those of the map, then those of the sequence where there is one."""
    return MAP_CHANNELS + (PLANES if settings.inputs == "sequence" else 0)


class AhmsaNet(nn.Module):
    """(B, planes, map_px, map_px) network input (see `network_input`) -> (B, classes) logits.

    Maps that were cut by `patches_of` before, (B, patches, numbers), are taken as well: training cuts each map once.

    Dropout is explicit, because hidden random state would tie a fold's result to the folds trained beside it: pass `noise`,
    (B, noise_size) uniform numbers in 0-1, to train with dropout; leave it out to answer.

    Raises SettingsError where sides, patches, levels and factor do not fit together.
    """

    def __init__(self, settings: NetSettings) -> None:
        super().__init__()
        side = grid_side(settings)
        self.settings = settings
        self.embedding = nn.Linear(planes_of(settings) * settings.patch_px**2, settings.channels[0])
        self.position = nn.Parameter(torch.randn(side * side, settings.channels[0]) * 0.02) if settings.position else None
        self.levels = nn.ModuleList()
        self.downsamplings = nn.ModuleList()
        self.noise_size = 0
        for level, (channels, heads, blocks) in enumerate(zip(settings.channels, settings.heads, settings.blocks, strict=True)):
            if level > 0:
                self.downsamplings.append(AdaptiveDownsampling(side, settings.channels[level - 1], channels, settings.factor))
                side //= settings.factor
            blocks_of_level = nn.ModuleList(AttentionBlock(channels, heads, settings) for _ in range(blocks))
            self.levels.append(blocks_of_level)
            self.noise_size += sum(cast(AttentionBlock, block).noise_size(side * side) for block in blocks_of_level)
        self.noise_size += settings.channels[-1] if settings.dropout > 0 else 0
        self.head_norm = nn.LayerNorm(settings.channels[-1])
        self.head = nn.Linear(settings.channels[-1], settings.classes)

    def forward(self, maps: Tensor, noise: Tensor | None = None) -> Tensor:
        drop = Dropper(self.settings, noise)
        patches = patches_of(maps, self.settings.patch_px) if maps.ndim == 4 else maps
        tokens = self.embedding(patches)  # (B, side * side, channels)
        if self.position is not None:
            tokens = tokens + self.position
        for level, blocks in enumerate(self.levels):
            if level > 0:
                tokens = self.downsamplings[level - 1](tokens)
            for block in cast(nn.ModuleList, blocks):
                tokens = block(tokens, drop)
        # The top level holds one patch; where a geometry leaves more, their mean is judged. Head: as in HTNet.
        return cast(Tensor, self.head(drop(self.head_norm(tokens).mean(dim=1))))


class Dropper:
    """Dropout that takes its random numbers, in the order of use, from (B, n) `noise`; idle without noise."""

    def __init__(self, settings: NetSettings, noise: Tensor | None) -> None:
        self._rate = settings.dropout
        self._path_rate = settings.drop_path
        self._noise = noise
        self._used = 0

    def __call__(self, values: Tensor) -> Tensor:
        """Drop single numbers of (B, ...) values."""
        if self._noise is None or self._rate == 0:
            return values
        return values * self._kept(values[0].numel(), self._rate).reshape(values.shape).to(values.dtype)

    def path(self, branch: Tensor) -> Tensor:
        """Drop whole samples of a (B, patches, channels) residual branch."""
        if self._noise is None or self._path_rate == 0:
            return branch
        return branch * self._kept(1, self._path_rate).unsqueeze(-1).to(branch.dtype)

    def _kept(self, count: int, rate: float) -> Tensor:
        """(B, count) 0 where dropped, 1 / (1 - rate) where kept, so that the mean stays."""
        assert self._noise is not None
        noise = self._noise[:, self._used : self._used + count]
        self._used += count
        return (noise >= rate) / (1 - rate)


class AttentionBlock(nn.Module):
    """Multi-scale attention block: channel attention, spatial attention, feed forward, each behind a LayerNorm (eq. 3).

    The paper does not spell out residual connections; every ancestor of it has them, and so has this one.
    """

    def __init__(self, channels: int, heads: int, settings: NetSettings) -> None:
        super().__init__()
        self.channel_norm = nn.LayerNorm(channels)
        self.channel_attention = ChannelAttention(channels, settings.channel_reduction)
        self.spatial_norm = nn.LayerNorm(channels)
        self.spatial_attention = SpatialAttention(channels, heads)
        self.forward_norm = nn.LayerNorm(channels)
        self.hidden = max(1, int(channels * settings.expansion))
        self.widen = nn.Linear(channels, self.hidden)
        self.narrow = nn.Linear(self.hidden, channels)
        self.settings = settings

    def noise_size(self, patches: int) -> int:
        """Random numbers that a sample of so many patches needs here."""
        dropped = patches * (2 * self.narrow.out_features + self.hidden) if self.settings.dropout > 0 else 0
        return dropped + (3 if self.settings.drop_path > 0 else 0)

    def forward(self, tokens: Tensor, drop: Dropper) -> Tensor:
        tokens = tokens + drop.path(self.channel_attention(self.channel_norm(tokens)))
        tokens = tokens + drop.path(drop(self.spatial_attention(self.spatial_norm(tokens))))
        hidden = drop(functional.gelu(self.widen(self.forward_norm(tokens))))
        return tokens + drop.path(drop(self.narrow(hidden)))


class ChannelAttention(nn.Module):
    """Weighs channels by what their mean and maximum over the patches say (CBAM form); one network serves both."""

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        hidden = max(1, channels // reduction)
        self.shared = nn.Sequential(nn.Linear(channels, hidden, bias=False), nn.ReLU(), nn.Linear(hidden, channels, bias=False))

    def forward(self, tokens: Tensor) -> Tensor:
        pooled = torch.stack([tokens.mean(dim=1), tokens.amax(dim=1)], dim=1)  # (B, 2, channels)
        return tokens * torch.sigmoid(self.shared(pooled).sum(dim=1)).unsqueeze(1)


class SpatialAttention(nn.Module):
    """Multi-head attention between patches (eq. 4); a head has floor(channels / heads) channels."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.head_channels = channels // heads
        inner = self.heads * self.head_channels
        self.queries_keys_values = nn.Linear(channels, 3 * inner, bias=False)
        self.join = nn.Linear(inner, channels)

    def forward(self, tokens: Tensor) -> Tensor:
        batch, count, _ = tokens.shape
        packed = self.queries_keys_values(tokens).reshape(batch, count, 3, self.heads, self.head_channels)
        queries, keys, values = packed.permute(2, 0, 3, 1, 4).unbind(0)  # each (B, heads, patches, head_channels)
        weights = (queries @ keys.transpose(-1, -2) / self.head_channels**0.5).softmax(dim=-1)
        return cast(Tensor, self.join((weights @ values).transpose(1, 2).reshape(batch, count, -1)))


class AdaptiveDownsampling(nn.Module):
    """3x3 convolution -> LayerNorm -> maximum over factor x factor patches (eq. 2): a coarser, wider level."""

    def __init__(self, side: int, channels: int, wider: int, factor: int) -> None:
        super().__init__()
        self.side = side
        self.factor = factor
        self.convolution = nn.Linear(9 * channels, wider)
        self.norm = nn.LayerNorm(wider)

    def forward(self, tokens: Tensor) -> Tensor:
        batch, patches, _ = tokens.shape
        coarse = self.side // self.factor
        nine = (_neighbours(self.side, tokens.device) @ tokens).reshape(batch, patches, -1)
        wide = self.norm(self.convolution(nine))
        cells = wide.reshape(batch, coarse, self.factor, coarse, self.factor, -1)
        return cast(Tensor, cells.amax(dim=(2, 4)).reshape(batch, coarse * coarse, -1))


@lru_cache(maxsize=32)
def _neighbours(side: int, device: torch.device) -> Tensor:
    """(9 side^2, side^2) zeros and ones: row 9 p + k picks the k-th patch of p's 3x3 neighbourhood, or none beyond the edge.

    An unfold as a product with a constant: for grids this small it beats slicing, and its gradient is a product as well.
    """
    with torch.inference_mode(False):  # kept for later calls, and those may need gradients
        chosen = torch.zeros(side, side, 3, 3, side, side)
        for row, column, down, right in itertools.product(range(side), range(side), range(3), range(3)):
            from_row, from_column = row + down - 1, column + right - 1
            if 0 <= from_row < side and 0 <= from_column < side:
                chosen[row, column, down, right, from_row, from_column] = 1
        return chosen.reshape(9 * side * side, side * side).to(device)


def initialise(net: nn.Module, generator: torch.Generator) -> None:
    """Give the network its first weights from `generator` alone, so that a seed means the same whatever ran before.

    Weights are normal with a spread of 1 / sqrt(inputs). Branches start at half of that and the head near zero: a block
    begins close to the identity and no class is favoured.
    """
    for name, module in net.named_modules():
        if isinstance(module, nn.Linear):
            gain = 0.1 if name == "head" else 0.5 if name.endswith(("join", "narrow")) else 1.0
            nn.init.normal_(module.weight, std=gain / module.in_features**0.5, generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    position = getattr(net, "position", None)
    if position is not None:
        nn.init.normal_(position, std=0.02, generator=generator)


def patches_of(maps: Tensor, patch_px: int) -> Tensor:
    """Patches without overlap, each flattened to one token: (B, planes, s, s) -> (B, (s / patch)^2, planes patch^2)."""
    batch, planes, height, width = maps.shape
    rows, columns = height // patch_px, width // patch_px
    cut = maps.reshape(batch, planes, rows, patch_px, columns, patch_px).permute(0, 2, 4, 1, 3, 5)
    return cut.reshape(batch, rows * columns, planes * patch_px**2)


def grid_side(settings: NetSettings) -> int:
    """Patches along one side of the lowest level; raises SettingsError where the geometry cannot work."""
    levels = len(settings.channels)
    if levels == 0 or not levels == len(settings.heads) == len(settings.blocks):
        raise SettingsError(
            f"net: channels {settings.channels}, heads {settings.heads} and blocks {settings.blocks} "
            "must have one number a level"
        )
    if min(settings.channels) < 1 or min(settings.blocks) < 0:
        raise SettingsError(f"net: channels {settings.channels} must be at least 1 and blocks {settings.blocks} at least 0")
    if any(not 1 <= heads <= channels for heads, channels in zip(settings.heads, settings.channels, strict=True)):
        raise SettingsError(f"net: heads {settings.heads} must lie between 1 and the level's channels {settings.channels}")
    side, rest = divmod(settings.map_px, settings.patch_px)
    if rest or side == 0 or side % settings.factor ** (levels - 1):
        raise SettingsError(
            f"net: a map of {settings.map_px} px in patches of {settings.patch_px} px does not divide into "
            f"{levels} levels by factor {settings.factor}; choose map_px = patch_px x {settings.factor ** (levels - 1)}"
        )
    if settings.mirror_average and settings.scaling != "recentred":
        raise SettingsError('net: mirror_average needs scaling = "recentred", because a 0-1 map has no sign to change')
    if settings.restore_proportion and settings.scaling != "recentred":
        raise SettingsError('net: restore_proportion needs scaling = "recentred", because its maps leave 0-1')
    return side


def horizontal_planes(planes: int) -> list[int]:
    """Which of a network input's planes are a u; the plane after each is its v."""
    return [0, *range(MAP_CHANNELS, MAP_CHANNELS + FLOWS, 2)] if planes > MAP_CHANNELS else [0]


def network_input(uvs: FloatArray, settings: NetSettings, sequences: FloatArray | None = None) -> FloatArray:
    """What the network is fed, for training and live alike.

    uvs: (n, 3, h, w) maps scaled to 0-1 per channel. sequences: (n, planes, h, w) of the same movements.
    Returns (n, planes, map_px, map_px): the maps smoothed, resized and scaled per the settings, and behind them the sequences
    where the settings want them. Raises DataError where they do and there are none.
    """
    if len(uvs) == 0:
        return np.empty((0, planes_of(settings), settings.map_px, settings.map_px), np.float32)
    fed = _map_input(uvs, settings)
    if settings.inputs == "map":
        return fed
    if sequences is None or sequences.shape[:2] != (len(uvs), PLANES):
        raise DataError(
            'net.inputs = "sequence" needs the frames of each movement, and ready-made maps have none; give those of the '
            'database by --data, or set net.inputs = "map"'
        )
    side = (settings.map_px, settings.map_px)
    if sequences.shape[2:] != side:
        sequences = np.stack([np.stack([cv2.resize(plane, side) for plane in planes]) for planes in sequences])
    return np.concatenate([fed, sequences.astype(np.float32)], axis=1)


def _map_input(uvs: FloatArray, settings: NetSettings) -> FloatArray:
    fed = np.stack([_fed(map_, settings) for map_ in uvs])
    if settings.restore_proportion:
        fed = restore_proportion(fed)
    return recentre(fed) if settings.scaling == "recentred" else fed


def _fed(uvs: FloatArray, settings: NetSettings) -> FloatArray:
    """One (3, h, w) map smoothed and resized. OpenCV does the planes of a picture (h, w, 3) together."""
    picture: FloatArray = np.ascontiguousarray(uvs.transpose(1, 2, 0), dtype=np.float32)
    if settings.smoothing_cells > 0:
        sigma = settings.smoothing_cells * picture.shape[0] / CANONICAL_GRID
        picture = cast(FloatArray, cv2.GaussianBlur(picture, (0, 0), sigma, borderType=cv2.BORDER_REFLECT))
    side = settings.map_px
    if picture.shape[:2] != (side, side):
        picture = cast(FloatArray, cv2.resize(picture, (side, side), interpolation=cv2.INTER_CUBIC))
    return picture.transpose(2, 0, 1)


def views(inputs: Tensor, settings: NetSettings) -> list[Tensor]:
    """The inputs whose answers are averaged: (..., planes, h, w) of recentred maps and, where asked for, their mirrors."""
    return [inputs, mirrored(inputs)] if settings.mirror_average else [inputs]


def mirrored(inputs: Tensor) -> Tensor:
    """`ahmsa.flow.maps.mirror` for tensors, with or without sequences: sides swap and every u changes its sign."""
    sign = inputs.new_ones(inputs.shape[-3])
    sign[horizontal_planes(len(sign))] = -1.0
    return inputs.flip(-1) * sign.reshape(-1, 1, 1)
