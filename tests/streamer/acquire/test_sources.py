"""Covers streamer.acquire.playback."""

import itertools
import threading
import time

import cv2
import numpy as np
import pytest

from ahmsa.errors import SourceError, UsageError
from configs.schema import SourceSettings
from streamer.acquire.sources import SourceSpec, list_cameras, open_source

UNEVEN_MS = [0, 33, 66, 100, 250, 283, 300, 500, 533, 566, 600, 1000, 1033]
QUICK = SourceSettings(stall_s=0.3, reconnect_max_s=0.5, queue_frames=8)


def noise(count, size=(160, 120), seed=0):
    random = np.random.default_rng(seed)
    return [random.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8) for _ in range(count)]


def write_video(path, images, fps=30.0, codec="MJPG"):
    height, width = images[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*codec), fps, (width, height))
    for image in images:
        writer.write(image)
    writer.release()


def played(kind, where, **settings):
    with open_source(SourceSpec(kind, str(where)), SourceSettings(**settings), as_fast_as_possible=True) as source:
        frames = [frame for frame in source if frame is not None]
        captured, drops, waiting = source.account()
    assert (captured, drops, waiting) == (len(frames), {}, 0)
    return frames


def times_ms(frames):
    return [frame.t_capture_ns / 1e6 for frame in frames]


def until(source, condition, deadline_s=10.0):
    """Frames that come until the condition holds."""
    frames, end_s = [], time.monotonic() + deadline_s
    for frame in source:
        if frame is not None:
            frames.append(frame)
        if condition(source, frames):
            return frames
        assert time.monotonic() < end_s, f"waited in vain: {source.reason}, {source.account()}"
    raise AssertionError("the source has ended")


# Files


@pytest.mark.parametrize(("suffix", "codec"), [(".mp4", "mp4v"), (".avi", "MJPG"), (".mkv", "FFV1")])
def test_a_video_keeps_its_frames_and_their_times(tmp_path, suffix, codec):
    write_video(tmp_path / f"clip{suffix}", noise(12), 25.0, codec)
    frames = played("video", tmp_path / f"clip{suffix}")
    assert [frame.index for frame in frames] == list(range(12))
    assert times_ms(frames) == pytest.approx([index * 40 for index in range(12)], abs=0.51)
    assert frames[0].image.shape == (120, 160, 3)


def test_a_variable_frame_rate_is_respected(tmp_path, write_mkv):
    write_mkv(tmp_path / "uneven.mkv", noise(len(UNEVEN_MS)), UNEVEN_MS)
    assert times_ms(played("video", tmp_path / "uneven.mkv")) == UNEVEN_MS


def test_times_that_do_not_grow_are_mended_by_the_claimed_rate(tmp_path, write_mkv):
    write_mkv(tmp_path / "broken.mkv", noise(6), [0, 33, 66, 66, 66, 200])
    times = times_ms(played("video", tmp_path / "broken.mkv"))
    assert times[:3] == [0, 33, 66]
    assert times[-1] == 200
    assert all(later > earlier for earlier, later in itertools.pairwise(times))


def test_a_video_plays_at_its_own_speed(tmp_path):
    write_video(tmp_path / "clip.avi", noise(16), 30.0)
    start = time.monotonic()
    with open_source(SourceSpec("video", str(tmp_path / "clip.avi")), SourceSettings()) as source:
        late_s = [time.monotonic() - start - frame.t_capture_ns / 1e9 for frame in source if frame is not None]
    assert len(late_s) == 16
    assert min(late_s) >= 0  # never before its time


def test_a_playback_hands_out_none_while_the_next_frame_is_far_away(tmp_path, write_mkv):
    write_mkv(tmp_path / "pause.mkv", noise(2), [0, 700])
    with open_source(SourceSpec("video", str(tmp_path / "pause.mkv")), SourceSettings()) as source:
        handed_out = list(source)
    first, *waiting, last = handed_out
    assert first is not None
    assert last is not None
    assert waiting
    assert set(waiting) == {None}


def test_a_recording_gets_back_its_own_numbers_and_times(tmp_path):
    write_video(tmp_path / "video.mkv", noise(4), codec="FFV1")
    (tmp_path / "video.csv").write_text("index,t_capture_ns\n0,1000\n1,34000\n5,171000\n6,204001\n")
    frames = played("video", tmp_path / "video.mkv")
    assert [(frame.index, frame.t_capture_ns) for frame in frames] == [(0, 1000), (1, 34000), (5, 171000), (6, 204001)]


def test_a_table_of_something_else_beside_a_video_is_left_alone(tmp_path):
    write_video(tmp_path / "clip.avi", noise(3))
    (tmp_path / "clip.csv").write_text("onset_ms,apex_ms\n1,2\n")
    assert len(played("video", tmp_path / "clip.avi")) == 3


def test_a_video_that_is_cut_off_plays_what_is_there_and_then_says_so(tmp_path):
    write_video(tmp_path / "whole.mkv", noise(90))
    data = (tmp_path / "whole.mkv").read_bytes()
    (tmp_path / "part.mkv").write_bytes(data[: len(data) // 2])
    frames = []
    with (
        open_source(SourceSpec("video", str(tmp_path / "part.mkv")), SourceSettings(), as_fast_as_possible=True) as source,
        pytest.raises(SourceError, match=r"part\.mkv ends after \d+ of 90 frames"),
    ):
        frames.extend(source)
    assert 40 <= len(frames) <= 46


@pytest.mark.parametrize(
    ("data", "sentence"), [(b"", r"is empty \(0 bytes\)"), (b"\0\1 no video" * 500, "cannot be read as video")]
)
def test_what_is_no_video_is_told_so(tmp_path, data, sentence):
    (tmp_path / "clip.mp4").write_bytes(data)
    with pytest.raises(SourceError, match=sentence):
        played("video", tmp_path / "clip.mp4")


def test_a_cut_off_mp4_without_its_index_is_told_so(tmp_path):
    write_video(tmp_path / "whole.mp4", noise(30), codec="mp4v")
    data = (tmp_path / "whole.mp4").read_bytes()
    (tmp_path / "part.mp4").write_bytes(data[: len(data) // 2])
    with pytest.raises(SourceError, match="cut off"):
        played("video", tmp_path / "part.mp4")


def test_opencv_and_ffmpeg_keep_quiet_about_damaged_files(tmp_path, capfd):
    (tmp_path / "clip.avi").write_bytes(b"RIFF" + bytes(5000))
    with pytest.raises(SourceError):
        played("video", tmp_path / "clip.avi")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", ["video", "images"])
def test_a_missing_path_is_named(tmp_path, kind):
    with pytest.raises(SourceError, match="nowhere"):
        played(kind, tmp_path / "nowhere")


# Folders of images


def write_images(folder, numbers, name="img{:04d}.png"):
    for number, image in zip(numbers, noise(len(numbers)), strict=True):
        cv2.imwrite(str(folder / name.format(number)), image)


def test_images_play_in_the_order_of_their_numbers_and_a_missing_one_keeps_its_time(tmp_path):
    write_images(tmp_path, [9, 10, 11, 13, 100], name="reg_img{}.jpg")
    frames = played("images", tmp_path, fps=100.0)
    assert [frame.index for frame in frames] == [0, 1, 2, 4, 91]
    assert times_ms(frames) == [0, 10, 20, 40, 910]


def test_images_take_their_times_from_a_table(tmp_path):
    write_images(tmp_path, [1, 2, 3])
    (tmp_path / "timestamps.csv").write_text("file,t_ms\nimg0001.png,0\nimg0002.png,31.5\nimg0003.png,80\n")
    assert times_ms(played("images", tmp_path)) == [0, 31.5, 80]


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ("file,t_ms\nimg0001.png,0\n", "no line for img0002.png"),
        ("file,t_ms\nimg0001.png,50\nimg0002.png,20\n", "goes back in time at img0002.png"),
        ("name,time\nimg0001.png,50\n", "needs the columns file,t_ms"),
        ("file,t_ms\nimg0001.png,soon\n", "needs the columns file,t_ms"),
    ],
)
def test_a_wrong_table_of_times_is_told_so(tmp_path, table, sentence):
    write_images(tmp_path, [1, 2])
    (tmp_path / "timestamps.csv").write_text(table)
    with pytest.raises(SourceError, match=sentence):
        played("images", tmp_path)


@pytest.mark.parametrize(("numbers", "fps"), [([1, 2], 1e-300), ([1, 2], 1e-9), ([1, 999_999_999_999_999], 200.0)])
def test_images_that_no_clip_holds_are_told_so(tmp_path, numbers, fps):
    write_images(tmp_path, numbers)
    with pytest.raises(SourceError, match=f"img{numbers[-1]:04d}.png would lie more than 11 days after the first image"):
        played("images", tmp_path, fps=fps)


def test_an_empty_folder_is_told_so(tmp_path):
    (tmp_path / "notes.txt").write_text("3")
    with pytest.raises(SourceError, match="holds no numbered images"):
        played("images", tmp_path)


def test_an_unreadable_image_is_named(tmp_path):
    write_images(tmp_path, [1])
    (tmp_path / "img0002.png").write_bytes(b"no image")
    with pytest.raises(SourceError, match=r"img0002\.png is a damaged image"):
        played("images", tmp_path)


def test_two_clips_in_one_folder_are_told_so(tmp_path):
    write_images(tmp_path, [1, 2])
    write_images(tmp_path, [2], name="other{}.png")
    with pytest.raises(SourceError, match=r"other2\.png in .* has the number of another image"):
        played("images", tmp_path)


# The built-in clip


def test_the_demo_is_a_source_like_any_other():
    with open_source(SourceSpec("demo"), SourceSettings(), as_fast_as_possible=True) as source:
        frames = [frame for frame, _ in zip(source, range(3), strict=False)]
    assert source.name == "demo"
    assert [frame.index for frame in frames] == [0, 1, 2]
    assert frames[1].image.shape == (480, 640, 3)


# Cameras and streams


def test_a_network_camera_that_is_unplugged_comes_back(network_camera):
    camera = network_camera()
    with open_source(SourceSpec("url", camera.url), QUICK) as source:
        until(source, lambda source, frames: len(frames) >= 5)
        assert source.reason is None
        camera.unplug()
        until(source, lambda source, frames: source.reason is not None)
        assert source.reason
        camera.plug_in()
        later = until(source, lambda source, frames: source.reason is None and len(frames) >= 5)
        assert all(a.t_capture_ns < b.t_capture_ns for a, b in itertools.pairwise(later))
        assert source.reconnects >= 1


def test_a_camera_that_repeats_its_last_picture_is_offline(network_camera):
    camera = network_camera()
    with open_source(SourceSpec("url", camera.url), QUICK) as source:
        until(source, lambda source, frames: len(frames) >= 5)
        camera.freeze()
        until(source, lambda source, frames: source.reason is not None)
        assert source.account()[1]["duplicate"] > 0


def test_a_slow_reader_loses_the_oldest_frames_and_they_are_counted(network_camera):
    camera = network_camera(fps=200.0)
    with open_source(SourceSpec("url", camera.url), QUICK) as source:
        first = next(iter(source))
        end_s = time.monotonic() + 10
        while source.account()[1].get("queue_full", 0) < 20:
            assert time.monotonic() < end_s
            time.sleep(0.01)
        frames = until(source, lambda source, frames: len(frames) >= 12)
        captured, drops, waiting = source.account()
    handed_out = len(frames) + (first is not None)
    assert captured == handed_out + waiting + sum(drops.values())
    assert frames[0].index >= 20
    assert all(a.index < b.index for a, b in itertools.pairwise(frames))


def test_a_closed_camera_ends_its_iteration_and_leaves_no_thread(network_camera):
    with open_source(SourceSpec("url", network_camera().url), QUICK) as source:
        until(source, lambda source, frames: bool(frames))
    assert list(source) == []
    assert not [thread for thread in threading.enumerate() if thread.name == f"grab {source.name}"]


def test_a_camera_that_nobody_reads_yet_loses_nothing(network_camera):
    with open_source(SourceSpec("url", network_camera().url), QUICK) as source:
        assert source.account() == (0, {}, 0)
        assert source.reason is None
    assert list(source) == []


def test_an_address_without_a_camera_is_told_without_its_password():
    with pytest.raises(SourceError, match=r"no video comes from http://127\.0\.0\.1:9/video") as error:
        open_source(SourceSpec("url", "http://me:secret@127.0.0.1:9/video"), QUICK)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(("kind", "where"), [("url", "ftp://camera/x"), ("url", "camera.local"), ("camera", "front")])
def test_an_address_or_number_that_is_none_is_a_usage_error(kind, where):
    with pytest.raises(UsageError):
        open_source(SourceSpec(kind, where), QUICK)


def test_a_camera_that_is_not_there_is_told_so():
    assert 99 not in [camera.index for camera in list_cameras()]
    with pytest.raises(SourceError, match="camera 99"):
        open_source(SourceSpec("camera", "99"), QUICK)


@pytest.mark.parametrize(
    ("kind", "where", "name"),
    [
        ("camera", "0", "camera0"),
        ("video", "/some/My clip (2).mp4", "My-clip-2"),
        ("url", "rtsp://me:secret@10.0.0.7/live", "10-0-0-7"),
        ("images", "/data/sub01/EP02_01f", "EP02_01f"),
        ("demo", "", "demo"),
    ],
)
def test_a_source_has_a_name_that_fits_a_topic(kind, where, name):
    assert SourceSpec(kind, where).name == name
