from __future__ import annotations

import numpy as np

from ahmsa.model.checkpoint import Checkpoint, shipped
from ahmsa.synth.maps import synthetic_maps
from ahmsa.types import LABELS


def test_the_shipped_checkpoint_is_small_loads_and_knows_its_honest_figures():
    assert shipped().stat().st_size <= 10e6
    checkpoint = Checkpoint.load(shipped())
    assert checkpoint.labels == LABELS
    assert 0.5 < checkpoint.card["figures"]["uf1_mean_of_seeds"] < 1
    assert len(checkpoint.card["training_subjects"]) >= 50


def test_it_has_learnt_from_real_faces_what_generated_ones_share():
    uvs, labels = synthetic_maps(150, seed=3)
    answers = Checkpoint.load(shipped()).predict(uvs).argmax(axis=1)
    assert np.mean(answers == labels) > 0.5
