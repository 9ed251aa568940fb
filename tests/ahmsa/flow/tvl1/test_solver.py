"""Covers ahmsa.flow.tvl1.compiled, ahmsa.flow.tvl1.graphs, ahmsa.flow.tvl1.median, ahmsa.flow.tvl1.pyramid,
ahmsa.synth.known.pairs.
"""

import cv2
import numpy as np
import pytest
import torch

from ahmsa.flow.tvl1.compiled import compiled_tvl1
from ahmsa.flow.tvl1.median import selection_network
from ahmsa.flow.tvl1.pyramid import grow_matrix, level_shapes, shrink_matrix
from ahmsa.flow.tvl1.solver import TvL1, tvl1
from ahmsa.settings import FlowSettings
from ahmsa.synth.known.pairs import known_pair

SMALL = FlowSettings(warps=2, inner_iterations=8)
STOPPING = FlowSettings(warps=2, inner_iterations=6, outer_iterations=3, epsilon=0.02, median_px=5, scale_step=0.7)
ON_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")


def grey(pair):
    return pair.onset.astype(np.float32), pair.apex.astype(np.float32)


def batch_of(pairs):
    return tuple(torch.from_numpy(np.stack(images)) for images in zip(*map(grey, pairs), strict=True))


def error_px(flow, truth):
    return float(np.hypot(*(np.asarray(flow) - truth)).mean())


def test_a_shift_to_the_right_and_up_is_positive_in_u_and_negative_in_v():
    onset = known_pair(0, 0.0).onset
    apex = cv2.warpAffine(onset, np.float64([[1, 0, 2], [0, 1, -1]]), onset.shape, borderMode=cv2.BORDER_REPLICATE)
    u, v = compiled_tvl1(onset.astype(np.float32), apex.astype(np.float32), FlowSettings())[:, 20:-20, 20:-20]
    assert u.mean() == pytest.approx(2.0, abs=0.05)
    assert v.mean() == pytest.approx(-1.0, abs=0.05)


@pytest.mark.parametrize(("peak_px", "noise"), [(0.3, 0.0), (1.0, 2.0), (4.0, 0.0)])
def test_known_motion_is_found_with_less_error_than_by_opencv(peak_px, noise):
    pair = known_pair(3, peak_px, noise)
    theirs = cv2.optflow.DualTVL1OpticalFlow_create().calc(pair.onset, pair.apex, None).transpose(2, 0, 1)
    ours = compiled_tvl1(*grey(pair), FlowSettings())
    assert error_px(ours, pair.flow) < error_px(theirs, pair.flow)
    assert error_px(ours, pair.flow) < 0.5 * np.hypot(*pair.flow).mean()


@pytest.mark.parametrize("settings", [SMALL, STOPPING], ids=["fixed", "stopping"])
def test_the_compiled_kernel_gives_the_reference_flow(settings):
    pairs = [known_pair(0, 1.0, 2.0, side=64), known_pair(1, 2.0, 0.0, side=64)]
    reference = tvl1(*batch_of(pairs), settings).numpy()
    for pair, expected in zip(pairs, reference, strict=True):
        assert error_px(compiled_tvl1(*grey(pair), settings), expected) < 1e-3


@pytest.mark.parametrize("settings", [SMALL, STOPPING], ids=["fixed", "stopping"])
def test_pairs_of_a_batch_do_not_influence_each_other(settings):
    still, moving = known_pair(0, 0.0, side=48), known_pair(1, 3.0, side=48)
    together = tvl1(*batch_of([still, moving]), settings)
    for index, pair in enumerate((still, moving)):
        assert torch.allclose(together[index], tvl1(*batch_of([pair]), settings)[0], atol=1e-4)
    assert not together[0].any()


def test_a_solver_remembers_nothing_of_the_batch_before():
    first, second = (batch_of([known_pair(seed, 2.0, 1.0, side=48)]) for seed in (0, 1))
    solver = TvL1((1, 48, 48), STOPPING, torch.device("cpu"))
    before = solver.flow(*first)
    solver.flow(*second)
    assert torch.equal(solver.flow(*first), before)


def test_every_step_writes_into_buffers_that_a_recorded_graph_would_still_know():
    steps, places = [], []

    def remember(step):
        level = step.__self__
        buffers = {name: value.data_ptr() for name, value in vars(level).items() if torch.is_tensor(value)}
        steps.append((level, buffers))
        places.append(step.__name__)
        return step

    solver = TvL1((1, 48, 48), STOPPING, torch.device("cpu"), remember)
    solver.flow(*batch_of([known_pair(0, 2.0, side=48)]))
    assert set(places) == {"_linearise", "_relax", "_median"}
    for level, buffers in steps:
        assert buffers == {name: value.data_ptr() for name, value in vars(level).items() if torch.is_tensor(value)}


def test_images_need_not_be_square():
    pair = known_pair(2, 1.0, side=96)
    onset, apex = (image[:64] for image in grey(pair))
    onset, apex = np.ascontiguousarray(onset), np.ascontiguousarray(apex)
    reference = tvl1(torch.from_numpy(onset)[None], torch.from_numpy(apex)[None], SMALL)[0].numpy()
    assert reference.shape == (2, 64, 96)
    assert error_px(compiled_tvl1(onset, apex, SMALL), reference) < 1e-3


def test_a_good_start_saves_the_pyramid_a_motion_that_one_level_cannot_follow():
    pair = known_pair(5, 6.0, smoothness_px=30.0)
    one_level = FlowSettings(scales=1, warps=2)
    cold, warm = compiled_tvl1(*grey(pair), one_level), compiled_tvl1(*grey(pair), one_level, pair.flow)
    assert error_px(warm, pair.flow) < 0.3 * error_px(cold, pair.flow)
    reference = tvl1(*batch_of([pair]), one_level, torch.from_numpy(pair.flow)[None])[0]
    assert error_px(warm, reference.numpy()) < 1e-3


def test_a_start_is_carried_down_the_pyramid_and_up_again():
    pair = known_pair(5, 2.0, side=64)
    reference = tvl1(*batch_of([pair]), SMALL, torch.from_numpy(pair.flow)[None])[0]
    assert error_px(compiled_tvl1(*grey(pair), SMALL, pair.flow), reference.numpy()) < 1e-3


def test_images_without_structure_do_not_move():
    flat = torch.full((1, 32, 32), 90.0)
    assert not tvl1(flat, flat + 5, SMALL).any()
    assert not compiled_tvl1(flat[0].numpy(), flat[0].numpy(), SMALL).any()


@ON_GPU
def test_the_gpu_agrees_with_the_cpu():
    from ahmsa.flow.tvl1.graphs import graphed_tvl1

    onset, apex = batch_of([known_pair(seed, 1.0, 1.0) for seed in range(3)])
    expected = tvl1(onset, apex, FlowSettings())
    for _ in range(2):
        flow = graphed_tvl1(onset.cuda(), apex.cuda(), FlowSettings()).cpu()
        assert float((flow - expected).norm(dim=1).mean()) < 0.01


@pytest.mark.parametrize("side", [1, 3, 5])
def test_the_selection_network_finds_the_median(side):
    values = np.random.default_rng(side).normal(size=(side * side, 200))
    median = np.median(values, axis=0)
    for i, j in selection_network(side * side):
        values[i], values[j] = np.minimum(values[i], values[j]), np.maximum(values[i], values[j])
    assert np.array_equal(values[side * side // 2], median)


def test_the_pyramid_stops_before_a_face_has_no_structure_left():
    assert level_shapes(128, 128, FlowSettings(scales=10)) == [(16, 16), (32, 32), (64, 64), (128, 128)]
    assert level_shapes(128, 96, FlowSettings(scales=2, scale_step=0.5)) == [(64, 48), (128, 96)]


def test_resampling_keeps_constants_and_places_pixel_centres():
    assert np.allclose(shrink_matrix(128, 64) @ np.ones(128), 1)
    assert np.allclose(grow_matrix(37, 64) @ np.ones(37), 1)
    ramp = np.arange(128.0)
    assert np.allclose((shrink_matrix(128, 64) @ ramp)[4:-4], (np.arange(64) * 2 + 0.5)[4:-4])
    assert np.allclose((grow_matrix(64, 128) @ np.arange(64.0))[2:-2], ((np.arange(128) + 0.5) / 2 - 0.5)[2:-2])
