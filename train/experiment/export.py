"""The checkpoint that goes out: networks fitted to ALL subjects, with the honest figures of the run that left each one out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from ahmsa.model.checkpoint import Checkpoint, State
from ahmsa.model.net import network_input
from ahmsa.settings import FaceSettings, FlowSettings
from train.execution.cores import one_thread
from train.experiment.runner import RunResults
from train.map_set import MapSet
from train.models.contract import Advance, Job, network_seed
from train.models.fit import fit
from train.models.pretrain import first_states
from train.models.stack import state_of


def export(maps: MapSet, results: RunResults, *, device: str = "cpu", advance: Advance | None = None) -> Checkpoint:
    """Fit the run's preset to every subject, once per seed and member, and join the networks to one checkpoint.

    The temperature and all figures come from `results`, whose networks never saw the subjects they were judged on; nothing
    is measured on these networks, because nobody is left to measure them on. Weights are kept in half precision.
    """
    preset = results.preset
    inputs = network_input(maps.uvs, preset.net, maps.sequences)
    everyone = np.arange(len(maps))
    members: list[State] = []

    def watch(*_: object) -> None:
        if advance is not None:
            advance(preset.members)

    for seed in results.seeds:
        jobs = [Job(f"all subjects, member {member}", everyone, network_seed(seed, member)) for member in range(preset.members)]
        with one_thread():
            first = first_states(preset, [job.seed for job in jobs], device)
            weights = fit(inputs, maps.labels, jobs, preset, seed=seed, device=device, initial=first, watch=watch)
        members += [{name: value.half() for name, value in state_of(weights, row).items()} for row in range(len(jobs))]
    return Checkpoint(
        members=tuple(members),
        net=preset.net,
        flow=maps.flow or FlowSettings(),
        crop_px=maps.crop_px or FaceSettings().crop_px,
        labels=maps.label_names,
        temperature=results.protocols["final"].temperature,
        card=card_of(maps, results),
    )


def card_of(maps: MapSet, results: RunResults) -> dict[str, Any]:
    """The model card: what it was trained on, how it was judged, and with what result. JSON values only."""
    honest = results.protocols["final"]
    card: Mapping[str, Any] = {
        "trained_on": {
            "maps": results.data.name,
            "fingerprint": results.data.fingerprint,
            "samples": results.data.samples,
            "classes": results.data.classes,
            "ready_made_maps": maps.flow is None,
        },
        "training_subjects": results.data.subjects,
        "trained_on_day": time.strftime("%Y-%m-%d"),
        "protocol": "final: leave one subject out, fixed epochs, last epoch, nothing chosen on a test subject",
        "seeds": results.seeds,
        "networks": len(results.seeds) * results.preset.members,
        "figures": {
            "uf1_mean_of_seeds": honest.uf1,
            "uar_mean_of_seeds": honest.uar,
            "accuracy_mean_of_seeds": honest.accuracy,
            "interval_95": honest.interval,
            "databases": honest.databases,
            "all_seeds_together": honest.together,
            "all_seeds_together_interval_95": honest.together_interval,
            "calibration_error": honest.calibration_error,
        },
        "preset": results.preset,
    }
    builtins: dict[str, Any] = msgspec.to_builtins(card)
    return builtins
