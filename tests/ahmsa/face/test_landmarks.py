"""Our FaceMesh loop, held against landmarks that MediaPipe's own FaceMesh found in the same pictures (`make parity`).

Covers ahmsa.face.litert, ahmsa.synth.known.views.
"""

from pathlib import Path

import numpy as np
import pytest

from ahmsa.face.landmarks import FaceMesh
from ahmsa.synth.known.views import CLIPS, views
from benchmarks.parity import GOLDEN_LANDMARKS, GOLDEN_PER_PX, MAX_FACES, follow, in_order, jitter_px

GOLDEN = np.load(Path(__file__).parent / "golden" / "facemesh.npz")


def reference(name):
    whole = GOLDEN[name].astype(np.float32)
    return in_order(np.where(whole == -32768, np.nan, whole / GOLDEN_PER_PX))


@pytest.fixture(scope="module")
def ours():
    """Clip -> (n, faces, k, 3) landmarks, those of the golden data."""
    found = {name: follow(views(name), MAX_FACES.get(name, 1))[0] for name in CLIPS}
    return {name: in_order(landmarks[:, :, GOLDEN_LANDMARKS]) for name, landmarks in found.items()}


def present(landmarks):
    return ~np.isnan(landmarks[:, :, 0, 0])


@pytest.mark.parametrize("name", CLIPS)
def test_landmarks_lie_where_mediapipe_finds_them(ours, name):
    theirs = reference(name)
    both = present(ours[name]) & present(theirs)
    eyes = np.linalg.norm(theirs[both][:, 0, :2] - theirs[both][:, 1, :2], axis=1)
    apart = np.linalg.norm(ours[name][both][..., :2] - theirs[both][..., :2], axis=2).mean(axis=1) / eyes
    deeper = np.abs(ours[name][both][..., 2] - theirs[both][..., 2]).mean(axis=1) / eyes
    assert len(eyes) >= 15
    assert apart.mean() < 0.002
    assert apart.max() < 0.01
    assert deeper.max() < 0.01


@pytest.mark.parametrize("name", CLIPS)
def test_the_same_faces_are_found_and_lost(ours, name):
    assert np.array_equal(present(ours[name]).sum(axis=1), present(reference(name)).sum(axis=1))


def test_a_still_face_in_noise_shakes_no_more_than_with_mediapipe(ours):
    assert jitter_px(ours["noise"]) < 1.05 * jitter_px(reference("noise"))


def test_a_face_that_jumps_is_found_again_in_the_same_picture():
    pictures = list(views("leaves"))
    with FaceMesh() as mesh:
        assert len(mesh.detect(pictures[0])) == 1
        assert len(mesh.detect(np.roll(pictures[0], 250, axis=1))) == 1


def test_single_images_owe_nothing_to_those_before():
    pictures = list(views("roll"))
    with FaceMesh(static=True) as used, FaceMesh(static=True) as fresh:
        for picture in pictures[:5]:
            used.detect(picture)
        assert np.array_equal(used.detect(pictures[7])[0], fresh.detect(pictures[7])[0])


def test_no_more_faces_are_given_than_asked_for():
    picture = next(views("two faces"))
    for most in (1, 2):
        with FaceMesh(most) as mesh:
            assert [len(mesh.detect(picture)) for _ in range(3)] == [most] * 3


def test_an_empty_picture_holds_no_face():
    with FaceMesh() as mesh:
        assert mesh.detect(np.full((480, 640, 3), 90, np.uint8)) == []


def test_the_runtime_writes_nothing_to_the_screen(capfd):
    with FaceMesh() as mesh:
        mesh.detect(np.zeros((64, 64, 3), np.uint8))
    assert capfd.readouterr() == ("", "")
