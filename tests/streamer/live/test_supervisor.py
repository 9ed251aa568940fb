"""The whole program with its real processes, on a short clip: what it tells, and how it ends.

Covers streamer.live.capture_process, streamer.live.options, streamer.acquire.status.
"""

import os
import signal
import subprocess
import sys
import tempfile
from time import monotonic

import cv2
import msgspec
import psutil
import pytest

from ahmsa.errors import CheckpointError, RunError, StreamError
from ahmsa.settings import FaceSettings
from ahmsa.synth import clip_of, event
from configs.schema import LiveSettings, SourceSettings, StreamSettings
from fake_recogniser import run_fake_worker
from spotting.settings import SpotterSettings
from streamer.acquire.capture import CaptureStage
from streamer.acquire.sources import SourceSpec, open_source
from streamer.live import supervisor as live
from streamer.live.interrupts import InterruptError
from streamer.live.options import LiveOptions
from streamer.live.supervisor import LiveSession, run_live
from streamer.offline.replay import events
from streamer.session.reader import read_messages
from streamer.session.video import VideoRecorder
from streamer.stream import schema as wire


class Collector:
    """A view that keeps everything."""

    end_wanted = False

    def __init__(self):
        self.messages, self.notices, self.endpoint = [], [], None

    def opened(self, endpoint, mark=None, page=None):
        self.endpoint = endpoint

    def take(self, message):
        self.messages.append(message)

    def notice(self, text):
        self.notices.append(text)

    def tick(self):
        pass

    def forced(self):
        pass

    def closed(self):
        pass

    def of(self, kind):
        return [message for message in self.messages if isinstance(message, kind)]


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """A clip with one movement, kept without loss under its own capture times."""
    folder = tmp_path_factory.mktemp("clip")
    recorder = VideoRecorder(folder, "smile", 30.0)
    for frame in clip_of([event("positive", 2.6, 2.5)], duration_s=3.4, seed=3):
        recorder.write(frame)
    recorder.close()
    return recorder.path


@pytest.fixture
def options(video):
    def make(worker=None, **values):
        stream = StreamSettings(publish="tcp://127.0.0.1:*", worker=worker)
        values = {"sources": (SourceSpec("video", str(video)),), "as_fast_as_possible": True, **values}
        return LiveOptions(**{"settings": LiveSettings(stream=stream), **values})

    return make


@pytest.fixture
def fake_worker_process(monkeypatch):
    """Worker processes run a fake recogniser: torch and weights stay out of these tests."""
    monkeypatch.setattr(live, "run_worker", run_fake_worker)


@pytest.fixture(autouse=True)
def nothing_is_left_behind(tmp_path, monkeypatch):
    """No process, no socket file, whatever a test did."""
    sockets = tmp_path / "sockets"
    sockets.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(sockets))
    yield
    assert our_children() == []
    assert list(sockets.iterdir()) == []


def our_children():
    children = psutil.Process().children(recursive=True)
    return [child.pid for child in children if "resource_tracker" not in " ".join(child.cmdline())]


def assert_every_frame_is_accounted_for(view):
    for status in view.of(wire.StatusMessage):
        assert status.captured == status.processed + status.waiting + sum(status.dropped.values())
    last = view.messages[-1]
    assert (last.state, last.reason, last.captured) == ("ended", "source ended", 102)


def comparable(message):
    """Without what belongs to one run: session, publication, latencies."""
    bare = msgspec.structs.replace(message, session="", t_publish_ns=0, wall_time="")
    if isinstance(bare, wire.EmotionMessage | wire.SpotMessage):
        bare = msgspec.structs.replace(bare, latency_ms={})
    return wire.encode(bare)


def test_live_processes_tell_to_the_byte_what_a_replay_tells(options, start_worker, recogniser, video, tmp_path):
    view = Collector()
    run_live(options(start_worker(recogniser=recogniser).endpoint, record=tmp_path / "kept"), view)
    with open_source(SourceSpec("video", str(video)), SourceSettings(), as_fast_as_possible=True) as source:
        replayed = list(events(source, CaptureStage(FaceSettings(), SpotterSettings()), recogniser))
    for kind in (wire.SpotMessage, wire.EmotionMessage, wire.MotionMessage):
        mine = [comparable(message) for message in view.of(kind)]
        assert mine == [comparable(message) for message in replayed if isinstance(message, kind)]
        assert mine, f"the clip has no {kind}"
    assert sorted(map(wire.encode, read_messages(tmp_path / "kept"))) == sorted(map(wire.encode, view.messages))
    assert_every_frame_is_accounted_for(view)


def test_a_record_whose_end_cannot_be_written_is_a_failed_run(options, start_worker, tmp_path):
    kept = tmp_path / "kept"

    class Spoiler(Collector):
        """When the last frame was seen, a folder takes the place of the file that is written at the end."""

        def take(self, message):
            super().take(message)
            if getattr(message, "state", None) == "ended":
                (kept / "session.json").unlink()
                (kept / "session.json").mkdir()

    with pytest.raises(
        RunError, match=r"the end of the session could not be written into .*kept; what was written before is kept"
    ):
        run_live(options(start_worker().endpoint, record=kept), Spoiler())
    assert len(list(read_messages(kept))) > 0


def test_a_recorded_video_gives_the_same_events_again(options, start_worker, tmp_path):
    endpoint = start_worker().endpoint
    first, second = Collector(), Collector()
    run_live(options(endpoint, record=tmp_path / "kept", record_video="exact"), first)
    run_live(options(endpoint, sources=(SourceSpec("video", str(tmp_path / "kept" / "smile.mkv")),)), second)
    for kind in (wire.SpotMessage, wire.EmotionMessage):
        assert [comparable(m) for m in first.of(kind)] == [comparable(m) for m in second.of(kind)]
    assert {status.recording for status in first.of(wire.StatusMessage)} == {"video"}


def test_a_killed_worker_is_named_started_again_and_answers(options, fake_worker_process):
    with LiveSession(options(), (notices := []).append) as session:
        worker = next(child for child in session.children if child.name == "worker")
        os.kill(worker.pid, signal.SIGKILL)
        messages = run_to_the_end(session)
    assert notices == ["the worker process died (killed by SIGKILL); it is being started again"]
    assert [m.label for m in messages if isinstance(m, wire.EmotionMessage)] == ["positive"]
    assert messages[-1].worker.restarts == 1


def test_a_killed_capture_of_a_file_ends_the_run_and_is_named(options, start_worker):
    with LiveSession(options(start_worker().endpoint), print) as session:
        capture = next(child for child in session.children if child.name == "capture")
        os.kill(capture.pid, signal.SIGKILL)
        with pytest.raises(RunError, match="capture process died: killed by SIGKILL"):
            run_to_the_end(session)


def test_a_network_camera_that_goes_and_comes_back(options, start_worker, network_camera):
    camera = network_camera()
    settings = LiveSettings(
        source=SourceSettings(stall_s=0.4), stream=StreamSettings(publish="tcp://127.0.0.1:*", worker=start_worker().endpoint)
    )
    with LiveSession(options(sources=(SourceSpec("url", camera.url),), settings=settings), print) as session:
        assert await_state(session, "online").captured > 0
        camera.unplug()
        assert await_state(session, "offline").reason
        camera.plug_in()
        await_state(session, "online")
        session.finish("enough", lambda message: None)


@pytest.mark.parametrize(
    ("content", "words"), [(None, "no video file"), (b"", "empty"), (b"this is no video at all" * 99, "cannot be read")]
)
def test_a_file_that_cannot_be_read_is_one_sentence(options, start_worker, tmp_path, content, words):
    path = tmp_path / "bad.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RunError, match=words):
        run_live(options(start_worker().endpoint, sources=(SourceSpec("video", str(path)),)), Collector())


def test_a_file_that_is_cut_off_tells_what_was_found_and_then_fails(options, start_worker, video, tmp_path):
    whole = tmp_path / "whole.avi"
    capture = cv2.VideoCapture(str(video))
    writer = cv2.VideoWriter(str(whole), cv2.VideoWriter.fourcc(*"MJPG"), 30.0, (640, 480))
    for _ in range(60):
        writer.write(capture.read()[1])
    writer.release()
    cut = tmp_path / "cut.avi"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    view = Collector()
    with pytest.raises(RunError, match=r"cut off|cannot be read"):
        run_live(options(start_worker().endpoint, sources=(SourceSpec("video", str(cut)),)), view)
    assert view.messages[-1].reason == "failed"


def test_a_duration_ends_a_file_that_plays_on(options, start_worker):
    view = Collector()
    run_live(options(start_worker().endpoint, as_fast_as_possible=False, duration_s=0.5), view)
    assert view.messages[-1].reason == "duration"
    assert 0 < view.messages[-1].processed < 102


def test_a_checkpoint_of_another_crop_size_ends_the_run(options, start_worker, recogniser):
    class Other:
        model_id, device, crop_px = "other", "cpu", 96

    with pytest.raises(CheckpointError, match="96 px crops"):
        run_live(options(start_worker(recogniser=Other()).endpoint, as_fast_as_possible=False), Collector())


def test_a_worker_that_never_answers_is_a_failed_run(options):
    with pytest.raises(RunError, match=r"1 movement\(s\) got no answer from the recogniser at tcp://127.0.0.1:9"):
        run_live(options("tcp://127.0.0.1:9", answers_s=0.2), Collector())


def test_a_duration_without_any_recogniser_is_a_failed_run(options):
    with LiveSession(options("tcp://127.0.0.1:9", as_fast_as_possible=False), print) as session:
        message = None
        while not (isinstance(message, wire.SpotMessage) and message.phase == "confirmed"):
            assert session.over() is None, "the clip has one movement"
            message = session.stream.next(0.05)
        with pytest.raises(RunError, match="is it running"):
            session.finish("duration", lambda message: None)


def test_a_taken_port_ends_the_run_before_any_process_starts(options, start_worker):
    taken = start_worker().endpoint
    with pytest.raises(StreamError, match="in use"):
        run_live(options(settings=LiveSettings(stream=StreamSettings(publish=taken))), Collector())


def test_an_open_endpoint_is_warned_about(options, start_worker):
    stream = StreamSettings(publish="tcp://0.0.0.0:*", worker=start_worker().endpoint, insecure=True)
    with LiveSession(options(settings=LiveSettings(stream=stream)), (notices := []).append):
        assert "can be read by anyone" in notices[0]


def test_a_signal_in_the_middle_of_the_end_leaves_nothing_behind(options, start_worker):
    class Late(Collector):
        def take(self, message):
            super().take(message)
            if isinstance(message, wire.StatusMessage) and message.state == "ended":
                os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(InterruptError):
        run_live(options(start_worker().endpoint, duration_s=0.1), Late())


def test_processes_that_no_longer_listen_are_killed_at_the_end(options, fake_worker_process):
    with LiveSession(options(as_fast_as_possible=False), print) as session:
        frozen = session.children
        for child in frozen:
            os.kill(child.pid, signal.SIGSTOP)
        session.finish("ended by key", lambda message: None)
        assert {child.name for child in frozen if not child.alive} == {"capture", "worker"}


def test_the_capture_process_does_without_torch(video):
    code = f"""
import sys
import zmq
from configs.schema import LiveSettings
from streamer.live.capture_process import CaptureTask, run_capture
from streamer.acquire.sources import SourceSpec
context = zmq.Context()
hub = context.socket(zmq.PULL)
port = hub.bind_to_random_port("tcp://127.0.0.1")
seen = iter([False] * 10 + [True] * 9999)
task = CaptureTask(SourceSpec("video", {str(video)!r}), LiveSettings(), f"tcp://127.0.0.1:{{port}}", True)
run_capture(task, lambda: next(seen))
assert hub.recv_multipart()[1] == b"message"
context.destroy(linger=0)
print(sorted({{"torch", "sklearn", "rich", "typer"}} & set(sys.modules)))
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert found.stdout.strip() == "[]", found.stderr


def run_to_the_end(session, timeout_s=60):
    """What `run_live` does, without signals; returns all messages."""
    messages, until_s = [], monotonic() + timeout_s
    while (reason := session.over()) is None:
        assert monotonic() < until_s, "the run does not end"
        message = session.stream.next(0.05)
        if message is not None:
            session.note(message)
            messages.append(message)
    session.finish(reason, messages.append)
    return messages


def await_state(session, state, timeout_s=30):
    """The next status with that state."""
    until_s = monotonic() + timeout_s
    while monotonic() < until_s:
        assert session.over() is None
        message = session.stream.next(0.05)
        if isinstance(message, wire.StatusMessage) and message.state == state and message.captured:
            return message
    raise AssertionError(f"the source was never {state}")
