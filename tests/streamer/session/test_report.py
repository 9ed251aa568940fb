"""The page about a session: what is on it, and that a browser shows it without a script error.

Covers streamer.session.report.crossings, streamer.session.report.page, streamer.session.report.pictures,
streamer.session.report.report, streamer.session.report.timeline, streamer.commands.report,
configs.report.
"""

import dataclasses
import re
import subprocess
import sys

import av
import msgspec
import pytest

from configs.schema import LiveSettings
from streamer.acquire.capture import CaptureStage
from streamer.acquire.sources import SourceSpec, open_source
from streamer.offline.replay import events
from streamer.session.recorder import Recorder
from streamer.session.report.crossings import crossings_without_event
from streamer.session.report.report import videos_of, write_report
from streamer.session.report.timeline import strips
from streamer.session.session import load_session
from streamer.session.signal import half_of
from streamer.session.table import face_rows
from streamer.stream import schema


@pytest.fixture
def session(record, golden, motion):
    """A confirmed movement, a rejected and an abstained one, a marker; 70 s of signal with a gate and two crossings."""
    samples = [motion(33 * k, "speech" if 20_000 < 33 * k < 22_000 else None) for k in range(2120)]
    for k in (640, 641, 642, 1500, 1501):
        samples[k] = motion(33 * k, samples[k].gate, px=0.9)
    numbered = [msgspec.structs.replace(one, t_publish_ns=76_200_000_000 + one.t_capture_ns) for one in samples]
    return load_session(record([*golden, *numbered]))


def test_the_page_tells_movements_markers_gates_and_why_a_crossing_was_none(session, tmp_path):
    page = write_report(session, tmp_path / "report")
    text = page.read_text(encoding="utf-8")
    assert re.search(r'<table id="events">.*surprise.*no label \(low_confidence\)', text, re.DOTALL)
    assert re.search(r'<table id="markers">.*film 3.*4\.000.*2026-11-23T10:15:04', text, re.DOTALL)
    assert re.search(r'<table id="rejected">.*macro', text, re.DOTALL)
    assert re.search(r'<table id="faces">.*speech 2\.\d%', text, re.DOTALL)
    assert re.search(r'<table id="frames">.*duplicate 1', text, re.DOTALL)
    reasons = [(one.region, one.ratio, one.reason) for one in crossings_without_event(session)]
    assert reasons == [
        ("left_brow", 2.25, "gate shut: speech"),
        ("left_brow", 2.25, "it did not rise and come back as a micro-expression does"),
    ]
    # One file: nothing is fetched from anywhere.
    assert not re.findall(r'(?:src|href)="(?!data:)', text)
    assert sorted(path.name for path in page.parent.iterdir()) == [
        "report.html",
        "timeline-demo-0-001.png",
    ]


def test_a_movement_that_a_gate_kept_from_being_announced_is_told_so(record, motion):
    samples = [motion(33 * k, px=0.9 if 60 <= k <= 66 else 0.1) for k in range(90)]
    samples[70] = msgspec.structs.replace(samples[70], rejected="blink")
    [crossing] = crossings_without_event(load_session(record(samples)))
    assert crossing.reason == "not announced: blink"


def test_halves_of_the_face_are_watched_one_by_one(record, motion):
    def with_gate(k):
        regions = dict(motion(0).regions)
        if k >= 50:
            regions["left_lip"] = schema.RegionMotion(0.1, 0.3, "speech")
        return msgspec.structs.replace(motion(20 * k), regions=regions)

    session = load_session(record([with_gate(k) for k in range(100)]))
    signal = session.signals["demo", 0]
    assert list(signal.stretches("lower")) == [("speech", 50, 99)]
    assert list(signal.stretches("upper")) == []
    [row] = face_rows(session)
    assert row["upper_watched_share"] > 0.99
    assert row["lower_watched_share"] == pytest.approx(0.5, abs=0.02)


def test_a_long_session_is_drawn_in_strips_of_a_minute(record, motion):
    long = load_session(record([motion(100 * k) for k in range(1500)]))
    spans = [(strip.start_s, strip.end_s) for strip in strips(long, ("demo", 0), [])]
    assert spans[0][1] - spans[0][0] == 60
    assert spans[1][0] == spans[0][1]
    assert len(spans) == 3


@pytest.mark.parametrize(("region", "half"), [("left_brow_inner", "upper"), ("glabella", "upper"), ("right_lip", "lower")])
def test_every_region_is_on_a_half_of_the_face(region, half):
    assert half_of(region) == half


@pytest.mark.browser
def test_a_browser_shows_it_without_a_script_error_and_a_click_leads_to_the_place(session, tmp_path, page):
    path = write_report(session, tmp_path / "report")
    page.on("requestfailed", lambda request: page.problems.append(request.url))
    page.goto(path.as_uri())
    assert page.locator("#events tbody tr").count() == 2
    assert page.locator("figure.strip img").first.evaluate("image => image.naturalWidth") == 1300
    page.locator("#events tbody tr").first.click()
    assert page.locator("figure.strip.found").count() == 1
    assert page.locator("figure.strip").first.bounding_box()["y"] < page.viewport_size["height"]
    assert page.problems == []


def test_a_session_without_a_face_has_a_page(record, tmp_path):
    text = write_report(load_session(record([])), tmp_path).read_text(encoding="utf-8")
    assert "No movement was confirmed." in text
    assert "No face was followed." in text


def test_text_of_others_cannot_become_part_of_the_page(record, golden, tmp_path):
    marker = msgspec.structs.replace(golden[-1], text="<script>alert(1)</script>")
    text = write_report(load_session(record([marker])), tmp_path).read_text(encoding="utf-8")
    assert "<script>alert" not in text


def test_with_a_video_it_shows_the_face_and_lays_a_film_beside(smile_mp4, recogniser, tmp_path):
    settings = LiveSettings()
    recorder = Recorder(
        tmp_path / "session", session="s", source="smile", settings=msgspec.to_builtins(settings), video=str(smile_mp4)
    )
    with (
        open_source(SourceSpec("video", str(smile_mp4)), settings.source, as_fast_as_possible=True) as source,
        CaptureStage(settings.face, settings.spotter) as stage,
    ):
        for message in events(source, stage, recogniser, status_s=1.0):
            recorder.take(schema.topic_of(message), schema.encode(message))
    recorder.close("source ended")
    session = load_session(recorder.folder)
    page = write_report(session, tmp_path / "report", videos_of(session))
    assert "Movement 0-1: positive" in page.read_text(encoding="utf-8")
    assert (page.parent / "event-0-1.png").stat().st_size > 10_000
    with av.open(str(page.parent / "overlay.mp4")) as container:
        pictures = list(container.decode(video=0))
    assert len(pictures) == 102
    assert abs(float(pictures[60].time) - 2.0) < 0.002
    # The blue frame around the face, which the portrait has nowhere.
    picture = pictures[60].to_ndarray(format="bgr24").astype(int)
    assert ((picture[..., 0] - picture[..., 2]) > 100).sum() > 300


def test_a_film_that_is_cut_off_is_shown_as_far_as_it_goes(smile_mp4, session, tmp_path):
    cut = tmp_path / "cut.mkv"
    with av.open(str(smile_mp4)) as source, av.open(str(cut), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    page = write_report(session, tmp_path / "report", {"demo": cut})
    with av.open(str(page.parent / "overlay.mp4")) as container:
        assert 20 < sum(1 for _ in container.decode(video=0)) < 100


def test_several_sources_have_a_video_each(record, golden):
    session = load_session(record(golden))
    two = dataclasses.replace(session, record=msgspec.structs.replace(session.record, source="demo camera0"))
    (session.folder / "camera0.mkv").touch()
    assert videos_of(two) == {"camera0": session.folder / "camera0.mkv"}
    assert videos_of(session) == {}


@pytest.mark.parametrize("is_session", [True, False])
def test_one_command_for_sessions_and_training_runs(session, tmp_path, is_session):
    folder = session.folder if is_session else tmp_path
    code = "from configs.report import main; main()"
    command = [sys.executable, "-c", code, str(folder), "--out", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    if is_session:
        assert (done.returncode, done.stdout.strip()) == (0, str(tmp_path / "out" / "report.html"))
    else:
        assert done.returncode == 1
        assert "run" in done.stderr
