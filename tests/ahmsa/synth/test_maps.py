import numpy as np

from ahmsa.synth import synthetic_maps


def test_synthetic_maps_are_scaled_balanced_and_tell_the_labels_apart():
    maps, labels = synthetic_maps(90, seed=1)
    assert maps.shape == (90, 3, 28, 28)
    assert maps.dtype == np.float32
    assert np.allclose(maps.min(axis=(2, 3)), 0)
    assert np.allclose(maps.max(axis=(2, 3)), 1)
    assert np.bincount(labels).tolist() == [30, 30, 30]
    assert np.array_equal(maps, synthetic_maps(90, seed=1)[0])
    brows_down = (maps[:, 1, 4:8, 8:20].mean(axis=(1, 2)) - np.median(maps[:, 1], axis=(1, 2)))[labels == 2]
    assert (brows_down < 0).mean() > 0.9, "surprise lifts the brows"
