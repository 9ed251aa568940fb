"""Fit many networks at once, each to its own part of the maps.

What is held out is no argument here: a job names the maps it may learn from, and the networks see no others. Class shares,
order of batches, dropout and blending come from the job alone, so a network ends the same (to rounding) whether it trains by
itself or beside a hundred others.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ahmsa.errors import RunError
from ahmsa.types import FloatArray
from configs.training import FitSettings, TrainSettings
from train.map_set import IntArray
from train.models.architecture import AHMSA, Architecture, Network
from train.models.augment import augmented, mixing, require_signed_maps, without_head_motion
from train.models.contract import Job
from train.models.stack import Weights, first_weights, logits_of, skeleton

Watch = Callable[[int, Network, Weights], None]
"""Called after every epoch (counted from 1) with the weights that would answer now; they are not to be changed."""


def fit(
    inputs: FloatArray,
    labels: IntArray,
    jobs: Sequence[Job],
    settings: TrainSettings,
    *,
    seed: int,
    device: str = "cpu",
    initial: Sequence[Mapping[str, Tensor]] | None = None,
    watch: Watch | None = None,
    architecture: Architecture = AHMSA,
) -> Weights:
    """Train all jobs together; returns their stacked weights (averaged ones where the settings say so).

    inputs: (n, 3, h, w) network inputs; labels: (n,). seed: of the augmented maps, which all jobs share, each map changed by
    its own random numbers. initial: for every job the state to start from, instead of random weights.
    Raises RunError where a network diverges.
    """
    require_signed_maps(settings)
    net, how = skeleton(settings.net, architecture), settings.fit
    weights = first_weights(settings.net, [job.seed for job in jobs], device, initial, architecture)
    for value in weights.values():
        value.requires_grad_()
    averaged = {name: value.detach().clone() for name, value in weights.items()} if how.average > 0 else None
    optimiser = _optimiser(net, weights, how, device)
    batches = _Batches(labels, jobs, settings, net.noise_size, device)
    maps = torch.from_numpy(inputs).to(device)
    still = torch.from_numpy(without_head_motion(inputs)).to(device) if settings.augment.still > 0 else None
    steps_per_epoch = max(1, round(len(labels) / how.batch))
    steps = how.epochs * steps_per_epoch
    with _precision(how.precision, device):
        for epoch in range(how.epochs):
            bank = architecture.arrange(augmented(maps, settings.augment, _generator(seed, epoch), still), settings.net)
            for step in range(epoch * steps_per_epoch, (epoch + 1) * steps_per_epoch):
                for group in optimiser.param_groups:
                    group["lr"] = how.learning_rate * rate_at(step, steps, how)
                batch, targets, noise = batches.next(bank)
                losses = batches.losses(logits_of(net, weights, batch, noise).float(), targets)
                optimiser.zero_grad(set_to_none=True)
                torch.autograd.backward(losses.sum())  # networks share nothing: the sum's gradient is each one's own
                if how.clip_norm > 0:
                    _clip(weights, how.clip_norm)
                optimiser.step()
                if averaged is not None:
                    _average(averaged, weights, min(how.average, (1 + step) / (10 + step)))
            _require_finite(losses, jobs, epoch + 1)
            if watch is not None:
                watch(epoch + 1, net, averaged or weights)
    return {name: value.detach() for name, value in (averaged or weights).items()}


def rate_at(step: int, steps: int, how: FitSettings) -> float:
    """Learning rate of a step as a part of the full one: linear warm-up, then constant or half a cosine."""
    warm = how.warmup * steps
    rise = min(1.0, (step + 1) / warm) if warm > 0 else 1.0
    if how.schedule == "constant":
        return rise
    progress = max(0.0, (step - warm) / max(1.0, steps - warm))
    return rise * (how.final_rate + (1 - how.final_rate) * 0.5 * (1 + math.cos(math.pi * progress)))


class _Batches:
    """Batches, targets and dropout noise of every job, each from the job's own generators."""

    def __init__(self, labels: IntArray, jobs: Sequence[Job], settings: TrainSettings, noise_size: int, device: str) -> None:
        self._how, self._augment, self._device = settings.fit, settings.augment, device
        self._classes, self._noise_size = settings.net.classes, noise_size
        self._labels = torch.from_numpy(labels).to(device)
        self._streams = [_stream(labels, job, settings.fit) for job in jobs]
        self._generators = [torch.Generator().manual_seed(job.seed) for job in jobs]
        self._noise_generators = [torch.Generator(device).manual_seed(job.seed + 1) for job in jobs]
        shares = np.stack([np.bincount(labels[job.train], minlength=self._classes) / len(job.train) for job in jobs])
        # A class that a fold's training maps lack never occurs as a target there; its weight does not matter.
        known = np.maximum(shares, 1e-3)
        self._class_weights = torch.from_numpy((1 / (self._classes * known)) ** self._how.class_weight).float().to(device)
        self._adjustment = torch.from_numpy(self._how.logit_adjustment * np.log(known)).float().to(device)

    def next(self, bank: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """(jobs, b, ...) maps, (jobs, b, classes) targets, (jobs, b, numbers) noise or None."""
        chosen = torch.from_numpy(np.stack([next(stream) for stream in self._streams])).to(self._device)
        maps, targets = bank[chosen], functional.one_hot(self._labels[chosen], self._classes).to(bank.dtype)
        if self._augment.mixup > 0:
            blends = [mixing(chosen.shape[1], self._augment.mixup, generator) for generator in self._generators]
            partner = torch.stack([partner for partner, _ in blends]).to(self._device)
            share = torch.stack([share for _, share in blends]).to(bank).unsqueeze(-1)
            other = chosen.gather(1, partner)
            maps = torch.lerp(bank[other], maps, share.reshape(*chosen.shape, *[1] * (bank.ndim - 1)))
            targets = torch.lerp(functional.one_hot(self._labels[other], self._classes).to(bank.dtype), targets, share)
        if self._noise_size == 0:
            return maps, targets, None
        noise = torch.empty((*chosen.shape, self._noise_size), device=self._device)
        for row, generator in enumerate(self._noise_generators):
            noise[row].uniform_(generator=generator)
        return maps, targets, noise

    def losses(self, logits: Tensor, targets: Tensor) -> Tensor:
        """(jobs,) mean weighted cross entropy (paper eq. 5) of each network."""
        smoothing = self._how.label_smoothing
        wanted = (1 - smoothing) * targets + smoothing / self._classes
        entropy = -(wanted * (logits + self._adjustment.unsqueeze(1)).log_softmax(dim=-1)).sum(dim=-1)
        return (entropy * (targets * self._class_weights.unsqueeze(1)).sum(dim=-1)).mean(dim=1)


def _stream(labels: IntArray, job: Job, how: FitSettings) -> Iterator[IntArray]:
    """Batches without end: one random order of the training maps after the other, cut into pieces of equal size."""
    random = np.random.default_rng(job.seed)
    waiting: IntArray = np.empty(0, dtype=np.int64)
    while True:
        while len(waiting) < how.batch:
            waiting = np.concatenate([waiting, random.permutation(_once(labels, job.train, how, random))])
        yield waiting[: how.batch]
        waiting = waiting[how.batch :]


def _once(labels: IntArray, train: IntArray, how: FitSettings, random: np.random.Generator) -> IntArray:
    """The training maps once each; where sampling is balanced, rare classes repeated up to the most frequent one."""
    if how.sampling == "shuffle":
        return train
    own = labels[train]
    largest = int(np.bincount(own).max())
    return np.concatenate([np.resize(random.permutation(train[own == label]), largest) for label in np.unique(own)])


def _optimiser(net: Network, weights: Weights, how: FitSettings, device: str) -> torch.optim.Optimizer:
    """Adam works element by element, so one optimiser over stacked tensors is one optimiser per network."""
    matrices = {name for name, value in net.named_parameters() if value.ndim > 1 and name != "position"}
    groups = [
        {"params": [weights[name] for name in weights if name in matrices], "weight_decay": how.weight_decay},
        {"params": [weights[name] for name in weights if name not in matrices], "weight_decay": 0.0},
    ]
    kind = torch.optim.AdamW if how.optimiser == "adamw" else torch.optim.Adam
    fused = device == "cpu" or device.startswith("cuda")
    return kind(groups, lr=how.learning_rate, betas=(0.9, how.beta2), fused=fused)


def _clip(weights: Weights, largest: float) -> None:
    """Scale each network's gradient down to the norm `largest`."""
    gradients = [value.grad for value in weights.values() if value.grad is not None]
    squares = torch.stack([gradient.flatten(1).square().sum(dim=1) for gradient in gradients]).sum(dim=0)
    factors = (largest / squares.sqrt().clamp_min(1e-12)).clamp_max(1.0)
    for gradient in gradients:
        gradient.mul_(factors.reshape(-1, *[1] * (gradient.ndim - 1)))


def _average(averaged: Weights, weights: Weights, decay: float) -> None:
    with torch.no_grad():
        torch._foreach_lerp_(list(averaged.values()), [value.detach() for value in weights.values()], 1 - decay)


def _require_finite(losses: Tensor, jobs: Sequence[Job], epoch: int) -> None:
    broken = (~torch.isfinite(losses)).nonzero().flatten().tolist()
    if broken:
        raise RunError(
            f"training of {jobs[broken[0]].name} diverged in epoch {epoch}; lower fit.learning_rate or set fit.clip_norm."
        )


def _generator(seed: int, epoch: int) -> torch.Generator:
    return torch.Generator().manual_seed(int(np.random.SeedSequence([seed, epoch]).generate_state(1)[0]))


@contextmanager
def _precision(name: str, device: str) -> Iterator[None]:
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if name == "tf32" else "highest")
    try:
        with torch.autocast(torch.device(device).type, dtype=torch.bfloat16, enabled=name == "bf16"):
            yield
    finally:
        torch.set_float32_matmul_precision(before)
