import dataclasses

import cv2
import numpy as np
import pytest
import torch

from ahmsa.errors import CheckpointError
from ahmsa.model.checkpoint import Checkpoint
from ahmsa.model.net import AhmsaNet
from ahmsa.model.recogniser import BELOW_NOISE_FLOOR, LOW_CONFIDENCE, OTHER_MOTION, Recogniser
from ahmsa.settings import FlowSettings, NetSettings, RecogniserSettings
from ahmsa.types import FacePair
from fake_faces import face

CROP_PX = 64


def movement(shift_px: float) -> FacePair:
    generator = np.random.default_rng(3)
    skin = cv2.GaussianBlur(generator.normal(128, 90, (CROP_PX, CROP_PX)), (0, 0), 2.0)
    y, x = np.mgrid[:CROP_PX, :CROP_PX].astype(np.float32)
    field = shift_px * np.exp(-((x - 20) ** 2 + (y - 48) ** 2) / 60)
    moved = cv2.remap(skin, x - field, y, cv2.INTER_CUBIC)
    onset, apex = (np.clip(each, 0, 255).astype(np.uint8) for each in (skin, moved))
    return FacePair(face(0, pixels=onset, landmarks_px=None), face(5, pixels=apex, landmarks_px=None))


@pytest.fixture
def checkpoint() -> Checkpoint:
    torch.manual_seed(0)
    net = NetSettings(channels=(8, 16, 32), heads=(2, 2, 2), blocks=(1, 1, 1))
    return Checkpoint((AhmsaNet(net).state_dict(),), net, FlowSettings(backend="opencv"), crop_px=CROP_PX)


def test_answers_come_in_order_and_do_not_depend_on_company(checkpoint: Checkpoint):
    recogniser = Recogniser(checkpoint, device="cpu")
    small, large = movement(1.0), movement(-3.0)
    together = recogniser.recognise([small, large])
    alone = recogniser.recognise([large])[0]
    assert together[1].emotion.probabilities == pytest.approx(alone.emotion.probabilities, abs=1e-5)
    assert together[0].flow_map.peak_px < together[1].flow_map.peak_px
    assert sum(alone.emotion.probabilities.values()) == pytest.approx(1, abs=1e-5)


def test_a_face_that_does_not_move_is_no_emotion(checkpoint: Checkpoint):
    answer = Recogniser(checkpoint, device="cpu").recognise([movement(0.0)])[0]
    assert answer.emotion.abstained == BELOW_NOISE_FLOOR


def test_an_unsure_answer_is_kept_but_not_claimed(checkpoint: Checkpoint):
    unsure = Recogniser(checkpoint, RecogniserSettings(min_confidence=1.0), "cpu").recognise([movement(3.0)])[0]
    assert unsure.emotion.abstained == LOW_CONFIDENCE
    assert unsure.emotion.label in checkpoint.labels


def test_a_face_that_moved_as_much_before_and_has_not_come_back_is_not_named(checkpoint: Checkpoint):
    recogniser = Recogniser(checkpoint, RecogniserSettings(min_confidence=0.0), "cpu")
    alone = movement(2.0)
    calm = dataclasses.replace(alone, before=alone.onset, after=alone.onset)
    talking = dataclasses.replace(alone, before=movement(-2.0).apex, after=movement(2.5).apex)
    unknown, own, other = recogniser.recognise([alone, calm, talking])
    assert (unknown.emotion.abstained, unknown.flow_map.own_share) == (None, None)
    assert own.emotion.abstained is None
    assert own.flow_map.own_share > 0.9
    assert other.emotion.abstained == OTHER_MOTION
    assert other.flow_map.own_share < 0.2
    assert other.flow_map.peak_px == own.flow_map.peak_px == unknown.flow_map.peak_px


def test_a_movement_larger_than_any_micro_expression_is_not_named(checkpoint: Checkpoint):
    settings = RecogniserSettings(min_confidence=0.0, max_peak_px=0.5)
    assert Recogniser(checkpoint, settings, "cpu").recognise([movement(3.0)])[0].emotion.abstained == OTHER_MOTION


def test_crops_of_another_size_are_refused_with_the_way_out(checkpoint: Checkpoint):
    other = Checkpoint(checkpoint.members, checkpoint.net, checkpoint.flow, crop_px=128)
    with pytest.raises(CheckpointError, match="crop_px = 128"):
        Recogniser(other, device="cpu").recognise([movement(1.0)])
