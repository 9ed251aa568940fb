"""A study from stimulus to table: the demo plays, a second program sets markers, and the record is reported, exported and
read back. Every command runs as a process of its own."""

import csv
import json
import signal
import subprocess
import sys
from socket import socket
from time import sleep

import pytest

import ahmsa
from ahmsa.synth import demo_script
from streamer.stream.clocks import utc_ns_of

MARKERS = ["please sit still", "film 1", "film 2"]
FRAME_NS = 1_000_000_000 // 30
STIMULUS = """
import json, sys, time
from streamer.stream.client import EMOTION, MARKER, EmotionStream

with EmotionStream(sys.argv[1], [EMOTION, MARKER], timeout_s=150) as stream:
    truth = []
    for film in (1, 2):
        truth.append((time.monotonic_ns(), time.time_ns()))
        stream.mark(f"film {film}", film)
        time.sleep(0.3)
    heard = []
    for message in stream:
        heard.append((message.source, time.time_ns()))
        if message.source == "demo":
            break
    print(json.dumps({"truth": truth, "heard": heard}))
"""


def command(module, *arguments):
    code = f"from {module} import main; main()"
    return [sys.executable, "-c", code, *map(str, arguments)]


def done(*arguments):
    ended = subprocess.run(command(*arguments), capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.fixture
def stream():
    """Endpoint of a free pair of ports."""
    for _ in range(50):
        with socket() as one, socket() as two:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
            try:
                two.bind(("127.0.0.1", port + 2))
            except OSError:
                continue
            return f"tcp://127.0.0.1:{port}"
    raise AssertionError("no two ports are free")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_study_from_stimulus_to_table(tmp_path, stream):
    folder = tmp_path / "p01"
    arguments = ["--demo", "--headless", "--record", folder, "--record-video", "h264", "--publish", stream]
    live = subprocess.Popen(
        command("streamer.commands.live", *arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        wait_for_frames(folder, live)
        door = f"tcp://127.0.0.1:{int(stream.rpartition(':')[2]) + 2}"
        done("streamer.commands.mark", "please sit still", "--endpoint", door)
        told = json.loads(subprocess.run([sys.executable, "-c", STIMULUS, stream], capture_output=True, timeout=200).stdout)
        # However busy the machine is: the session ends when the first movement has been named.
        live.send_signal(signal.SIGINT)
        _, errors = live.communicate(timeout=60)
    finally:
        live.kill()
        live.communicate()
    assert live.returncode == 130, errors

    session = ahmsa.load_session(folder)
    assert [marker.text for marker in session.markers] == MARKERS
    for marker, (t_ns, utc_ns) in zip(session.markers[1:], told["truth"], strict=True):
        assert 0 <= marker.t_mark_ns - t_ns < 5_000_000
        assert abs(utc_ns_of(marker.utc) - utc_ns) < 5_000_000

    # The generator's first movement, on the clock of the wall: the clip's own time began when its first frame was shown.
    true = next(one for one in demo_script().events if one.kind == "micro")
    behind_ns = session.clock("demo").behind_ns
    first = session.confirmed[0].message
    for moment, true_ms in ((first.onset, true.onset_ms), (first.apex, true.apex_ms)):
        true_utc_ns = session.utc_ns(round(true_ms * 1e6) + behind_ns)
        assert abs(utc_ns_of(moment.utc) - true_utc_ns) <= FRAME_NS
    # Nobody heard of it before it was over, nor an age later.
    heard_utc_ns = next(utc_ns for source, utc_ns in told["heard"] if source == "demo")
    assert 0 < heard_utc_ns - utc_ns_of(first.apex.utc) < 180_000_000_000
    # Marker and movement lie on one clock: their distance is that of truth.
    marker = session.markers[1]
    distance_s = first.apex.session_s - marker.session_s
    true_distance_s = (first.apex.t_ns + behind_ns - told["truth"][0][0]) / 1e9
    assert abs(distance_s - true_distance_s) < 0.005

    page = done("configs.report", folder).strip()
    text = (folder / "report" / "report.html").read_text(encoding="utf-8")
    assert page == str(folder / "report" / "report.html")
    assert "film 2" in text
    assert first.event_id in text
    assert (folder / "report" / "overlay.mp4").stat().st_size > 10_000

    done("streamer.commands.export", folder, "--to", "csv")
    with (folder / "export" / "events.csv").open(newline="") as file:
        row = next(row for row in csv.DictReader(file) if row["state"] == "confirmed")
    assert (row["label"], row["apex_utc"]) == (first.label or "", first.apex.utc)
    with (folder / "export" / "markers.csv").open(newline="") as file:
        assert [row["text"] for row in csv.DictReader(file)] == MARKERS
    done("streamer.commands.export", folder, "--to", "elan")
    pympi = pytest.importorskip("pympi", reason="pympi-ling is not installed (pip install 'ahmsa[dev]')")
    document = pympi.Elan.Eaf(str(folder / "export" / "demo.eaf"))
    marked_ms = sorted(document.get_annotation_data_for_tier("markers"))[1][0]
    assert abs(marked_ms - marker.session_s * 1000) <= 5


def wait_for_frames(folder, live):
    """Until the first frames are in the record; it may take a while on a machine that is busy."""
    for _ in range(1200):
        assert live.poll() is None, live.communicate()
        if (folder / "motion.csv").exists() and (folder / "motion.csv").stat().st_size > 1000:
            return
        sleep(0.05)
    raise AssertionError("no frame came")
