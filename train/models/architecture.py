"""What a network must have to be fitted beside others of its kind, and AHMSA-Net as one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor, nn

from ahmsa.model.net import AhmsaNet, patches_of
from ahmsa.settings import NetSettings


class Network(Protocol):
    """A torch module over a batch: (b, 3, h, w) inputs as its architecture arranges them -> (b, classes) logits.

    Its `forward` takes a second argument, (b, noise_size) uniform random numbers for dropout, or none to answer.
    """

    settings: NetSettings
    noise_size: int

    def parameters(self) -> Iterator[nn.Parameter]: ...

    def named_parameters(self) -> Iterator[tuple[str, nn.Parameter]]: ...

    def load_state_dict(self, state: Mapping[str, Any]) -> Any: ...


@dataclass(frozen=True)
class Architecture:
    """A kind of network. Functions of a module, so that it can be sent to another process."""

    build: Callable[[NetSettings], Network]
    activations: Callable[[NetSettings], int]
    """Numbers that one network keeps per map for its gradient."""
    arrange: Callable[[Tensor, NetSettings], Tensor]
    """(b, 3, h, w) inputs -> what the network takes: the same, or cut into patches once instead of in every step."""


def _patches(maps: Tensor, net: NetSettings) -> Tensor:
    return patches_of(maps, net.patch_px)


def _activations(net: NetSettings) -> int:
    side, numbers = net.map_px // net.patch_px, 0
    for level, (channels, heads, blocks) in enumerate(zip(net.channels, net.heads, net.blocks, strict=True)):
        patches = side * side
        if level > 0:
            numbers += 9 * net.channels[level - 1] * patches * net.factor**2 + 4 * channels * patches * net.factor**2
        numbers += blocks * patches * int(channels * (16 + 4 * net.expansion) + 3 * heads * patches)
        side //= net.factor
    return numbers


AHMSA = Architecture(build=AhmsaNet, activations=_activations, arrange=_patches)
