"""Camera frames of the clip generator.

Covers ahmsa.synth.camera, ahmsa.synth.drawing.portrait, ahmsa.synth.drawing.render, ahmsa.synth.drawing.openings,
ahmsa.synth.scenario.moment.
"""

from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
import pytest

from ahmsa.errors import DataError
from ahmsa.face.landmarks import FaceMesh
from ahmsa.synth import (
    MIXED,
    NUISANCES,
    Disturbance,
    Scenario,
    SyntheticClip,
    clip_of,
    demo_clip,
    event,
    script_of,
    write_video,
)
from ahmsa.synth.drawing.portrait import CAMERA_PER_FACE
from ahmsa.synth.drawing.render import WHOLE_PICTURE, Renderer
from ahmsa.synth.scenario.moment import Moment
from ahmsa.synth.scenario.performance import Performance


@pytest.fixture(scope="module")
def renderer():
    return Renderer(grey=False, box=WHOLE_PICTURE)


def changed(one, other, levels=12):
    """Rows and columns of the pixels that differ."""
    return np.nonzero(cv2.absdiff(one, other).max(axis=2) > levels)


def test_frames_are_bgr_pictures_stamped_by_their_number():
    frames = list(clip_of(duration_s=0.2, fps=50))
    assert [f.index for f in frames] == list(range(10))
    assert [f.t_capture_ns for f in frames] == [20_000_000 * k for k in range(10)]
    assert frames[0].image.shape == (480, 640, 3)
    assert frames[0].image.dtype == np.uint8


def test_a_frame_depends_on_script_and_number_only():
    everything = dict.fromkeys(NUISANCES, 1.0)
    scenario = Scenario(seed=6, duration_s=6, quiet_start_s=0.5, micro_per_minute=60, nuisances=everything, overlap=1.0)
    forwards = {f.index: f for f in SyntheticClip(scenario)}
    other = SyntheticClip(scenario)
    assert 100 < len(forwards) < 180
    for index in (170, 3, 99, *range(60, 72), 42):
        frame = other.frame(index)
        if index in forwards:
            assert frame.t_capture_ns == forwards[index].t_capture_ns
            assert np.array_equal(frame.image, forwards[index].image)
        else:
            assert frame is None
    another = SyntheticClip(replace(scenario, seed=7)).frame(3)
    assert not np.array_equal(another.image, forwards[3].image)


def test_writing_into_a_frame_does_not_change_the_clip():
    clip = clip_of(duration_s=1)
    before = clip.frame(5).image.copy()
    clip.frame(5).image[:] = 0
    assert np.array_equal(clip.frame(5).image, before)


@pytest.mark.parametrize(("label", "amplitude_px"), [("positive", 2.5), ("surprise", 1.0), ("negative", 2.0)])
def test_the_skin_moves_by_the_amplitude_that_the_truth_claims(renderer, label, amplitude_px):
    """The apex picture is the rest picture, moved by the claimed field: of all multiples of it, the single one fits best."""
    clip_motion = Performance(clip_of([event(label, 1.0, amplitude_px)], seed=3).script).at(1165.0).motions[0]
    motion, amplitude = clip_motion
    assert amplitude == pytest.approx(amplitude_px)
    axis = np.arange(0, 128, dtype=np.float32)
    assert np.hypot(*motion.field(axis, axis)).max() * amplitude == pytest.approx(amplitude_px, rel=0.02)

    rest, apex = renderer.picture(Moment()), renderer.picture(Moment(motions=[clip_motion]))
    factors = np.arange(0.5, 1.55, 0.1, dtype=np.float32)
    y, x = np.mgrid[117:322, 218:423].astype(np.float32)
    face_x, face_y = (x[0] - 218) / CAMERA_PER_FACE, (y[:, 0] - 117) / CAMERA_PER_FACE
    u, v = motion.field(face_x.astype(np.float32), face_y.astype(np.float32)) * np.float32(amplitude * CAMERA_PER_FACE)
    errors = [
        np.abs(cv2.remap(rest, x - f * u, y - f * v, cv2.INTER_CUBIC).astype(float) - apex[117:322, 218:423]).mean()
        for f in factors
    ]
    assert factors[int(np.argmin(errors))] == pytest.approx(1.0, abs=0.01)


def test_optical_flow_sees_a_smile_at_the_mouth_and_nowhere_else(renderer):
    motion = Performance(clip_of([event("positive", 1.0, 2.5)], seed=1).script).at(1165.0).motions[0]
    rest, apex = (cv2.cvtColor(renderer.picture(m), cv2.COLOR_BGR2GRAY) for m in (Moment(), Moment(motions=[motion])))
    flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(rest, apex, None) / CAMERA_PER_FACE
    size = np.hypot(flow[..., 0], flow[..., 1])
    mouth, brows = size[235:290, 260:390], size[140:175, 240:400]
    assert 1.5 < np.percentile(mouth, 99) < 3.0
    assert np.percentile(brows, 90) < 0.3


def test_the_background_stands_still(renderer):
    turned = renderer.picture(Moment(roll_deg=6, shift_x=5, yaw_deg=10))
    rows, columns = changed(renderer.picture(Moment()), turned)
    assert columns.min() > 96
    assert columns.max() < 552
    assert len(rows) > 5000


def test_a_blink_moves_the_lids_and_not_the_mouth(renderer):
    rest, shut = renderer.picture(Moment()), renderer.picture(Moment(closure=1.0))
    rows, columns = changed(rest, shut)
    landmarks = renderer.landmarks(Moment())
    eyes = landmarks[[33, 133, 159, 145, 362, 263, 386, 374]]
    assert eyes[:, 1].min() - 20 < rows.min() <= rows.max() < eyes[:, 1].max() + 8
    assert eyes[:, 0].min() - 4 < columns.min() <= columns.max() < eyes[:, 0].max() + 4
    iris = (
        slice(int(landmarks[159, 1] + 5), int(landmarks[145, 1] - 4)),
        slice(int(landmarks[159, 0]) - 4, int(landmarks[159, 0]) + 4),
    )
    assert shut[iris].mean() > rest[iris].mean() + 25, "skin hides the iris"


def test_what_was_drawn_before_leaves_no_trace(renderer):
    rest = renderer.picture(Moment())
    renderer.picture(Moment(closure=0.7, lip_gap_px=4.0))
    assert np.array_equal(renderer.picture(Moment()), rest)


def test_an_open_mouth_shows_darkness_and_lowers_the_chin(renderer):
    closed, wide = Moment(), Moment(lip_gap_px=5.0)
    before, after = renderer.landmarks(closed), renderer.landmarks(wide)
    assert after[14, 1] - before[14, 1] == pytest.approx(5 * CAMERA_PER_FACE, rel=0.1)
    assert after[152, 1] - before[152, 1] > 3
    assert np.abs(after[[13, 1, 61, 291, 105, 334]] - before[[13, 1, 61, 291, 105, 334]]).max() < 0.5
    x, y = int(before[14, 0]), int(before[14, 1]) + 4
    assert renderer.picture(wide)[y, x].mean() < 60 < renderer.picture(closed)[y, x].mean()


def test_landmarks_go_where_the_picture_goes(renderer):
    moment = Moment(roll_deg=5, shift_x=4, shift_y=-3, yaw_deg=8, pitch_deg=-5)
    with FaceMesh(static=True) as mesh:
        found = mesh.detect(renderer.picture(moment))[0][:, :2]
        rest = mesh.detect(renderer.picture(Moment()))[0][:, :2]
    steady = [1, 6, 33, 133, 362, 263, 61, 291, 152, 168, 4]
    claimed = (renderer.landmarks(moment) - renderer.landmarks(Moment()))[:, :2]
    assert np.abs((found - rest - claimed)[steady]).mean() < 2.0


def test_face_mesh_finds_the_face_whatever_happens():
    clip = SyntheticClip(Scenario(seed=3, duration_s=20, nuisances=MIXED, macro_per_minute=10))
    with FaceMesh() as mesh:
        assert all(len(mesh.detect(clip.frame(k).image)) == 1 for k in range(0, 600, 20) if clip.frame(k) is not None)


def test_light_follows_its_script():
    clip = clip_of(nuisances=[Disturbance("light_step", 500, 1500)], noise_levels=0, duration_s=2)
    before, during, after = (float(clip.frame(k).image.mean()) for k in (10, 30, 50))
    assert abs(during / before - 1) > 0.1
    assert after == before


def test_sensor_noise_has_the_strength_it_claims():
    clip = clip_of(noise_levels=3.0, duration_s=1)
    one, two = (cv2.cvtColor(clip.frame(k).image, cv2.COLOR_BGR2GRAY)[50:150, 450:600].astype(float) for k in (1, 2))
    assert (one - two).std() / 2**0.5 == pytest.approx(3.0, rel=0.1)


def test_compression_coarsens_the_picture():
    raw = clip_of(noise_levels=0, duration_s=1).frame(3).image
    coded = clip_of([], [Disturbance("compression", 0, 1000)], noise_levels=0, duration_s=1).frame(3).image
    assert 0.3 < np.abs(raw.astype(int) - coded).mean() < 6


def test_duplicates_repeat_the_picture_to_the_bit_under_new_stamps():
    frames = list(clip_of(nuisances=[Disturbance("duplicates", 0, 2000)], duration_s=2))
    repeated = [np.array_equal(a.image, b.image) for a, b in pairwise(frames)]
    assert 8 <= sum(repeated) <= 28
    assert all(a.t_capture_ns < b.t_capture_ns for a, b in pairwise(frames))


def test_dropped_frames_keep_their_numbers_and_a_stall_delivers_nothing():
    dropped = [f.index for f in clip_of(nuisances=[Disturbance("dropped", 0, 4000)], duration_s=4)]
    assert 95 <= len(dropped) < 118
    assert dropped == sorted(set(dropped))
    stalled = clip_of(nuisances=[Disturbance("stall", 1000, 1500)], duration_s=2)
    assert [f.index for f in stalled] == [*range(30), *range(45, 60)]
    assert stalled.frame(35) is None


@pytest.mark.parametrize("kind", ["jitter", "variable_rate"])
def test_late_stamps_stay_in_order(kind):
    stamps = np.array([f.t_capture_ns for f in clip_of(nuisances=[Disturbance(kind, 0, 2000)], duration_s=1)])
    steps = np.diff(stamps) / 1e6
    assert steps.min() > 5
    assert steps.std() > 3


def test_a_face_that_is_away_is_out_of_the_picture():
    clip = clip_of(nuisances=[Disturbance("away", 200, 2400)], duration_s=2.6)
    with FaceMesh(static=True) as mesh:
        assert [len(mesh.detect(clip.frame(k).image)) for k in (0, 40, 77)] == [1, 0, 1]


def test_the_demo_has_all_classes_a_quiet_start_and_a_face_in_every_frame():
    clip = demo_clip()
    assert len(clip.truth) == 8
    assert {e.label for e in clip.truth} == {"negative", "positive", "surprise"}
    assert all(1 <= e.amplitude_px <= 3 for e in clip.truth)
    assert min(e.onset_ms for e in clip.truth) > 3000
    assert clip.truth[-1].offset_ms < 39_000
    with FaceMesh() as mesh:
        assert all(len(mesh.detect(clip.frame(k).image)) == 1 for k in range(0, 1200, 60))


@pytest.mark.parametrize(("name", "codec"), [("clip.mp4", "mp4v"), ("clip.avi", "MJPG")])
def test_a_written_video_reads_back_with_its_truth_beside_it(tmp_path, name, codec):
    clip = clip_of([event("positive", 0.2)], duration_s=0.8)
    write_video(clip, tmp_path / name, codec)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([name, "clip.truth.csv"])
    video = cv2.VideoCapture(str(tmp_path / name))
    try:
        assert video.get(cv2.CAP_PROP_FRAME_COUNT) == 24
        assert video.get(cv2.CAP_PROP_FPS) == pytest.approx(30)
        ok, image = video.read()
    finally:
        video.release()
    assert ok
    assert np.abs(image.astype(int) - clip.frame(0).image).mean() < 8


def test_an_unknown_codec_is_named(tmp_path, capfd):
    with pytest.raises(DataError, match="mp4v"):
        write_video(clip_of(duration_s=0.1), tmp_path / "clip.avi", "QQQQ")
    assert list(tmp_path.iterdir()) == []


def test_the_longest_scripts_are_drawn_at_once():
    script = script_of(Scenario(duration_s=1800, nuisances=MIXED))
    assert len(script.events) > 300
