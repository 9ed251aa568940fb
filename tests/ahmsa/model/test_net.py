from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.func import functional_call, stack_module_state, vmap

from ahmsa.errors import SettingsError
from ahmsa.model.net import AhmsaNet, initialise, network_input
from ahmsa.settings import NetSettings

PAPER = NetSettings(channels=(256, 512, 1024), heads=(3, 6, 12), blocks=(2, 2, 8), expansion=4.0)
SMALL = NetSettings(channels=(12, 24, 48), heads=(3, 3, 3), blocks=(1, 1, 1), expansion=2.0)
GEOMETRIES = {
    "paper": SMALL,
    "one level": NetSettings(channels=(12,), heads=(3,), blocks=(2,), patch_px=28),
    "two levels": NetSettings(channels=(12, 24), heads=(3, 3), blocks=(1, 1), patch_px=14),
    "factor three": NetSettings(channels=(12, 24, 48), heads=(3, 3, 3), blocks=(1, 1, 1), factor=3, map_px=36, patch_px=4),
    "four levels": NetSettings(channels=(8, 12, 16, 20), heads=(1, 2, 3, 4), blocks=(1, 1, 1, 1), map_px=56, patch_px=7),
}


@pytest.mark.parametrize("name", GEOMETRIES)
def test_every_geometry_of_the_ablations_answers_and_learns(name):
    settings = GEOMETRIES[name]
    net = AhmsaNet(settings)
    maps = torch.from_numpy(network_input(np.random.default_rng(0).random((5, 3, 28, 28), np.float32), settings))
    logits = net(maps)
    assert logits.shape == (5, 3)
    logits.square().sum().backward()
    silent = [name for name, parameter in net.named_parameters() if parameter.grad is None]
    assert not silent


def test_the_papers_network_has_the_papers_size():
    with torch.device("meta"):
        net = AhmsaNet(PAPER)
    millions = sum(parameter.numel() for parameter in net.parameters()) / 1e6
    assert 90 < millions < 130


def test_stacked_parameters_answer_as_each_network_alone():
    nets = [AhmsaNet(SMALL) for _ in range(3)]
    parameters, buffers = stack_module_state(nets)
    maps = torch.rand(3, 4, 3, 28, 28)

    def answer(parameters, buffers, maps):
        return functional_call(nets[0], (parameters, buffers), (maps,))

    together = vmap(answer)(parameters, buffers, maps)
    for net, own_maps, stacked in zip(nets, maps, together, strict=True):
        torch.testing.assert_close(net(own_maps), stacked, atol=1e-5, rtol=1e-4)


def test_downsampling_is_the_convolution_it_stands_for():
    net = AhmsaNet(SMALL)
    layer = net.downsamplings[0]
    tokens = torch.rand(2, 16, 12)
    kernel = layer.convolution.weight.reshape(24, 3, 3, 12).permute(0, 3, 1, 2)
    picture = tokens.reshape(2, 4, 4, 12).permute(0, 3, 1, 2)
    wide = torch.nn.functional.conv2d(picture, kernel, layer.convolution.bias, padding=1)
    wide = layer.norm(wide.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
    expected = torch.nn.functional.adaptive_max_pool2d(wide, 2).permute(0, 2, 3, 1).reshape(2, 4, 24)
    torch.testing.assert_close(layer(tokens), expected, atol=1e-5, rtol=1e-4)


def test_dropout_happens_only_with_noise_and_uses_all_of_it():
    settings = NetSettings(channels=(12, 24, 48), heads=(3, 3, 3), blocks=(1, 1, 1), dropout=0.4, drop_path=0.2)
    net = AhmsaNet(settings)
    maps = torch.rand(2, 3, 28, 28)
    noise = torch.rand(2, net.noise_size, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(net(maps), net(maps))
    torch.testing.assert_close(net(maps, noise), net(maps, noise))
    assert not torch.allclose(net(maps), net(maps, noise))
    # The head comes last, and what it needs is exactly what is left.
    with pytest.raises(RuntimeError):
        net(maps, noise[:, :-1])
    all_dropped = net(maps, torch.zeros(2, net.noise_size))
    torch.testing.assert_close(all_dropped[0], all_dropped[1])


def test_first_weights_depend_on_their_generator_alone():
    first, second, other = AhmsaNet(SMALL), AhmsaNet(SMALL), AhmsaNet(SMALL)
    for net, seed in ((first, 5), (second, 5), (other, 6)):
        initialise(net, torch.Generator().manual_seed(seed))
        torch.rand(1)
    for name, weight in first.state_dict().items():
        torch.testing.assert_close(weight, second.state_dict()[name])
    assert not torch.allclose(first.head.weight, other.head.weight)


@pytest.mark.parametrize(
    "changes",
    [
        {"patch_px": 5},
        {"factor": 3},
        {"heads": (3, 3)},
        {"heads": (3, 3, 0)},
        {"scaling": "raw", "mirror_average": True},
        {"scaling": "raw", "restore_proportion": True},
    ],
)
def test_a_geometry_that_cannot_work_is_a_settings_error(changes):
    fields = {"channels": (12, 24, 48), "heads": (3, 3, 3), "blocks": (1, 1, 1)} | changes
    with pytest.raises(SettingsError, match="net: "):
        AhmsaNet(NetSettings(**fields))


def test_smoothing_spares_broad_motion_and_takes_grain():
    rows, columns = np.mgrid[:28, :28].astype(np.float32)
    broad = np.exp(-((rows - 14) ** 2 + (columns - 14) ** 2) / 50)
    grain = (rows + columns) % 2
    raw, smooth = (NetSettings(scaling="raw", smoothing_cells=cells) for cells in (0.0, 0.7))
    for pattern, low, high in ((broad, 0.9, 1.0), (grain, 0.0, 0.2)):
        map_ = np.stack([pattern] * 3)[None].astype(np.float32)
        before, after = network_input(map_, raw), network_input(map_, smooth)
        assert low < after[..., 4:-4, 4:-4].std() / before[..., 4:-4, 4:-4].std() < high


def test_recentred_input_has_rest_at_zero_and_resizing_keeps_the_batch():
    maps = np.random.default_rng(0).random((4, 3, 28, 28), np.float32)
    fed = network_input(maps, GEOMETRIES["factor three"])
    assert fed.shape == (4, 3, 36, 36)
    assert fed.dtype == np.float32
    np.testing.assert_allclose(np.median(fed, axis=(-2, -1)), 0, atol=1e-6)
    assert network_input(maps[:0], GEOMETRIES["factor three"]).shape == (0, 3, 36, 36)
