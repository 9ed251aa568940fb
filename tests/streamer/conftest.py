"""Fakes small enough to read: a face, a candidate, an answer."""

import numpy as np
import pytest

from ahmsa.types import AlignedFace, Candidate, FaceQuality


def face(index, seed=0, *, face_id=0, crop_px=128, anchor=1, t_capture_ns=None):
    rng = np.random.default_rng(seed + index)
    return AlignedFace(
        index=index,
        t_capture_ns=index * 33_333_333 if t_capture_ns is None else t_capture_ns,
        face_id=face_id,
        pixels=rng.integers(0, 256, (crop_px, crop_px), dtype=np.uint8),
        landmarks_px=rng.uniform(0, crop_px, (468, 2)).astype(np.float32),
        quality=FaceQuality(interocular_px=80.0, yaw_deg=1.0, luma=120.0, sharpness=90.0),
        alignment=rng.uniform(-1, 1, (2, 3)),
        anchor=anchor,
    )


def candidate(phase="provisional", event_id="f0-1", onset=10, apex=15, **values):
    return Candidate(event_id=event_id, face_id=0, phase=phase, onset=face(onset), apex=face(apex), score=2.5, **values)


@pytest.fixture
def make_face():
    return face


@pytest.fixture
def make_candidate():
    return candidate
