import numpy as np
import pytest

from ahmsa.errors import DataError, DeviceError
from ahmsa.face.geometry import canonical_points_px, face_mask
from ahmsa.flow.maker import FlowMaker
from ahmsa.flow.maps import min_max
from ahmsa.flow.strain import strain_magnitude
from ahmsa.settings import FlowSettings
from ahmsa.synth.known.pairs import known_expression, known_pair
from ahmsa.types import FacePair
from fake_faces import face

KEEP = FlowSettings(head_motion="keep")
SIDE = 128


@pytest.fixture(scope="module")
def pair():
    return known_pair(1, 2.0, 1.0)


def faces_of(onset, apex):
    return FacePair(face(pixels=onset, landmarks_px=None), face(pixels=apex, landmarks_px=None))


def flow_map(pair, settings):
    (seen,) = FlowMaker(settings).maps([faces_of(pair.onset, pair.apex)])
    return seen


def test_a_map_is_the_flow_of_the_crop_averaged_down_and_scaled(pair):
    cv2 = pytest.importorskip("cv2")
    seen = flow_map(pair, KEEP)
    flow = FlowMaker(KEEP).flow(pair.onset[None], pair.apex[None])[0]
    channels = np.concatenate([flow, strain_magnitude(flow)[None]])
    expected = min_max(np.stack([cv2.resize(c, (28, 28), interpolation=cv2.INTER_AREA) for c in channels]))
    assert seen.uvs.shape == (3, 28, 28)
    assert seen.uvs.dtype == np.float32
    assert np.allclose(seen.uvs, expected, atol=1e-6)
    assert seen.uvs.min(axis=(1, 2)).tolist() == [0, 0, 0]
    assert seen.uvs.max(axis=(1, 2)).tolist() == [1, 1, 1]


def test_amplitudes_are_kept_because_scaling_takes_them_away(pair):
    seen = flow_map(pair, KEEP)
    truth = np.hypot(*pair.flow)[face_mask(SIDE, SIDE)]
    assert seen.peak_px == pytest.approx(np.percentile(truth, 98), rel=0.15)
    assert seen.mean_px == pytest.approx(truth.mean(), rel=0.2)
    assert 0 < seen.strain_peak < 0.5


def test_a_face_at_rest_has_a_zero_map_and_no_amplitude():
    flat = np.full((SIDE, SIDE), 120, dtype=np.uint8)
    for settings in (KEEP, FlowSettings(), FlowSettings(backend="opencv"), FlowSettings(backend="torch")):
        (seen,) = FlowMaker(settings).maps([faces_of(flat, flat)])
        assert not seen.uvs.any()
        assert (seen.peak_px, seen.mean_px, seen.strain_peak) == (0, 0, 0)


def test_noise_alone_has_a_tiny_peak_although_its_map_is_as_loud_as_any():
    still = known_pair(0, 0.0, 1.5)
    seen = flow_map(still, FlowSettings())
    assert seen.uvs.max() == 1
    assert seen.peak_px < 0.15


@pytest.mark.parametrize("label", ["negative", "positive"])
def test_torch_and_opencv_draw_the_same_map(label):
    moved = known_expression(label, 1, 2.0)
    ours, theirs = (flow_map(moved, FlowSettings(head_motion="keep", backend=b)).uvs for b in ("torch", "opencv"))
    u, v, strain = (np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(ours, theirs, strict=True))
    assert min(u, v) >= 0.97
    assert strain >= 0.95  # a derivative: where the two interpolate images differently, it shows


def test_torch_and_the_compiled_kernel_agree_to_a_hundredth_of_a_pixel(pair):
    torch_flow, compiled = (
        FlowMaker(FlowSettings(backend=backend)).flow(pair.onset[None], pair.apex[None]) for backend in ("torch", "compiled")
    )
    assert np.hypot(*(torch_flow - compiled)[0]).mean() < 0.01


def test_memory_layout_and_number_type_do_not_change_the_flow(pair):
    maker = FlowMaker(KEEP)
    onset, apex = pair.onset[None], pair.apex[None]
    expected = maker.flow(onset, apex)
    assert np.array_equal(maker.flow(onset.astype(np.float64), apex.astype(np.float32)), expected)
    assert np.allclose(maker.flow(onset.astype(np.uint16) * 257, apex.astype(np.uint16) * 257), expected, atol=1e-4)
    assert np.array_equal(maker.flow(np.asfortranarray(onset), apex[:, ::-1][:, ::-1]), expected)
    assert np.array_equal(maker.flow(onset.astype(">u2").astype(np.float16), apex), expected)


@pytest.mark.parametrize(
    ("onset", "apex", "says"),
    [
        (np.zeros((SIDE, SIDE)), np.zeros((SIDE, SIDE)), "batch, height, width"),
        (np.zeros((1, SIDE, SIDE, 3)), np.zeros((1, SIDE, SIDE)), "batch, height, width"),
        (np.zeros((1, SIDE, SIDE)), np.zeros((1, SIDE, 96)), "differ in size"),
        (np.zeros((1, SIDE, SIDE)), np.zeros((2, SIDE, SIDE)), "differ in size"),
        (np.zeros((1, 8, 8)), np.zeros((1, 8, 8)), "at least 16 px"),
        (np.zeros((1, SIDE, SIDE), np.int32), np.zeros((1, SIDE, SIDE)), "int32"),
        (np.full((1, SIDE, SIDE), np.nan), np.zeros((1, SIDE, SIDE)), "NaN"),
        (np.zeros((1, SIDE, SIDE)), np.full((1, SIDE, SIDE), np.inf), "NaN or infinite"),
    ],
)
def test_images_that_cannot_have_a_flow_are_named_in_a_sentence(onset, apex, says):
    with pytest.raises(DataError, match=says):
        FlowMaker(KEEP).flow(onset, apex)


def test_a_start_of_another_shape_is_refused(pair):
    with pytest.raises(DataError, match="initial flow"):
        FlowMaker(KEEP).flow(pair.onset[None], pair.apex[None], np.zeros((1, 2, 64, 64), np.float32))


def test_crops_of_two_sizes_in_one_batch_are_refused(pair):
    small = known_pair(0, 1.0, side=64)
    with pytest.raises(DataError, match="several crop sizes"):
        FlowMaker(KEEP).maps([faces_of(pair.onset, pair.apex), faces_of(small.onset, small.apex)])


def test_nothing_in_gives_nothing_out():
    maker = FlowMaker(KEEP)
    assert maker.maps([]) == []
    assert maker.flow(np.zeros((0, SIDE, SIDE)), np.zeros((0, SIDE, SIDE))).shape == (0, 2, SIDE, SIDE)


def test_a_device_that_is_missing_is_an_error_of_ours():
    with pytest.raises(DeviceError):
        FlowMaker(KEEP, "cuda:99")


@pytest.mark.parametrize("backend", ["torch", "opencv", "compiled"])
def test_every_backend_takes_a_start(pair, backend):
    maker = FlowMaker(FlowSettings(backend=backend, scales=1, warps=1))
    flow = maker.flow(pair.onset[None], pair.apex[None], pair.flow[None])
    assert np.hypot(*(flow[0] - pair.flow)).mean() < 0.15


def test_the_canonical_face_lies_inside_the_face_mask():
    mask = face_mask(SIDE, SIDE)
    for x, y in canonical_points_px(SIDE).round().astype(int):
        assert mask[y, x]
    assert not mask[0, 0]
    assert not mask[-1, -1]
