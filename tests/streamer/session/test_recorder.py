"""Covers streamer.session.reader, streamer.live.republish."""

import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from ahmsa.errors import DataError, RunError
from configs.schema import StreamSettings
from streamer.live.republish import republish
from streamer.session.reader import read_messages, read_session
from streamer.session.recorder import Recorder
from streamer.session.video import VideoRecorder
from streamer.stream import schema as wire
from streamer.view.board import Board
from streamer.view.lines import QuietView

GOLDEN_FILE = Path(__file__).parents[1] / "golden" / "messages.jsonl"
GOLDEN = [wire.decode(line) for line in GOLDEN_FILE.read_text().splitlines()]


def without_publication(message):
    return wire.encode(msgspec.structs.replace(message, t_publish_ns=0, wall_time=""))


def take(recorder, messages):
    for message in messages:
        recorder.take(wire.topic_of(message), wire.encode(message))


@pytest.fixture
def recorder(tmp_path):
    return Recorder(tmp_path / "session", session="s1", source="demo", settings={"device": "cpu"})


def in_order(messages):
    return sorted(messages, key=lambda message: message.t_publish_ns)


def test_a_session_is_read_back_to_the_byte(recorder):
    take(recorder, in_order(GOLDEN))
    recorder.close("duration")
    read = list(read_messages(recorder.folder))
    assert sorted(map(wire.encode, read)) == sorted(map(wire.encode, GOLDEN))
    assert [m.t_publish_ns for m in read] == sorted(m.t_publish_ns for m in GOLDEN)


def test_events_are_the_published_json_with_their_topic(recorder):
    take(recorder, GOLDEN)
    lines = (recorder.folder / "events.jsonl").read_text().splitlines()
    assert lines[0] == '{"topic":"emotion.demo.0.",' + wire.encode(GOLDEN[0]).decode()[1:]
    assert not [line for line in lines if "ahmsa.motion" in line]
    recorder.close("duration")


def test_session_json_says_where_it_came_from(recorder):
    take(recorder, GOLDEN)
    recorder.close("interrupted")
    record = read_session(recorder.folder)
    assert (record.session, record.source, record.reason, record.settings) == ("s1", "demo", "interrupted", {"device": "cpu"})
    assert record.worker.model == "9f3c2a7b"
    assert record.versions["ahmsa"]
    assert record.ended.monotonic_ns >= record.started.monotonic_ns


def test_samples_without_regions_before_the_first_with_them_are_kept(recorder):
    motion = next(message for message in GOLDEN if isinstance(message, wire.MotionMessage))
    early = msgspec.structs.replace(motion, seq=1, t_publish_ns=1, regions={}, gate="face_lost")
    take(recorder, [early, motion])
    recorder.close("duration")
    assert list(read_messages(recorder.folder)) == [early, motion]


def test_a_session_without_any_movement_can_be_read(recorder):
    recorder.close("duration")
    assert list(read_messages(recorder.folder)) == []


def test_what_was_written_before_a_kill_stays_readable(tmp_path):
    folder = tmp_path / "session"
    code = f"""
import os, signal, sys
from pathlib import Path
from streamer.stream import schema as wire
from streamer.session.recorder import Recorder
recorder = Recorder(Path({str(folder)!r}), session="s1", source="demo", settings={{}})
lines = Path({str(Path(__file__).parents[1] / "golden" / "messages.jsonl")!r}).read_text().splitlines()
for message in sorted(map(wire.decode, lines), key=lambda message: message.t_publish_ns):
    recorder.take(wire.topic_of(message), wire.encode(message))
os.kill(os.getpid(), signal.SIGKILL)
"""
    ended = subprocess.run([sys.executable, "-c", code], timeout=30)
    assert ended.returncode == -signal.SIGKILL
    assert len(list(read_messages(folder))) == len(GOLDEN)
    assert read_session(folder).ended is None


def test_a_line_that_was_cut_off_is_left_out(recorder):
    take(recorder, in_order(GOLDEN))
    events = recorder.folder / "events.jsonl"
    os.truncate(events, events.stat().st_size - 20)
    assert len(list(read_messages(recorder.folder))) == len(GOLDEN) - 1
    recorder.close("duration")


@pytest.mark.parametrize("line", ['{"topic":"x","schema":"mood/1"}', "[1]", "{}", "7", ""])
def test_a_changed_line_is_one_sentence(recorder, line):
    recorder.close("duration")
    (recorder.folder / "events.jsonl").write_text(f"{line}\n")
    with pytest.raises(DataError, match=r"line 1 of .*events.jsonl"):
        list(read_messages(recorder.folder))


def test_a_folder_that_holds_a_session_is_not_written_over(recorder):
    recorder.close("duration")
    with pytest.raises(RunError, match="already holds a session"):
        Recorder(recorder.folder, session="s2", source="demo", settings={})


def test_a_folder_without_a_session_cannot_be_replayed(tmp_path):
    with pytest.raises(DataError, match="holds no recorded session"):
        read_session(tmp_path)


def test_a_replay_publishes_the_same_bytes_but_for_the_publication_times(recorder):
    take(recorder, in_order(GOLDEN))
    recorder.close("duration")
    again = []

    class Watcher(QuietView):
        def take(self, message):
            again.append(message)

    republish(recorder.folder, StreamSettings(publish="tcp://127.0.0.1:*"), Watcher(Board(), print), as_fast_as_possible=True)
    assert sorted(map(without_publication, again)) == sorted(map(without_publication, GOLDEN))
    assert all(message.wall_time != "2026-11-23T10:15:05.412Z" for message in again)


def test_no_picture_is_stored(recorder):
    take(recorder, GOLDEN)
    recorder.close("duration")
    assert sorted(path.name for path in recorder.folder.iterdir()) == [
        "clocks.csv",
        "events.jsonl",
        "motion.csv",
        "session.json",
    ]


def test_a_video_is_never_written_over_the_one_that_is_being_watched(tmp_path):
    (tmp_path / "talk.mkv").write_bytes(b"the only copy")
    with pytest.raises(RunError, match=r"holds talk\.mkv or talk\.csv already; name a new folder"):
        VideoRecorder(tmp_path, "talk", 30.0)
    assert (tmp_path / "talk.mkv").read_bytes() == b"the only copy"
    assert not (tmp_path / "talk.csv").exists()


def test_records_are_for_their_owner_alone(recorder):
    take(recorder, in_order(GOLDEN))
    recorder.close("duration")
    assert stat.S_IMODE(recorder.folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in recorder.folder.iterdir()} == {0o600}


def test_a_full_disk_is_one_sentence_and_what_was_written_stays_readable(tmp_path):
    code = f"""
import resource, signal, sys
from pathlib import Path
from ahmsa.errors import RunError
from streamer.session.recorder import Recorder
from streamer.stream import schema as wire
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
recorder = Recorder(Path({str(tmp_path / "session")!r}), session="s1", source="demo", settings={{}})
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
line = Path({str(GOLDEN_FILE)!r}).read_text().splitlines()[0]
message = wire.decode(line)
try:
    for _ in range(1000):
        recorder.take(wire.topic_of(message), wire.encode(message))
except RunError as error:
    print(error)
recorder.close("failed")
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "cannot record into" in ended.stdout
    assert "the run ended, what was written is kept" in ended.stdout
    assert len(list(read_messages(tmp_path / "session"))) > 10


def test_a_record_that_is_removed_ends_the_run_and_is_not_made_again(tmp_path):
    recorder = Recorder(tmp_path / "session", session="s1", source="demo", settings={}, look_s=0.0)
    take(recorder, GOLDEN[:1])
    shutil.rmtree(recorder.folder)
    with pytest.raises(RunError, match="was removed while it was being written"):
        take(recorder, GOLDEN[:1])
    recorder.close("failed")
    assert not recorder.folder.exists()
