from __future__ import annotations

import numpy as np
import pytest
import torch

from ahmsa.errors import SettingsError
from ahmsa.flow.maps import mirror, recentre
from ahmsa.settings import NetSettings
from configs.training import AugmentSettings, TrainSettings
from train.models.augment import augmented, mixing, require_signed_maps, without_head_motion

NOTHING = {"mirror": 0.0, "shift_cells": 0.0, "rotation_deg": 0.0, "scale": 0.0, "gain": 0.0, "noise": 0.0}


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def inputs(make_maps):
    return torch.from_numpy(recentre(make_maps().uvs))


def test_with_everything_off_maps_stay_as_they_are(inputs):
    torch.testing.assert_close(augmented(inputs, AugmentSettings(**NOTHING), seeded()), inputs)


def test_a_mirrored_map_is_the_map_of_the_mirrored_face(inputs):
    changed = augmented(inputs, AugmentSettings(**(NOTHING | {"mirror": 1.0})), seeded())
    np.testing.assert_allclose(changed.numpy(), mirror(inputs.numpy()))


def test_a_turn_of_the_head_is_gone_from_a_still_map_and_a_movement_of_the_mouth_is_not():
    y, x = np.mgrid[-1:1:28j, -1:1:28j].astype(np.float32)
    mouth = np.exp(-((x + 0.4) ** 2 + (y - 0.45) ** 2) / 0.02).astype(np.float32)
    face = np.stack([0 * x, -2 * mouth, mouth])
    turned = face + np.stack([0.3 * x - 0.2 * y, 0.2 * x + 0.3 * y, 0 * x])
    still = without_head_motion(recentre(np.stack([face, turned])))
    np.testing.assert_allclose(still[1], still[0], atol=0.05 * np.abs(still[0]).max())
    assert np.unravel_index(np.abs(still[1, 1]).argmax(), (28, 28)) == np.unravel_index(mouth.argmax(), (28, 28))


def test_about_the_part_that_is_asked_for_is_shown_still(inputs):
    still = torch.from_numpy(without_head_motion(inputs.numpy()))
    changed = augmented(inputs, AugmentSettings(**(NOTHING | {"still": 0.5})), seeded(), still)
    shown_still = [bool(torch.equal(map_, own)) for map_, own in zip(changed, still, strict=True)]
    unchanged = [bool(torch.equal(map_, own)) for map_, own in zip(changed, inputs, strict=True)]
    assert 0.25 < np.mean(shown_still) < 0.75
    assert np.mean(shown_still) + np.mean(unchanged) == 1


def test_vectors_turn_with_the_face():
    # All of the map moves right; after a turn by some angle it must move along that same angle, and its length stays.
    right = torch.zeros(64, 3, 28, 28)
    right[:, 0] = 1.0
    changed = augmented(right, AugmentSettings(**(NOTHING | {"rotation_deg": 20.0})), seeded())
    torch.testing.assert_close(changed[:, :2].square().sum(dim=1), torch.ones(64, 28, 28), atol=1e-4, rtol=0)
    # A spot on the right of the centre, and its own motion, turn by the same angle.
    spot = torch.zeros(64, 3, 29, 29)
    spot[:, :, 14, 22] = 1.0
    spot[:, 1] = 0.0
    changed = augmented(spot, AugmentSettings(**(NOTHING | {"rotation_deg": 20.0})), seeded())
    rows, columns = torch.meshgrid(torch.arange(29.0), torch.arange(29.0), indexing="ij")
    for map_ in changed:
        weight = map_[2] / map_[2].sum()
        place = torch.atan2((weight * (rows - 14)).sum(), (weight * (columns - 14)).sum())
        motion = torch.atan2(map_[1].sum(), map_[0].sum())
        assert abs(place - motion) < 0.03


def test_a_map_changes_the_same_whatever_maps_follow_it_and_another_seed_changes_it_otherwise(inputs):
    settings = AugmentSettings(drift=0.1)
    once, again = augmented(inputs, settings, seeded()), augmented(inputs, settings, seeded())
    torch.testing.assert_close(once, again)
    assert not torch.allclose(once, augmented(inputs, settings, seeded(1)))


def test_mixup_keeps_at_least_half_of_a_map():
    partner, share = mixing(64, 0.4, seeded())
    assert sorted(partner.tolist()) == list(range(64))
    assert (share >= 0.5).all()
    assert (share <= 1).all()
    assert share.std() > 0.05


def test_maps_without_a_sign_are_neither_mirrored_nor_turned():
    raw = NetSettings(scaling="raw")
    with pytest.raises(SettingsError, match="no sign to turn"):
        require_signed_maps(TrainSettings(net=raw))
    with pytest.raises(SettingsError, match="still"):
        require_signed_maps(TrainSettings(net=raw, augment=AugmentSettings(mirror=0.0, rotation_deg=0.0, still=0.5)))
    require_signed_maps(TrainSettings(net=raw, augment=AugmentSettings(mirror=0.0, rotation_deg=0.0)))
