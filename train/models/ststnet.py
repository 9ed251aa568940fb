"""STSTNet as a baseline: three shallow streams and one linear layer.

Liong et al., "Shallow Triple Stream Three-dimensional CNN (STSTNet) for Micro-expression Recognition", FG 2019. The three
streams see the same map through 3x3 filters (3, 5 and 8 of them), each ReLU and 3x3 maximum; side by side they are one
convolution with 16 filters, and so they are written here. Its PyTorch port puts a batch norm into every stream; it is left out,
because statistics of a batch would tie a fold's answers to the maps that it is asked about.
"""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn
from torch.nn import functional

from ahmsa.errors import SettingsError
from ahmsa.model.net import MAP_CHANNELS, Dropper
from ahmsa.settings import NetSettings
from train.models.architecture import Architecture

FILTERS = 3 + 5 + 8
POOL = 3
AVERAGE = 2


class Ststnet(nn.Module):
    """(B, 3, s, s) network input -> (B, classes) logits; s = 28 gives the 400 numbers of the paper's last layer.

    Of the network's settings only `map_px`, `classes`, `scaling`, `mirror_average` and `dropout` (before the last layer) have a
    meaning here. Dropout takes its random numbers from `noise`, as in `ahmsa.model.net.AhmsaNet`.
    """

    position = None

    def __init__(self, settings: NetSettings) -> None:
        super().__init__()
        padded = settings.map_px + 2  # the port pads by two
        if settings.inputs != "map":
            raise SettingsError('net: STSTNet sees maps alone; set net.inputs = "map".')
        if padded % (POOL * AVERAGE):
            raise SettingsError(f"net: map_px {settings.map_px} does not suit STSTNet; take 28, or another 6 n - 2.")
        self.settings = settings
        cells = FILTERS * (padded // (POOL * AVERAGE)) ** 2
        self.noise_size = cells if settings.dropout > 0 else 0
        self.filters = nn.Linear(MAP_CHANNELS * 9, FILTERS)
        self.head = nn.Linear(cells, settings.classes)

    def forward(self, maps: Tensor, noise: Tensor | None = None) -> Tensor:
        drop = Dropper(self.settings, noise)
        weight = self.filters.weight.reshape(FILTERS, MAP_CHANNELS, 3, 3)
        # The maximum is taken before bias and ReLU: the same numbers from a ninth of the work.
        largest = functional.max_pool2d(functional.conv2d(maps, weight, padding=2), POOL)
        seen = (largest + self.filters.bias.reshape(-1, 1, 1)).relu()
        return cast(Tensor, self.head(drop(functional.avg_pool2d(seen, AVERAGE).flatten(1))))


def _activations(net: NetSettings) -> int:
    return 2 * FILTERS * net.map_px**2


def _as_they_are(maps: Tensor, net: NetSettings) -> Tensor:  # noqa: ARG001 (an architecture may need the settings)
    return maps


ARCHITECTURE = Architecture(build=Ststnet, activations=_activations, arrange=_as_they_are)
