"""Stories of what goes wrong from outside: processes killed and stopped at moments that nobody chose, terminals closed, cameras
that misbehave. The program as a user starts it, in processes of its own."""

import os
import pty
import random
import select
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import psutil
import pytest

from configs.schema import LiveSettings, SourceSettings, StreamSettings
from fake_recogniser import run_fake_worker
from streamer.acquire.sources import SourceSpec
from streamer.live import care, supervisor
from streamer.live.options import LiveOptions
from streamer.live.supervisor import LiveSession
from streamer.session.reader import read_messages, read_session
from streamer.stream import schema as wire
from streamer.stream.client import EmotionStream

BIN = Path(sys.executable).parent
SEED = 5


@pytest.fixture
def live(tmp_path, start_worker):
    """Starts `ahmsa-live --demo`; kills what is left of it."""
    started = []

    def start(*arguments, **values):
        sockets = tmp_path / "sockets"
        sockets.mkdir(exist_ok=True)
        endpoint = f"ipc://{tmp_path}/stream"
        command = [BIN / "ahmsa-live", "--demo", "--publish", endpoint, "--worker", start_worker().endpoint, *arguments]
        values = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **values}
        environment = {**os.environ, "TMPDIR": str(sockets), "COLUMNS": "200"}
        started.append(subprocess.Popen(list(map(str, command)), env=environment, **values))
        return started[-1], endpoint

    yield start
    for program in started:
        program.kill()
        program.wait()
        for pipe in (program.stdout, program.stderr):
            if pipe is not None:
                pipe.close()


def test_what_a_subscriber_had_when_the_parent_was_killed_is_in_the_record(live, tmp_path):
    program, endpoint = live("--headless", "--as-fast-as-possible", "--record", tmp_path / "kept")
    heard, wanted = [], random.Random(SEED).randrange(40, 160)
    with EmotionStream(endpoint, ["emotion.", "spot.", "motion.", "status."], high_water_mark=0) as stream:
        while len(heard) < wanted:
            message = stream.next(60.0)
            assert message is not None
            heard.append(message)
        children = psutil.Process(program.pid).children(recursive=True)
        program.kill()
        while (message := stream.next(0.3)) is not None:
            heard.append(message)
    recorded = set(map(wire.encode, read_messages(tmp_path / "kept")))
    assert [message for message in heard if wire.encode(message) not in recorded] == []
    assert read_session(tmp_path / "kept").ended is None
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == [], "no process is left"
    assert list((tmp_path / "sockets").iterdir()) == [], "no socket file is left"


def test_a_sigterm_to_the_whole_group_ends_in_order_and_without_a_word(live, tmp_path):
    program, endpoint = live("--headless", "--record", tmp_path / "kept", start_new_session=True)
    with EmotionStream(endpoint, ["motion."]) as stream:
        assert stream.next(60.0) is not None
    os.killpg(program.pid, signal.SIGTERM)
    _, errors = program.communicate(timeout=30)
    assert (program.returncode, errors) == (143, b"")
    assert read_session(tmp_path / "kept").reason == "interrupted"


def test_a_closed_terminal_ends_the_run_as_sighup_does_and_without_a_traceback(live, tmp_path):
    terminal, line = pty.openpty()
    with (tmp_path / "errors").open("wb") as errors:
        program, endpoint = live(stdin=line, stdout=line, stderr=errors)
    os.close(line)
    with EmotionStream(endpoint, ["motion."]) as stream:
        until_s = monotonic() + 60
        while stream.next(0.02) is None:  # somebody looks at it meanwhile
            assert monotonic() < until_s
            if select.select([terminal], [], [], 0)[0]:
                os.read(terminal, 1 << 16)
    os.close(terminal)
    assert program.wait(timeout=30) == 129
    assert b"Traceback" not in (tmp_path / "errors").read_bytes()


@pytest.fixture
def start_session(network_camera, tmp_path, monkeypatch):
    """Starts a session on a network camera, with impatient watchers. worker: an endpoint, or None for a process of its own."""
    sockets = tmp_path / "sockets"
    sockets.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(sockets))
    monkeypatch.setattr(care, "SILENT_S", 1.0)
    monkeypatch.setattr(care, "WORKER_SILENT_S", 2.0)
    monkeypatch.setattr(supervisor, "run_worker", run_fake_worker)

    @contextmanager
    def start(worker=None):
        camera, notices = network_camera(), []
        stream = StreamSettings(publish="tcp://127.0.0.1:*", worker=worker, status_s=0.2)
        settings = LiveSettings(source=SourceSettings(stall_s=0.5), stream=stream)
        options = LiveOptions(sources=(SourceSpec("url", camera.url),), settings=settings, record=tmp_path / "kept")
        with LiveSession(options, notices.append) as session:
            yield session, camera, notices

    return start


@pytest.fixture
def camera_session(start_session, start_worker):
    with start_session(start_worker().endpoint) as started:
        yield started


def until(session, wanted, timeout_s=60.0):
    """The first message of the stream that is wanted."""
    until_s = monotonic() + timeout_s
    while monotonic() < until_s:
        assert session.over() is None
        message = session.stream.next(0.05)
        if message is not None and wanted(message):
            return message
    raise AssertionError("it never came")


def is_online(message):
    return isinstance(message, wire.StatusMessage) and message.state == "online" and message.captured > 0


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL])
def test_a_capture_process_that_is_stopped_or_killed_is_named_and_started_again(camera_session, number):
    session, _, notices = camera_session
    until(session, is_online)
    sleep(random.Random(SEED).uniform(0.0, 0.3))
    capture = next(child for child in session.children if child.name == "capture")
    os.kill(capture.pid, number)
    lost = until(session, lambda m: isinstance(m, wire.StatusMessage) and m.state == "offline")
    assert "silent for" in lost.reason if number == signal.SIGSTOP else "SIGKILL" in lost.reason
    until(session, is_online)
    assert len(notices) == 1
    assert "capture process died" in notices[0]
    assert not psutil.pid_exists(capture.pid)
    session.finish("enough", lambda message: None)


def is_ready(message):
    return is_online(message) and message.worker.state == "ready"


def process_of(session, name):
    return next(child for child in session.children if child.name == name)


def test_a_recogniser_that_is_stopped_is_named_and_started_again(start_session):
    with start_session() as (session, _, notices):
        until(session, is_ready)
        stopped = process_of(session, "worker").pid
        os.kill(stopped, signal.SIGSTOP)
        until(session, lambda m: isinstance(m, wire.StatusMessage) and m.worker.restarts == 1)
        until(session, is_ready)
        assert notices == ["the worker process died (it has been silent for 2 s); it is being started again"]
        assert not psutil.pid_exists(stopped)
        session.finish("enough", lambda message: None)


def test_a_camera_that_drips_is_offline_and_comes_back(camera_session):
    session, camera, notices = camera_session
    until(session, is_online)
    camera.dripping = True
    lost = until(session, lambda m: isinstance(m, wire.StatusMessage) and m.state == "offline")
    assert lost.reason
    camera.dripping = False
    back = until(session, is_online)
    until(session, lambda m: is_online(m) and m.captured > back.captured)
    assert notices == []
    session.finish("enough", lambda message: None)


def test_a_camera_that_changes_its_size_goes_on_and_every_frame_is_accounted_for(camera_session):
    session, camera, notices = camera_session
    for size in ((320, 240), (80, 60), (160, 120)):
        before = until(session, is_online)
        camera.size = size
        status = until(session, lambda m, before=before: is_online(m) and m.captured > before.captured + 20)
        assert status.captured == status.processed + status.waiting + sum(status.dropped.values())
    assert notices == []
    session.finish("enough", lambda message: None)


@pytest.mark.slow
def test_processes_killed_and_stopped_at_random_moments_cost_no_message_and_the_run_goes_on(start_session, tmp_path):
    wanted = random.Random(SEED)
    blows = [(name, number) for name in ("capture", "worker") for number in (signal.SIGKILL, signal.SIGSTOP)]
    wanted.shuffle(blows)
    with start_session() as (session, _, notices):
        for name, number in blows:
            until(session, is_ready)
            sleep(wanted.uniform(0.0, 0.5))
            hit, before = process_of(session, name).pid, len(notices)
            os.kill(hit, number)
            until(session, lambda m, before=before: len(notices) > before)
            assert f"the {name} process died" in notices[-1]
            assert not psutil.pid_exists(hit)
        until(session, is_ready)
        session.finish("enough", lambda message: None)
    numbers = {}
    for message in read_messages(tmp_path / "kept"):
        numbers.setdefault(wire.topic_of(message), []).append(message.seq)
    assert all(own == list(range(1, len(own) + 1)) for own in numbers.values())


def test_two_sources_share_a_session_and_the_one_that_fails_leaves_the_other_alone(
    network_camera, start_worker, tmp_path, monkeypatch
):
    sockets = tmp_path / "sockets"
    sockets.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(sockets))
    endpoints = (start_worker().endpoint, start_worker().endpoint)
    settings = LiveSettings(stream=StreamSettings(publish="tcp://127.0.0.1:*", worker=endpoints, status_s=0.2))
    one, two = network_camera(), network_camera()
    specs = (SourceSpec("url", one.url, "left"), SourceSpec("url", two.url, "right"))
    notices = []
    options = LiveOptions(sources=specs, settings=settings, record=tmp_path / "kept")
    with LiveSession(options, notices.append) as session:
        online = set()
        while online != {"left", "right"}:
            online.add(until(session, is_online).source)
        until(session, lambda m: isinstance(m, wire.StatusMessage) and [w.state for w in m.workers] == ["ready", "ready"])
        one.unplug()
        until(session, lambda m: isinstance(m, wire.StatusMessage) and m.source == "left" and m.state == "offline")
        until(session, lambda m: is_online(m) and m.source == "right")
        session.finish("enough", lambda message: None)
    recorded = list(read_messages(tmp_path / "kept"))
    assert {message.source for message in recorded} == {"left", "right"}
