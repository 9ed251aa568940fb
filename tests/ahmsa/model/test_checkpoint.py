from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from ahmsa.errors import CheckpointError
from ahmsa.flow.maps import min_max, mirror, recentre
from ahmsa.model.checkpoint import Checkpoint, temper
from ahmsa.model.net import AhmsaNet
from ahmsa.settings import FlowSettings, NetSettings

NET = NetSettings(channels=(6, 12, 24), heads=(3, 3, 3), blocks=(1, 1, 1))


def checkpoint(members: int = 2, **changes) -> Checkpoint:
    torch.manual_seed(0)
    fields = {"net": NET, "flow": FlowSettings(warps=3), "temperature": 1.5, "card": {"subjects": [["smic", "s03"]]}}
    return Checkpoint(tuple(AhmsaNet(NET).state_dict() for _ in range(members)), **(fields | changes))


@pytest.fixture
def maps():
    return np.random.default_rng(0).random((6, 3, 28, 28), np.float32)


def test_a_saved_checkpoint_comes_back_with_its_answers_settings_and_name(tmp_path, maps):
    before = checkpoint()
    before.save(tmp_path / "sub" / "model.safetensors")
    after = Checkpoint.load(tmp_path / "sub" / "model.safetensors")
    np.testing.assert_array_equal(before.predict(maps), after.predict(maps))
    assert (after.net, after.flow, after.temperature, after.labels) == (NET, before.flow, 1.5, before.labels)
    assert after.card == before.card
    assert after.id == before.id
    assert len(after.id) == 12
    assert [path.name for path in (tmp_path / "sub").iterdir()] == ["model.safetensors"]


def test_other_weights_or_settings_have_another_name():
    names = {checkpoint().id, checkpoint(members=1).id, checkpoint(temperature=1.0).id, checkpoint(card={}).id}
    assert len(names) == 4


def test_an_answer_is_a_probability_and_the_mean_of_the_members(maps):
    both = checkpoint(temperature=1.0)
    alone = [Checkpoint((member,), NET).predict(maps) for member in both.members]
    np.testing.assert_allclose(both.predict(maps), np.mean(alone, axis=0), atol=1e-5)
    np.testing.assert_allclose(both.predict(maps).sum(axis=1), 1, atol=1e-5)
    assert both.predict(maps[:0]).shape == (0, 3)


def test_weights_of_half_width_answer_nearly_the_same(maps):
    full = checkpoint()
    half = Checkpoint(
        tuple({name: value.half() for name, value in state.items()} for state in full.members), NET, temperature=1.5
    )
    np.testing.assert_allclose(full.predict(maps), half.predict(maps), atol=1e-2)


def test_a_mirror_average_does_not_care_which_side_moved(maps):
    net = NetSettings(channels=(6, 12, 24), heads=(3, 3, 3), blocks=(1, 1, 1), mirror_average=True)
    both = checkpoint(net=net)
    np.testing.assert_allclose(both.predict(maps), both.predict(min_max(mirror(recentre(maps)))), atol=2e-3)


def test_temperature_keeps_the_order_and_lowers_the_confidence():
    sure = np.array([[0.9, 0.08, 0.02]])
    less = temper(sure, 2.0)
    assert np.array_equal(np.argsort(sure), np.argsort(less))
    assert less.max() < sure.max()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"no checkpoint at .*absent"):
        Checkpoint.load(tmp_path / "absent.safetensors")


def test_a_half_copied_file_is_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    checkpoint().save(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="cannot be read"):
        Checkpoint.load(path)


def test_tensors_of_another_program_are_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    save_file({"weight": torch.zeros(3)}, path)
    with pytest.raises(CheckpointError, match="no ahmsa-checkpoint-1 file"):
        Checkpoint.load(path)


def test_weights_that_do_not_fit_their_settings_are_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    Checkpoint((AhmsaNet(NET).state_dict(),), NetSettings(channels=(6, 12, 30), heads=(3, 3, 3), blocks=(1, 1, 1))).save(path)
    with pytest.raises(CheckpointError, match="do not fit its settings"):
        Checkpoint.load(path)


def test_labels_of_another_class_set_are_refused():
    with pytest.raises(CheckpointError, match="3 outputs"):
        checkpoint(labels=("negative", "positive", "surprise", "others"))
