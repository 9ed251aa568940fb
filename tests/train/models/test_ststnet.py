from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from ahmsa.errors import SettingsError
from ahmsa.model.net import initialise
from ahmsa.settings import NetSettings
from train.models.ststnet import FILTERS, Ststnet


def started(settings: NetSettings) -> Ststnet:
    net = Ststnet(settings)
    initialise(net, torch.Generator().manual_seed(0))
    torch.nn.init.normal_(net.filters.bias, generator=torch.Generator().manual_seed(1))
    return net


def test_three_streams_and_one_convolution_are_the_same_numbers():
    """Written out as in the paper: stream by stream, ReLU before the maximum, then joined, averaged and judged."""
    net = started(NetSettings())
    maps = torch.randn(5, 3, 28, 28, generator=torch.Generator().manual_seed(2))
    weight = net.filters.weight.reshape(FILTERS, 3, 3, 3)
    streams = [
        functional.max_pool2d(functional.conv2d(maps, weight[of], net.filters.bias[of], padding=2).relu(), 3)
        for of in (slice(0, 3), slice(3, 8), slice(8, 16))
    ]
    joined = functional.avg_pool2d(torch.cat(streams, dim=1), 2)
    assert joined.flatten(1).shape == (5, 400)
    torch.testing.assert_close(net(maps), net.head(joined.flatten(1)))


def test_dropout_needs_its_noise_and_answers_need_none():
    net = started(NetSettings(dropout=0.5))
    maps = torch.randn(4, 3, 28, 28)
    assert net.noise_size == 400
    torch.testing.assert_close(net(maps), net(maps))
    assert not torch.allclose(net(maps, torch.rand(4, 400)), net(maps))
    assert Ststnet(NetSettings()).noise_size == 0


def test_a_side_that_does_not_divide_is_refused():
    with pytest.raises(SettingsError, match="does not suit STSTNet; take 28"):
        Ststnet(NetSettings(map_px=30))
