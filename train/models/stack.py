"""Many networks of one shape as one: every parameter stacked along a first axis, one call for all.

`torch.func.vmap` over the stacked parameters turns each linear layer into one batched matrix product.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from ahmsa.model.net import initialise, views
from ahmsa.settings import NetSettings
from ahmsa.types import FloatArray
from train.models.architecture import AHMSA, Architecture, Network

Weights = dict[str, Tensor]
"""Parameter name -> (networks, ...) stacked values."""


def skeleton(settings: NetSettings, architecture: Architecture = AHMSA) -> Network:
    """A network without memory of its own, to be called with stacked weights."""
    with torch.device("meta"):
        return architecture.build(settings)


def first_weights(
    settings: NetSettings,
    seeds: Sequence[int],
    device: str,
    initial: Sequence[Mapping[str, Tensor]] | None = None,
    architecture: Architecture = AHMSA,
) -> Weights:
    """One network per seed, or from its state in `initial` where that is given."""
    net = architecture.build(settings)
    weights = {name: torch.empty((len(seeds), *value.shape), device=device) for name, value in net.named_parameters()}
    for row, seed in enumerate(seeds):
        if initial is None:
            initialise(cast(nn.Module, net), torch.Generator().manual_seed(seed))
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
        result: Tensor = vmap(lambda own, maps: functional_call(cast(nn.Module, net), own, (maps,)))(weights, inputs)
    else:
        result = vmap(lambda own, maps, drops: functional_call(cast(nn.Module, net), own, (maps, drops)))(
            weights, inputs, noise
        )
    return result


def probabilities_of(net: Network, weights: Weights, inputs: FloatArray, device: str) -> FloatArray:
    """(networks, b, 3, h, w) inputs -> (networks, b, classes) probabilities, averaged with the mirrors where asked for."""
    with torch.inference_mode():
        given = torch.from_numpy(inputs).to(device)
        answers = [logits_of(net, weights, view).float().softmax(dim=-1) for view in views(given, net.settings)]
        mean: FloatArray = torch.stack(answers).mean(dim=0).cpu().numpy()
    return mean


def state_of(weights: Weights, row: int) -> dict[str, Tensor]:
    """One network's own state, on the CPU."""
    return {name: value[row].detach().cpu().clone() for name, value in weights.items()}


def padded(parts: Sequence[FloatArray]) -> FloatArray:
    """(networks, longest, ...) batches of different length as one array; the answers to the zeros that fill it mean nothing."""
    longest = max(len(part) for part in parts)
    filled = np.zeros((len(parts), longest, *parts[0].shape[1:]), np.float32)
    for row, part in enumerate(parts):
        filled[row, : len(part)] = part
    return filled
