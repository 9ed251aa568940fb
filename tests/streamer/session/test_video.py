import stat

import numpy as np
import pytest

from ahmsa.types import Frame
from streamer.acquire.video_file import video_frames
from streamer.session.video import VideoRecorder


def pictures(count=12):
    """Smooth pictures that change, as a camera's do, at uneven times."""
    y, x = np.mgrid[:120, :160]
    for k in range(count):
        plane = (127 + 100 * np.sin((x + 3 * k) / 20) * np.cos(y / 15)).astype(np.uint8)
        yield Frame(2 * k, 5_000_000_000 + k * 33_366_667 + (k % 3) * 1_000_000, np.stack([plane] * 3, axis=-1))


def recorded(folder, kind, faces=()):
    recorder = VideoRecorder(folder, "talk", 30.0, kind)
    for frame in pictures():
        recorder.write(frame, faces)
    recorder.close()
    return list(video_frames(recorder.path)[1])


@pytest.mark.parametrize("kind", ["exact", "h264"])
def test_every_frame_comes_back_under_its_own_number_and_time(tmp_path, kind):
    back, were = recorded(tmp_path, kind), list(pictures())
    assert [(one.index, one.t_capture_ns) for one in back] == [(one.index, one.t_capture_ns) for one in were]


@pytest.mark.parametrize("kind", ["exact", "h264"])
def test_pictures_of_people_are_for_their_owner_alone(tmp_path, kind):
    recorded(tmp_path, kind)
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {
        "talk.mkv": 0o600,
        "talk.csv": 0o600,
    }


def test_exact_is_exact_and_h264_is_nearly_so_and_much_smaller(tmp_path):
    for kind in ("exact", "h264"):
        (tmp_path / kind).mkdir()
    exact, small = recorded(tmp_path / "exact", "exact"), recorded(tmp_path / "h264", "h264")
    assert all((one.image == were.image).all() for one, were in zip(exact, pictures(), strict=True))
    errors = [np.abs(one.image.astype(int) - were.image).mean() for one, were in zip(small, pictures(), strict=True)]
    assert max(errors) < 3
    assert (tmp_path / "h264" / "talk.mkv").stat().st_size < 0.2 * (tmp_path / "exact" / "talk.mkv").stat().st_size


def test_an_h264_file_shows_its_pictures_at_the_times_of_their_capture(tmp_path):
    recorded(tmp_path, "h264")
    (tmp_path / "talk.csv").unlink()
    shown = [frame.t_capture_ns / 1e6 for frame in video_frames(tmp_path / "talk.mkv")[1]]
    were = [(frame.t_capture_ns - 5_000_000_000) / 1e6 for frame in pictures()]
    assert shown == pytest.approx(were, abs=0.6)


def test_face_keeps_the_face_alone_and_nothing_without_one(tmp_path, make_face):
    one = make_face(0)
    # The crop lies at (20, 10) to (84, 74) of the picture, its landmarks all over it.
    object.__setattr__(one, "alignment", np.array([[2.0, 0, -40], [0, 2.0, -20]]))
    for name in ("with", "without"):
        (tmp_path / name).mkdir()
    seen = recorded(tmp_path / "with", "face", [one])[5].image
    assert seen[30:60, 40:70].mean() > 60
    assert seen[:, 110:].mean() < 3
    assert max(frame.image.mean() for frame in recorded(tmp_path / "without", "face")) < 3
