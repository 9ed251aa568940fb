from __future__ import annotations

import pytest

from ahmsa.errors import CheckpointError
from ahmsa.settings import FlowSettings
from train.experiment.evaluate import evaluate
from train.experiment.metrics import score
from train.map_set import MapSet


@pytest.fixture(scope="module")
def maps(make_maps) -> MapSet:
    return make_maps()


def test_figures_are_those_of_the_checkpoints_answers(maps, make_checkpoint):
    checkpoint = make_checkpoint(training_subjects=[])
    found = evaluate(checkpoint, maps)
    answers = checkpoint.predict(maps.uvs)
    assert found.full.scores == score(maps.labels, answers.argmax(axis=1), 3)
    assert set(found.full.databases) == {"smic", "samm", "casme2"}
    assert sum(own.samples for own in found.full.databases.values()) == len(maps)
    assert 0 <= found.full.calibration_error <= 1
    assert found.warning is None
    assert found.unseen is None


def test_faces_it_was_trained_on_raise_a_warning_and_are_set_apart(maps, make_checkpoint):
    met = [list(subject) for subject in maps.subjects[:2]] + [["smic", "elsewhere"]]
    found = evaluate(make_checkpoint(training_subjects=met), maps)
    assert found.warning is not None
    assert "2 of these 6 subjects" in found.warning
    assert "TRAINED" in found.warning
    assert [str(subject) for subject in found.training_subjects] == [str(subject) for subject in maps.subjects[:2]]
    assert found.unseen is not None
    assert found.unseen.subjects == 4
    assert found.unseen.scores.samples < found.full.scores.samples


def test_a_number_alone_is_no_subject_both_parts_make_the_key(maps, make_checkpoint):
    other = [["another database", subject.name] for subject in maps.subjects]
    assert evaluate(make_checkpoint(training_subjects=other), maps).warning is None


def test_a_face_is_known_under_any_spelling_of_its_number(maps, make_checkpoint):
    """Tables of maps write s1 or s01, the official list 6 and SAMM's folders 006."""
    met = [["smic", "s1"], ["samm", "002"], ["casme2", "sub2"]]
    found = evaluate(make_checkpoint(training_subjects=met), maps)
    assert [str(subject) for subject in found.training_subjects] == ["casme2/02", "samm/02", "smic/01"]


def test_a_checkpoint_met_in_full_has_no_honest_part(maps, make_checkpoint):
    found = evaluate(make_checkpoint(training_subjects=[list(subject) for subject in maps.subjects]), maps)
    assert found.warning is not None
    assert found.unseen is None


def test_a_card_without_subjects_is_not_taken_for_an_honest_one(maps, make_checkpoint):
    warning = evaluate(make_checkpoint(), maps).warning
    assert warning is not None
    assert "not known" in warning


def test_another_class_set_is_refused(maps, make_checkpoint):
    with pytest.raises(CheckpointError, match="answers negative, positive, surprise, others, but fake maps has the classes"):
        evaluate(make_checkpoint(("negative", "positive", "surprise", "others")), maps)


def test_maps_of_other_flow_settings_are_refused(maps, make_checkpoint):
    made = MapSet(maps.uvs, maps.samples, "prepared", flow=FlowSettings(warps=9), crop_px=128)
    with pytest.raises(CheckpointError, match="other flow settings"):
        evaluate(make_checkpoint(), made)
