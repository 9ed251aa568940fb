import numpy as np

from ahmsa.face.geometry import apply_similarity, canonical_points_px, fit_similarity


def test_a_turned_scaled_and_shifted_face_comes_back_to_the_canonical_points():
    target = canonical_points_px(128)
    turn = np.deg2rad(17.0)
    seen = 2.3 * target @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) + [210.0, -40.0]
    assert np.allclose(apply_similarity(fit_similarity(seen, target), seen), target, atol=1e-3)


def test_canonical_points_keep_their_place_when_the_crop_grows():
    small, large = canonical_points_px(128), canonical_points_px(256)
    assert np.allclose((small + 0.5) * 2, large + 0.5, atol=1e-4)
