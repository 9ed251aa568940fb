"""A network of your own, judged on the same folds as AHMSA-Net:

PYTHONPATH=examples ahmsa-train --maps DIR --preset ststnet --set model=own_model:MODEL
"""

from __future__ import annotations

from torch import Tensor, nn

from ahmsa.settings import NetSettings
from train.models.architecture import Architecture
from train.models.networks import NetworkModel


class OneLayer(nn.Module):
    """(b, 3, s, s) maps -> (b, classes) logits."""

    noise_size = 0  # random numbers that dropout needs: none

    def __init__(self, settings: NetSettings) -> None:
        super().__init__()
        self.settings = settings
        self.head = nn.Linear(3 * settings.map_px**2, settings.classes)

    def forward(self, maps: Tensor, noise: Tensor | None = None) -> Tensor:
        del noise
        logits: Tensor = self.head(maps.flatten(1))
        return logits


def numbers_kept(net: NetSettings) -> int:
    """For its gradient, per map."""
    return 3 * net.map_px**2


def as_they_are(maps: Tensor, net: NetSettings) -> Tensor:
    """Inputs need no other arrangement."""
    del net
    return maps


MODEL = NetworkModel(Architecture(OneLayer, numbers_kept, as_they_are))
