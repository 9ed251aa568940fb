"""Many networks of one shape as one: every parameter stacked along a first axis, one call for all.

`torch.func.vmap` over the stacked parameters turns each linear layer into one batched matrix product.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call, vmap

from ahmsa.model.net import AhmsaNet, initialise, views
from ahmsa.settings import NetSettings
from ahmsa.types import FloatArray
from configs.training import TrainSettings
from train.models.ststnet import FILTERS, Ststnet

Network = AhmsaNet | Ststnet
SVM_BYTES = 64 * 2**20
"""What a support vector machine and its components take, generously; there is one at a time."""
Weights = dict[str, Tensor]
"""Parameter name -> (networks, ...) stacked values."""


def skeleton(settings: NetSettings, model: str = "ahmsa") -> Network:
    """A network without memory of its own, to be called with stacked weights."""
    with torch.device("meta"):
        return _network(settings, model)


def first_weights(
    settings: NetSettings,
    seeds: Sequence[int],
    device: str,
    initial: Sequence[Mapping[str, Tensor]] | None = None,
    model: str = "ahmsa",
) -> Weights:
    """One network per seed, or from its state in `initial` where that is given."""
    net = _network(settings, model)
    weights = {name: torch.empty((len(seeds), *value.shape), device=device) for name, value in net.named_parameters()}
    for row, seed in enumerate(seeds):
        if initial is None:
            initialise(net, torch.Generator().manual_seed(seed))
        else:
            net.load_state_dict(dict(initial[row]))
        for name, value in net.named_parameters():
            weights[name][row] = value.detach()
    return weights


def logits_of(net: Network, weights: Weights, inputs: Tensor, noise: Tensor | None = None) -> Tensor:
    """(networks, b, 3, h, w) inputs, each batch to its own network -> (networks, b, classes) logits.

    noise: (networks, b, net.noise_size) uniform numbers for dropout, or None to answer.
    """
    if noise is None:
        result: Tensor = vmap(lambda own, maps: functional_call(net, own, (maps,)))(weights, inputs)
    else:
        result = vmap(lambda own, maps, drops: functional_call(net, own, (maps, drops)))(weights, inputs, noise)
    return result


def probabilities_of(net: Network, weights: Weights, inputs: FloatArray, device: str) -> FloatArray:
    """(networks, b, 3, h, w) inputs -> (networks, b, classes) probabilities, averaged with the mirrors where asked for."""
    with torch.inference_mode():
        given = torch.from_numpy(inputs).to(device)
        answers = [logits_of(net, weights, view).float().softmax(dim=-1) for view in views(given, net.settings)]
        mean: FloatArray = torch.stack(answers).mean(dim=0).cpu().numpy()
    return mean


def _network(settings: NetSettings, model: str) -> Network:
    return Ststnet(settings) if model == "ststnet" else AhmsaNet(settings)


def state_of(weights: Weights, row: int) -> dict[str, Tensor]:
    """One network's own state, on the CPU."""
    return {name: value[row].detach().cpu().clone() for name, value in weights.items()}


def networks_that_fit(settings: TrainSettings, device: str) -> int:
    """How many networks may train at once in half of the free memory (most of a GPU's, which is ours alone); at least one."""
    part = 0.8 if device.startswith("cuda") else 0.5
    return max(1, int(_free_bytes(device) * part / bytes_per_network(settings)))


def bytes_per_network(settings: TrainSettings) -> int:
    """A generous estimate of what one network needs while it trains: weights, optimiser state and one batch's activations."""
    if settings.model == "svm":
        return SVM_BYTES
    net, fit = settings.net, settings.fit
    parameters = sum(value.numel() for value in skeleton(net, settings.model).parameters())
    copies = 5 + (1 if fit.average > 0 else 0)  # weights, gradients, two moments, and one to work on
    numbers = 4 * 3 * net.map_px**2  # the maps themselves, changed and mixed
    numbers += 2 * FILTERS * net.map_px**2 if settings.model == "ststnet" else _activations(net)
    return 4 * (copies * parameters + 2 * fit.batch * numbers)


def _activations(net: NetSettings) -> int:
    """Numbers that AHMSA-Net keeps per map for its gradient."""
    side, numbers = net.map_px // net.patch_px, 0
    for level, (channels, heads, blocks) in enumerate(zip(net.channels, net.heads, net.blocks, strict=True)):
        patches = side * side
        if level > 0:
            numbers += 9 * net.channels[level - 1] * patches * net.factor**2 + 4 * channels * patches * net.factor**2
        numbers += blocks * patches * int(channels * (16 + 4 * net.expansion) + 3 * heads * patches)
        side //= net.factor
    return numbers


def is_out_of_memory(error: BaseException) -> bool:
    """Whether torch gave up for want of memory (GPUs have an exception for it, the CPU only a sentence)."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
    )


def padded(parts: Sequence[FloatArray]) -> FloatArray:
    """(networks, longest, ...) batches of different length as one array; the answers to the zeros that fill it mean nothing."""
    longest = max(len(part) for part in parts)
    filled = np.zeros((len(parts), longest, *parts[0].shape[1:]), np.float32)
    for row, part in enumerate(parts):
        filled[row, : len(part)] = part
    return filled


def _free_bytes(device: str) -> int:
    if device.startswith("cuda"):
        torch.cuda.empty_cache()
        return int(torch.cuda.mem_get_info(device)[0])
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
