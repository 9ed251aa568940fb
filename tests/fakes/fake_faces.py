"""Aligned faces without a picture of anybody: what a test does not name is noise from the face's index, or does not matter."""

import numpy as np

from ahmsa.types import AlignedFace, Candidate, FaceQuality

LANDMARKS = 468
QUALITY = FaceQuality(interocular_px=80.0, yaw_deg=1.0, luma=120.0, sharpness=90.0)


def face(index=0, seed=0, *, crop_px=128, **values):
    """A face of noise; `values` are members of AlignedFace. Without landmarks: `landmarks_px=None`."""
    rng = np.random.default_rng(seed + index)
    members = {
        "index": index,
        "t_capture_ns": index * 33_333_333,
        "face_id": 0,
        "pixels": rng.integers(0, 256, (crop_px, crop_px), dtype=np.uint8),
        "landmarks_px": rng.uniform(0, crop_px, (LANDMARKS, 2)),
        "quality": QUALITY,
        "alignment": rng.uniform(-1, 1, (2, 3)),
        "anchor": 1,
        "depth_px": rng.uniform(-30, 60, LANDMARKS),
        **values,
    }
    if members["landmarks_px"] is None:
        members["landmarks_px"], members["depth_px"] = np.zeros((0, 2)), np.zeros(0)
    for name in ("landmarks_px", "depth_px"):
        members[name] = np.asarray(members[name], np.float32)
    return AlignedFace(**members)


def candidate(phase="provisional", event_id="f0-1", onset=10, apex=15, **values):
    """A movement from face `onset` to face `apex`."""
    return Candidate(event_id=event_id, face_id=0, phase=phase, onset=face(onset), apex=face(apex), score=2.5, **values)
