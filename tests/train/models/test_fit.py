"""Covers train.models.architecture, train.models.contract, train.models.memory, train.models.networks, train.models.stack."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from ahmsa.errors import RunError
from ahmsa.model.net import network_input
from ahmsa.settings import NetSettings
from configs.load import load_settings, shipped
from configs.training import AugmentSettings, FitSettings, TrainSettings
from train.experiment.folds import inner_splits, leave_one_subject_out
from train.experiment.metrics import score
from train.models.contract import Job
from train.models.fit import fit, rate_at
from train.models.memory import networks_that_fit
from train.models.stack import padded, probabilities_of, skeleton, state_of
from train.published_maps import read_maps

NET = NetSettings(channels=(8, 12, 16), heads=(2, 2, 2), blocks=(1, 1, 1), expansion=2.0, dropout=0.1, drop_path=0.1)
EVERYTHING = TrainSettings(
    net=NET,
    fit=FitSettings(
        epochs=4,
        batch=8,
        average=0.9,
        clip_norm=1.0,
        label_smoothing=0.1,
        class_weight=0.5,
        logit_adjustment=0.5,
        sampling="balanced",
    ),
    augment=AugmentSettings(drift=0.1, mixup=0.4),
)
FAST = TrainSettings(net=NET, fit=FitSettings(epochs=20, batch=8, learning_rate=4e-3))


def jobs_of(maps):
    return [Job(str(fold.subject), fold.train, seed=10 + number) for number, fold in enumerate(leave_one_subject_out(maps))]


@pytest.fixture(scope="module")
def maps(make_maps):
    return make_maps()


@pytest.fixture(scope="module")
def inputs(maps):
    return network_input(maps.uvs, NET)


@pytest.mark.parametrize(
    "settings", [EVERYTHING, TrainSettings(net=NET, fit=FitSettings(epochs=4, batch=64, optimiser="adam"))]
)
def test_a_fold_ends_the_same_alone_as_beside_all_others(maps, inputs, settings):
    jobs = jobs_of(maps)
    together = fit(inputs, maps.labels, jobs, settings, seed=3)
    for row in (0, 3):
        alone = fit(inputs, maps.labels, [jobs[row]], settings, seed=3)
        for name, values in alone.items():
            torch.testing.assert_close(values[0], together[name][row], atol=1e-4, rtol=1e-4, msg=name)


def test_training_twice_with_one_seed_gives_the_same_weights_to_the_bit(maps, inputs):
    first, second = (fit(inputs, maps.labels, jobs_of(maps)[:2], EVERYTHING, seed=3) for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_fold_never_sees_the_maps_and_labels_of_its_held_out_subject(maps, inputs):
    fold = leave_one_subject_out(maps)[1]
    job = Job(str(fold.subject), fold.train, seed=1)
    poisoned, other_labels = inputs.copy(), maps.labels.copy()
    poisoned[fold.test] = np.nan
    other_labels[fold.test] = (other_labels[fold.test] + 1) % 3
    honest = fit(inputs, maps.labels, [job], EVERYTHING, seed=3)
    blind = fit(poisoned, other_labels, [job], EVERYTHING, seed=3)
    assert all(torch.equal(honest[name], blind[name]) for name in honest)


def test_separable_maps_are_learnt_and_carried_to_a_new_face(maps, inputs):
    fold = leave_one_subject_out(maps)[0]
    weights = fit(inputs, maps.labels, [Job("fold", fold.train, seed=1)], FAST, seed=1)
    answers = probabilities_of(skeleton(NET), weights, inputs[fold.test][None], "cpu")[0]
    assert (answers.argmax(axis=1) == maps.labels[fold.test]).all()


@pytest.mark.maps
def test_real_faces_teach_what_carries_over_to_other_people():
    """Half of the subjects teach the other half, in seconds: far above chance (.333), far below a real run."""
    root = Path(os.environ.get("AHMSA_MAPS", Path(__file__).parents[3] / ".." / "shared" / "data" / "flow3db-dev"))
    if not root.is_dir():
        pytest.skip(f"no real maps at {root}; name them in AHMSA_MAPS")
    maps = read_maps(root)
    preset = load_settings(TrainSettings, shipped("presets/small.toml"), {"fit.epochs": 12})
    fed = network_input(maps.uvs, preset.net)
    train, held_out = inner_splits(maps, np.arange(len(maps)), 2, seed=0)[0]
    weights = fit(fed, maps.labels, [Job("half", train, seed=0)], preset, seed=0)
    answers = probabilities_of(skeleton(preset.net), weights, fed[held_out][None], "cpu")[0].argmax(axis=1)
    assert score(maps.labels[held_out], answers, 3).uar > 0.5


def test_watch_is_called_after_every_epoch_with_weights_that_answer(maps, inputs):
    seen = []
    fit(inputs, maps.labels, jobs_of(maps)[:1], EVERYTHING, seed=1, watch=lambda epoch, net, weights: seen.append(epoch))
    assert seen == [1, 2, 3, 4]


def test_training_can_start_from_a_given_state(maps, inputs):
    job = jobs_of(maps)[:1]
    still = msgspec.structs.replace(FAST, fit=FitSettings(epochs=1, batch=8, learning_rate=1e-12, weight_decay=0.0))
    start = state_of(fit(inputs, maps.labels, job, FAST, seed=1), 0)
    after = state_of(fit(inputs, maps.labels, job, still, seed=2, initial=[start]), 0)
    assert all(torch.allclose(start[name], after[name], atol=1e-6) for name in start)


def test_bf16_trains_too(maps, inputs):
    settings = msgspec.structs.replace(FAST, fit=msgspec.structs.replace(FAST.fit, epochs=1, precision="bf16"))
    weights = fit(inputs, maps.labels, jobs_of(maps)[:2], settings, seed=1)
    assert all(value.dtype == torch.float32 and torch.isfinite(value).all() for value in weights.values())


def test_a_learning_rate_that_explodes_is_named(maps, inputs):
    wild = msgspec.structs.replace(FAST, fit=FitSettings(epochs=3, batch=8, learning_rate=1e30, warmup=0.0))
    with pytest.raises(RunError, match=r"training of .* diverged in epoch \d; lower fit.learning_rate"):
        fit(inputs, maps.labels, jobs_of(maps)[:2], wild, seed=1)


def test_the_rate_rises_then_falls_along_a_cosine():
    how = FitSettings(warmup=0.1, final_rate=0.1)
    rates = [rate_at(step, 100, how) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == pytest.approx(1.0)
    assert rates[-1] == pytest.approx(0.1, abs=0.01)
    assert rate_at(99, 100, FitSettings(schedule="constant")) == 1.0


def test_thousands_of_small_networks_fit_but_few_of_the_papers():
    small = networks_that_fit(FAST, "cpu")
    paper = networks_that_fit(load_settings(TrainSettings, shipped("presets/paper.toml")), "cpu")
    assert small > 100 * paper
    assert paper >= 1


def test_batches_of_different_length_are_filled():
    parts = padded([np.ones((2, 3, 4, 4), np.float32), np.ones((1, 3, 4, 4), np.float32)])
    assert parts.shape == (2, 2, 3, 4, 4)
    assert parts[1, 1].sum() == 0
