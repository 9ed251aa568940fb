"""Covers streamer.offline.analyse_video."""

import csv
import errno
import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import av
import pytest

from ahmsa.errors import RunError, UsageError
from configs.schema import LiveSettings, StreamSettings
from streamer.acquire.sources import SourceSpec
from streamer.live.options import LiveOptions
from streamer.live.supervisor import run_live
from streamer.offline.analyse import analyse, on_cluster, plan
from streamer.offline.analyse_video import Given, analyse_video
from streamer.session.recorder import Recorder
from streamer.session.session import load_session
from streamer.view.board import Board
from streamer.view.lines import QuietView


@pytest.fixture
def given():
    return Given(LiveSettings())


@pytest.fixture
def here(recogniser):
    """Does videos in this process, with a recogniser that needs no torch."""

    def execute(given, jobs):
        for job in jobs:
            yield job, analyse_video(given, job, recogniser)

    return execute


@pytest.fixture
def run(here):
    def run(paths, out, given, execute=here):
        told = []
        wrong = analyse(plan(paths, out, given), out, given, execute, lambda job, problem: told.append(job.name))
        return told, [(job.name, problem) for job, problem in wrong]

    return run


@pytest.fixture
def study(smile_mp4, tmp_path):
    """A folder of two people's videos and a file that is none."""
    folder = tmp_path / "videos"
    (folder / "p02").mkdir(parents=True)
    shutil.copy(smile_mp4, folder / "p01.mp4")
    shutil.copy(smile_mp4, folder / "p02" / "film.mp4")
    (folder / "p03.mp4").write_bytes(b"this is no video" * 99)
    return folder


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def tables(out):
    return {name: (out / f"{name}.csv").read_bytes() for name in ("events", "faces", "files")}


def test_a_folder_of_videos_becomes_three_tables_and_a_bad_file_is_named(study, given, run, tmp_path):
    out = tmp_path / "out"
    told, wrong = run([study], out, given)
    assert told == ["p01", "p02_film", "p03"]
    assert [(name, "cannot be read as video" in problem) for name, problem in wrong] == [("p03", True)]
    events = rows(out / "events.csv")
    assert [(row["video"], row["state"], row["label"]) for row in events] == [
        ("p01", "confirmed", "positive"),
        ("p02_film", "confirmed", "positive"),
    ]
    # The generator's apex is at 2.77 s; a frame lasts 33 ms.
    assert abs(float(events[0]["apex_s"]) - 2.77) < 0.04
    assert int(events[0]["apex_frame"]) == round(float(events[0]["apex_s"]) * 30)
    assert [row["seen_share"] for row in rows(out / "faces.csv")] == ["1.0", "1.0"]
    files = rows(out / "files.csv")
    assert [(row["video"], row["state"], row["frames"]) for row in files] == [
        ("p01", "done", "102"),
        ("p02_film", "done", "102"),
        ("p03", "failed", ""),
    ]


def test_a_video_tells_how_far_it_is(smile_mp4, given, recogniser, tmp_path):
    [job] = plan([smile_mp4], tmp_path / "out", given).jobs
    progress = tmp_path / "progress"
    progress.mkdir()
    analyse_video(replace(given, progress=progress), job, recogniser)
    assert float((progress / "smile").read_text()) > 3


@pytest.mark.cluster
@pytest.mark.filterwarnings("ignore")  # Ray leaves sockets and processes to the interpreter's end
def test_a_cluster_gives_the_same_tables(smile_mp4, run, tmp_path, monkeypatch):
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    ray = pytest.importorskip("ray", reason="Ray is not installed (pip install 'ahmsa[cluster]')")
    from ray._private import services

    # Ray looks for this machine's outward address and replaces loopback by it.
    monkeypatch.setattr(services, "get_node_ip_address", lambda address=None: "127.0.0.1")
    ray.init(
        num_cpus=1, include_dashboard=False, _node_ip_address="127.0.0.1", object_store_memory=80 * 2**20, log_to_driver=False
    )

    def in_this_process(given, jobs):
        for job in jobs:
            yield job, analyse_video(given, job)

    try:
        run([smile_mp4], tmp_path / "cluster", Given(LiveSettings()), on_cluster("auto"))
    finally:
        ray.shutdown()
    run([smile_mp4], tmp_path / "here", Given(LiveSettings()), in_this_process)
    assert tables(tmp_path / "cluster") == tables(tmp_path / "here")
    assert rows(tmp_path / "here" / "events.csv")[0]["label"] == "positive"


def test_a_run_that_was_killed_goes_on_and_ends_with_the_same_bytes(study, given, run, here, tmp_path):
    out, whole = tmp_path / "out", tmp_path / "whole"
    run([study], whole, given)

    def killed(given, jobs):
        yield next(here(given, jobs))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run([study], out, given, killed)
    (out / "sessions" / ".p02_film.part").mkdir()
    (out / "sessions" / ".p02_film.part" / "session.json").write_text("half")
    told, _ = run([study], out, given)
    assert told == ["p02_film", "p03"]
    assert tables(out) == tables(whole)
    assert sorted(path.name for path in (out / "sessions").iterdir()) == ["p01", "p02_film"]


def test_only_what_has_changed_is_done_again(study, given, run, tmp_path):
    out = tmp_path / "out"
    run([study], out, given)
    (study / "p03.mp4").unlink()
    shutil.copy(study / "p01.mp4", study / "p02" / "film.mp4")
    assert [job.name for job in plan([study], out, given).open] == ["p02_film"]
    other = Given(LiveSettings(stream=StreamSettings(motion_hz=15)))
    assert [job.name for job in plan([study], out, other).open] == ["p01", "p02_film"]


def test_a_video_that_is_cut_off_is_named_and_keeps_what_was_found(smile_mp4, given, run, tmp_path):
    path = tmp_path / "cut.mkv"
    with av.open(str(smile_mp4)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.7)])
    out = tmp_path / "out"
    _, [(name, problem)] = run([path], out, given)
    assert (name, "cut off" in problem) == ("cut", True)
    assert rows(out / "files.csv")[0]["state"] == "cut off"
    assert int(rows(out / "files.csv")[0]["processed"]) > 30
    told, again = run([path], out, given)
    assert (told, again) == ([], [("cut", problem)])


@pytest.mark.parametrize("full_after", [0.4, 1.0])
def test_a_disk_that_is_full_is_not_taken_for_the_end_of_a_video(smile_mp4, given, run, tmp_path, monkeypatch, full_after):
    put, lines = Recorder._put, []
    monkeypatch.setattr(Recorder, "_put", staticmethod(lambda file, line: lines.append(put(file, line))))
    run([smile_mp4], tmp_path / "whole", given)
    room = int(full_after * len(lines)) - 1
    lines.clear()

    def put_until_full(file, line):
        if len(lines) >= room:
            raise OSError(errno.ENOSPC, "No space left on device")
        lines.append(put(file, line))

    monkeypatch.setattr(Recorder, "_put", staticmethod(put_until_full))
    with pytest.raises(RunError, match=r"no space left|cannot be written"):
        run([smile_mp4], tmp_path / "out", given)
    assert not list((tmp_path / "out").rglob("session.json")), "it is analysed again"


def test_the_events_are_those_of_the_live_program_to_the_frame(
    smile_mp4, given, run, start_worker, recogniser, tmp_path, monkeypatch
):
    run([smile_mp4], tmp_path / "out", given)
    sockets = tmp_path / "sockets"
    sockets.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(sockets))
    stream = StreamSettings(publish="tcp://127.0.0.1:*", worker=start_worker(recogniser=recogniser).endpoint)
    options = LiveOptions(
        sources=(SourceSpec("video", str(smile_mp4)),),
        settings=LiveSettings(stream=stream),
        as_fast_as_possible=True,
        record=tmp_path / "live",
    )
    run_live(options, QuietView(Board(), print))
    analysed, live = load_session(tmp_path / "out" / "sessions" / "smile"), load_session(tmp_path / "live")
    assert len(live.confirmed) == 1
    for theirs, mine in zip(live.events, analysed.events, strict=True):
        assert (theirs.state, theirs.reason) == (mine.state, mine.reason)
        for name in ("event_id", "onset", "apex", "offset_t_ns", "offset_session_s", "score"):
            assert getattr(theirs.message, name) == getattr(mine.message, name)
        assert theirs.emotion.probabilities == mine.emotion.probabilities
    assert list(live.signals) == list(analysed.signals)
    assert (live.signals["smile", 0].displacement_px == analysed.signals["smile", 0].displacement_px).all()


def test_videos_of_one_name_are_told_apart(given, tmp_path):
    for name in ("a/film.mp4", "b/film.mp4", "film.mp4", "film.avi", ".hidden/film.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    found = plan([tmp_path / "a", tmp_path / "b", tmp_path], tmp_path / "out", given)
    assert [job.name for job in found.jobs] == ["film_mp4", "film_mp4_2", "film_avi", "film_mp4_3"]


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.mkdir()])
def test_nothing_to_analyse_is_said_so(given, tmp_path, make):
    path = Path(tmp_path / "nowhere")
    make(path)
    with pytest.raises(UsageError, match=r"no video found|there is no"):
        plan([path], tmp_path / "out", given)


@pytest.mark.parametrize("name", [b"caf\xe9.mp4", b"a\x1b[2J.mp4"])
def test_a_name_that_no_table_can_hold_is_said_before_the_work(given, tmp_path, name):
    (tmp_path / os.fsdecode(name)).touch()
    with pytest.raises(UsageError, match=r"cannot stand in a table .*; rename it"):
        plan([tmp_path], tmp_path / "out", given)
