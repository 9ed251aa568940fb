import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from ahmsa.face.geometry import MESH_LANDMARKS, canonical_points_px, mesh_points
from ahmsa.face.landmarks import FaceMesh
from ahmsa.face.tracker import FaceTracker
from ahmsa.settings import FaceSettings
from ahmsa.types import Frame

FPS = 30
RANDOM_PICTURE = np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8)


def mesh_at(x, y, interocular_px=80.0, nose_aside=0.0):
    """Landmarks of a canonical face around (x, y); nose_aside in half widths of the face."""
    points = canonical_points_px(128)
    points = (points - points.mean(axis=0)) * interocular_px / (points[1, 0] - points[0, 0])
    mesh = np.zeros((MESH_LANDMARKS, 2), np.float32)
    groups = ((33, 133, 159, 145, 158, 153), (362, 263, 386, 374, 385, 380), (1,), (61,), (291,))
    for group, point in zip(groups, points, strict=True):
        mesh[list(group)] = point
    mesh[234], mesh[454] = (-interocular_px, 0), (interocular_px, 0)
    mesh[1, 0] += nose_aside * interocular_px
    return mesh + np.float32([x, y])


class Script:
    """A detector that says what it was told to see; the last line is repeated."""

    def __init__(self, *lines):
        self.lines, self.calls = list(lines), 0

    def detect(self, image):
        line = self.lines[min(self.calls, len(self.lines) - 1)]
        self.calls += 1
        return line

    def close(self):
        pass


def follow(lines, frames=None, *, fps=FPS, image=RANDOM_PICTURE, **settings):
    """Faces of every frame."""
    tracker = FaceTracker(FaceSettings(**settings), Script(*lines))
    return [tracker.update(Frame(index, round(index * 1e9 / fps), image)) for index in range(frames or len(lines))]


def drifting(frames, pixels_per_frame=1.0):
    return [[mesh_at(320 + index * pixels_per_frame, 240)] for index in range(frames)]


def anchors(faces):
    return [face.anchor for [face] in faces]


def test_jitter_of_the_landmarks_never_moves_the_alignment():
    random = np.random.default_rng(1)
    lines = [[mesh_at(320, 240) + random.normal(0, 1.0, (MESH_LANDMARKS, 2)).astype(np.float32)] for _ in range(60)]
    faces = follow(lines)
    assert len(set(anchors(faces)[5:])) == 1
    assert all(np.array_equal(face.pixels, faces[10][0].pixels) for [face] in faces[10:])


def test_one_wild_detection_does_not_move_the_alignment():
    lines = [[mesh_at(320, 240)]] * 20 + [[mesh_at(350, 240)]] + [[mesh_at(320, 240)]] * 20
    assert set(anchors(follow(lines))) == {0}


def test_a_first_alignment_that_was_rough_is_renewed_once_when_five_fits_are_there():
    lines = [[mesh_at(324, 240)]] + [[mesh_at(320, 240)]] * 30
    seen = anchors(follow(lines))
    assert seen[:4] == [0] * 4
    assert set(seen[4:]) == {1}


def test_head_drift_renews_the_alignment():
    faces = follow(drifting(40))
    assert len(set(anchors(faces))) > 2
    canonical = canonical_points_px(128)
    for [face] in faces:
        assert np.abs(mesh_points(face.landmarks_px) - canonical).max() < 0.06 * 128 + 3


def test_faces_under_one_anchor_were_cut_by_one_alignment():
    by_anchor = {}
    for [face] in follow(drifting(40)):
        assert np.array_equal(by_anchor.setdefault(face.anchor, face.alignment), face.alignment)


def test_two_faces_keep_their_ids_whatever_order_they_are_found_in():
    left, right = mesh_at(180, 240), mesh_at(460, 240)
    faces = follow([[left, right], [right, left]] * 10, max_faces=2)
    assert all([face.face_id for face in both] == [0, 1] for both in faces)
    assert all(both[0].landmarks_px.shape == (MESH_LANDMARKS, 2) for both in faces)
    assert all(both[0].anchor != both[1].anchor for both in faces)


def test_a_face_that_comes_back_within_its_time_keeps_its_id():
    lines = [[mesh_at(320, 240)]] * 5 + [[]] * 20 + [[mesh_at(330, 240)]] * 5
    faces = follow(lines)
    assert faces[10] == []
    assert faces[-1][0].face_id == 0


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([[mesh_at(320, 240)]] * 5 + [[]] * 45 + [[mesh_at(320, 240)]] * 5, id="after 1.5 s"),
        pytest.param([[mesh_at(120, 240)]] * 5 + [[mesh_at(520, 240)]] * 5, id="elsewhere"),
    ],
)
def test_another_face_gets_another_id(lines):
    faces = follow(lines)
    assert faces[0][0].face_id == 0
    assert faces[-1][0].face_id == 1


def test_a_cut_to_another_person_in_the_same_place_is_a_lost_face_and_a_new_one():
    tracker = FaceTracker(FaceSettings(), Script(*[[mesh_at(320, 240)]] * 8))
    room = np.broadcast_to(np.linspace(0, 255, 640, dtype=np.uint8)[None, :, None], (480, 640, 3)).copy()
    pictures = [room] * 4 + [255 - room] * 4
    ids = [tracker.update(Frame(k, round(k * 1e9 / FPS), image))[0].face_id for k, image in enumerate(pictures)]
    assert ids == [0, 0, 0, 0, 1, 1, 1, 1]


def test_another_person_in_an_unchanged_room_is_a_lost_face_and_a_new_one():
    tracker = FaceTracker(FaceSettings(), Script([mesh_at(320, 240)]))
    room = np.broadcast_to(np.linspace(0, 255, 640, dtype=np.uint8)[None, :, None], (480, 640, 3)).copy()

    def with_face(seed):
        features = np.random.default_rng(seed).integers(40, 220, (8, 8, 1)).astype(np.uint8)
        picture = room.copy()
        picture[140:340, 220:420] = cv2.resize(features, (200, 200), interpolation=cv2.INTER_CUBIC)[..., None]
        return picture

    pictures = [with_face(1)] * 4 + [with_face(2)] * 4
    ids = [tracker.update(Frame(k, round(k * 1e9 / FPS), image))[0].face_id for k, image in enumerate(pictures)]
    assert ids == [0, 0, 0, 0, 1, 1, 1, 1]


def test_no_more_faces_than_asked_for():
    assert all(len(faces) == 1 for faces in follow([[mesh_at(180, 240), mesh_at(460, 240)]] * 3))


def test_landmarks_are_refreshed_by_time_and_not_by_frame():
    script = Script([mesh_at(320, 240)])
    tracker = FaceTracker(FaceSettings(landmark_interval_ms=30), script)
    for index in range(200):
        assert len(tracker.update(Frame(index, index * 5_000_000, RANDOM_PICTURE))) == 1
    assert script.calls == 34


@pytest.mark.parametrize(
    ("mesh", "image", "problem"),
    [
        (mesh_at(320, 240), RANDOM_PICTURE, None),
        (mesh_at(320, 240, interocular_px=30), RANDOM_PICTURE, "too_small"),
        (mesh_at(320, 240, nose_aside=1.0), RANDOM_PICTURE, "turned_away"),
        (mesh_at(320, 240), RANDOM_PICTURE // 8, "too_dark"),
        (mesh_at(320, 240), np.full_like(RANDOM_PICTURE, 120), "blurred"),
    ],
)
def test_a_face_that_cannot_be_judged_says_why(mesh, image, problem):
    [[face]] = follow([[mesh]], image=image)
    assert face.quality.problem == problem


def test_a_head_turned_to_its_left_has_a_positive_yaw():
    [[face]] = follow([[mesh_at(320, 240, nose_aside=0.75)]])
    assert face.quality.yaw_deg == pytest.approx(30, abs=1)
    assert face.quality.interocular_px == pytest.approx(80, abs=0.01)


def test_a_face_half_outside_the_picture_is_still_cut():
    [[face]] = follow([[mesh_at(5, 470)]])
    assert face.pixels.shape == (128, 128)


def portrait(shift_x=0):
    picture = cv2.resize(astronaut()[:300, 60:460, ::-1], (640, 480))
    return cv2.warpAffine(picture, np.float32([[1, 0, shift_x], [0, 1, 0]]), (640, 480), borderMode=cv2.BORDER_REPLICATE)


def test_a_real_face_lands_on_the_canonical_points():
    with FaceTracker(FaceSettings()) as tracker:
        for index in range(6):
            [face] = tracker.update(Frame(index, index * 33_000_000, portrait()))
    # One cell of the map is 4.6 px: faces differ by about as much, and a smile shifts lips and nose further.
    away = np.linalg.norm(mesh_points(face.landmarks_px) - canonical_points_px(128), axis=1)
    assert np.median(away) < 6.5
    assert away.max() < 12
    assert face.quality.problem is None


def test_a_large_picture_gives_the_same_crop_as_a_small_one():
    crops = []
    for times in (1, 3):
        picture = cv2.resize(portrait(), None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC)
        with FaceTracker(FaceSettings()) as tracker:
            crops += [tracker.update(Frame(index, index * 33_000_000, picture))[0] for index in range(6)][-1:]
    small, large = crops
    assert np.abs(small.landmarks_px - large.landmarks_px).max() < 2
    assert np.abs(small.pixels.astype(int) - large.pixels).mean() < 6
    assert large.quality.interocular_px == pytest.approx(3 * small.quality.interocular_px, rel=0.02)


def test_two_real_faces_keep_their_ids_and_places():
    both = np.concatenate([cv2.resize(astronaut()[:300, 100:380, ::-1], (320, 480))] * 2, axis=1)
    with FaceTracker(FaceSettings(max_faces=2)) as tracker:
        frames = [tracker.update(Frame(index, index * 33_000_000, both)) for index in range(10)]
    assert all([face.face_id for face in faces] == [0, 1] for faces in frames[3:])
    places = np.array([[face.alignment[0, 2] for face in faces] for faces in frames[3:]])
    assert np.ptp(places, axis=0).max() < 40  # an alignment may be renewed, the faces never swap: they are 320 px apart


def test_the_same_frames_give_the_same_faces():
    def run():
        with FaceTracker(FaceSettings(), FaceMesh()) as tracker:
            return [tracker.update(Frame(i, i * 33_000_000, portrait(3 * i)))[0] for i in range(8)]

    for first, second in zip(run(), run(), strict=True):
        assert np.array_equal(first.pixels, second.pixels)
        assert np.array_equal(first.landmarks_px, second.landmarks_px)
        assert (first.anchor, first.face_id) == (second.anchor, second.face_id)


def test_the_nose_is_nearer_than_the_ears_and_depth_has_the_scale_of_the_crop():
    with FaceTracker(FaceSettings()) as tracker:
        [face] = tracker.update(Frame(0, 0, portrait()))
    nose, ear, other_ear = face.depth_px[[1, 234, 454]]
    assert face.depth_px.shape == (MESH_LANDMARKS,)
    assert nose < -5
    assert 20 < (ear + other_ear) / 2 - nose < 128


def test_a_detector_may_know_no_depth():
    [[face]] = follow([[mesh_at(320, 240)]])
    assert face.landmarks_px.shape == (MESH_LANDMARKS, 2)
    assert face.depth_px.shape == (0,)
