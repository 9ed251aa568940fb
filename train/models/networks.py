"""Networks as models: all jobs of a task in one stack, answered after every epoch that is evaluated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ahmsa.model.net import planes_of
from ahmsa.types import FloatArray
from configs.training import TrainSettings
from train.models import ststnet
from train.models.architecture import AHMSA, Architecture, Network
from train.models.contract import Advance, Task, TrainingData, evaluation_epochs, network_seed
from train.models.fit import fit
from train.models.pretrain import first_states
from train.models.stack import Weights, padded, probabilities_of, skeleton


@dataclass(frozen=True)
class NetworkModel:
    """A network of some architecture, as `train.models.contract.Model`."""

    architecture: Architecture
    is_exported: bool = False
    is_random: bool = True

    def answers(self, data: TrainingData, task: Task, device: str, advance: Advance) -> list[FloatArray]:
        settings, jobs = data.settings, task.jobs
        held_out = padded([data.inputs[job.held_out] for job in jobs])
        epochs = evaluation_epochs(settings)
        answers: list[FloatArray] = []

        def evaluate(epoch: int, net: Network, weights: Weights) -> None:
            if epoch in epochs:
                probabilities = probabilities_of(net, weights, held_out, device)
                answers.append(np.concatenate([own[: len(job.held_out)] for own, job in zip(probabilities, jobs, strict=True)]))
            advance(len(jobs))

        seeds = [network_seed(task.seed, job.member) for job in jobs]
        fit(
            data.inputs,
            data.labels,
            [job.job for job in jobs],
            settings,
            seed=task.seed,
            device=device,
            initial=first_states(settings, seeds, device, self.architecture),
            watch=evaluate,
            architecture=self.architecture,
        )
        return answers

    def bytes_each(self, settings: TrainSettings) -> int:
        """Weights, optimiser state and one batch's activations."""
        net, how = settings.net, settings.fit
        parameters = sum(value.numel() for value in skeleton(net, self.architecture).parameters())
        copies = 5 + (1 if how.average > 0 else 0)  # weights, gradients, two moments, and one to work on
        maps = 4 * planes_of(net) * net.map_px**2  # themselves, changed and mixed
        numbers = maps + self.architecture.activations(net)
        return 4 * (copies * parameters + 2 * how.batch * numbers)


AHMSA_NET = NetworkModel(AHMSA, is_exported=True)
STSTNET = NetworkModel(ststnet.ARCHITECTURE)
