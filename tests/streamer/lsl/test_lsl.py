"""LSL with real streams, whose other ends live in processes of their own.

Covers streamer.lsl.library, streamer.lsl.markers, streamer.lsl.outlets.
"""

import struct
import subprocess
import sys
import time
from pathlib import Path
from time import monotonic, monotonic_ns

import msgspec
import pytest
import zmq

from ahmsa.errors import UsageError
from configs.schema import StreamSettings
from streamer.lsl.library import lsl_ahead_s, pylsl_module
from streamer.lsl.markers import LslMarkers
from streamer.lsl.outlets import LslOutlets
from streamer.stream import schema
from streamer.stream.publisher import Publisher

LOOPBACK = """
[ports]
IPv6 = disable
[multicast]
ResolveScope = machine
AddressesOverride = {127.0.0.1}
[lab]
KnownPeers = {127.0.0.1}
[log]
level = -3
"""
GOLDEN = Path(__file__).parents[1] / "golden" / "messages.jsonl"

INLETS = """
import json, sys, time
import pylsl
found, until = {}, time.monotonic() + 60
while len(found) < 2 and time.monotonic() < until:
    for info in pylsl.resolve_streams(1.0):
        if info.name().startswith("ahmsa "):
            found[info.name()] = info
inlets = {name: pylsl.StreamInlet(info, recover=False) for name, info in found.items()}
told = {}
for name, inlet in inlets.items():
    info, channels = inlet.info(timeout=20), []
    channel = info.desc().child("channels").child("channel")
    while not channel.empty():
        channels.append((channel.child_value("label"), channel.child_value("unit")))
        channel = channel.next_sibling()
    about = {"source_id": info.source_id(), "rate": info.nominal_srate(), "xml": info.as_xml()}
    told[name] = {**about, "channels": channels, "samples": []}
    inlet.open_stream(timeout=20)
print("ready", flush=True)
while not all(one["samples"] for one in told.values()) and time.monotonic() < until:
    for name, inlet in inlets.items():
        sample, stamp = inlet.pull_sample(timeout=0.2)
        if sample is not None:
            told[name]["samples"].append((sample, stamp))
print(json.dumps(told), flush=True)
"""
OUTLET = """
import sys, time
import pylsl
info = pylsl.StreamInfo("films", "Markers", 1, pylsl.IRREGULAR_RATE, pylsl.cf_string, "films-1")
outlet = pylsl.StreamOutlet(info)
assert outlet.wait_for_consumers(60)
before = time.monotonic_ns()
outlet.push_sample(["film 3"])
print(before, time.monotonic_ns(), flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def loopback(tmp_path, monkeypatch):
    """LSL on this machine only, in this process and those it starts."""
    file = tmp_path / "lsl.cfg"
    file.write_text(LOOPBACK)
    monkeypatch.setenv("LSLAPICFG", str(file))
    try:
        pylsl_module()
    except UsageError as error:
        pytest.skip(str(error))


@pytest.fixture
def other():
    """Starts another program."""
    programs = []

    def start(code):
        program = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        programs.append(program)
        return program

    yield start
    for program in programs:
        program.kill()
        program.communicate()


@pytest.fixture
def publisher():
    context = zmq.Context()
    one = Publisher(context, StreamSettings(publish="tcp://127.0.0.1:*"), "s1")
    outlets = LslOutlets(context)
    outlets.start()
    yield one
    outlets.close()
    one.close()
    context.destroy(linger=0)


def golden(kind):
    return next(m for m in map(schema.decode, GOLDEN.read_text().splitlines()) if isinstance(m, kind))


def test_events_and_signal_reach_an_inlet_of_another_process_with_the_clock_of_their_capture(publisher, other, tmp_path):
    # A file at its own speed, whose first frame was shown 8 s ago: the apex at 5.23 s was 2.77 s ago.
    behind_ns = monotonic_ns() - 8_000_000_000
    status = msgspec.structs.replace(
        golden(schema.StatusMessage), clock=schema.CaptureClock("file", 0, behind_ns), seq=0, t_publish_ns=0
    )
    motion, emotion = golden(schema.MotionMessage), golden(schema.EmotionMessage)
    publisher.send(status)
    publisher.send(motion)
    inlets = other(INLETS)
    assert inlets.stdout.readline() == "ready\n"
    publisher.send(motion)
    publisher.send(emotion)
    told = msgspec.json.decode(inlets.stdout.readline())
    events, signal = told["ahmsa events demo"], told["ahmsa signal demo face 0"]
    ahead_s = lsl_ahead_s(pylsl_module())
    [(sample, stamp)] = events["samples"]
    assert sample[:5] == ["0-3", "0", "surprise", "0.8167", "1.312"]
    assert abs(stamp - ahead_s - (5_233_333_333 + behind_ns) / 1e9) < 0.002
    assert abs(float(sample[5]) - ahead_s - (5_066_666_667 + behind_ns) / 1e9) < 0.002
    assert (events["source_id"], events["rate"]) == ("ahmsa-events-demo", 0.0)
    assert events["channels"][4] == ["amplitude", "px"]
    values, stamp = signal["samples"][0]
    assert values == pytest.approx([0.112, 0.098])
    assert abs(stamp - ahead_s - (5_000_000_000 + behind_ns) / 1e9) < 0.002
    assert signal["channels"] == [["image_left_brow", "px"], ["image_right_brow", "px"]]
    check_xdf(write_xdf(tmp_path / "session.xdf", told), told)


def write_xdf(path, told):
    """What a recorder of LSL streams writes (XDF 1.0): headers, samples, footers."""
    chunks = [(1, b'<?xml version="1.0"?><info><version>1.0</version></info>')]
    for number, one in enumerate(told.values(), start=1):
        stream = struct.pack("<I", number)
        samples = b"".join(b"\x08" + struct.pack("<d", stamp) + xdf_values(sample) for sample, stamp in one["samples"])
        chunks.append((2, stream + one["xml"].encode()))
        chunks.append((3, stream + b"\x04" + struct.pack("<I", len(one["samples"])) + samples))
        chunks.append((6, stream + b"<?xml version='1.0'?><info></info>"))
    blocks = [b"\x04" + struct.pack("<IH", len(content) + 2, tag) + content for tag, content in chunks]
    path.write_bytes(b"XDF:" + b"".join(blocks))
    return path


def xdf_values(sample):
    if isinstance(sample[0], float):
        return struct.pack(f"<{len(sample)}f", *sample)
    return b"".join(b"\x04" + struct.pack("<I", len(text.encode())) + text.encode() for text in sample)


def check_xdf(path, told):
    pyxdf = pytest.importorskip("pyxdf", reason="pyxdf is not installed (pip install 'ahmsa[dev]')")
    streams, _ = pyxdf.load_xdf(str(path), synchronize_clocks=False, dejitter_timestamps=False)
    found = {stream["info"]["name"][0]: stream for stream in streams}
    events, signal = found["ahmsa events demo"], found["ahmsa signal demo face 0"]
    assert events["time_series"][0][2] == "surprise"
    assert events["time_stamps"].tolist() == [stamp for _, stamp in told["ahmsa events demo"]["samples"]]
    assert signal["time_series"][0] == pytest.approx([0.112, 0.098])
    labels = [channel["label"][0] for channel in signal["info"]["desc"][0]["channels"][0]["channel"]]
    assert labels == ["image_left_brow", "image_right_brow"]


def test_a_sample_of_another_programs_stream_becomes_a_marker_at_its_own_time(other):
    taken = []
    markers = LslMarkers("films", taken.append)
    markers.start()
    outlet = other(OUTLET)
    before_ns, after_ns = map(int, outlet.stdout.readline().split())
    until_s = monotonic() + 30
    while not taken and monotonic() < until_s:
        markers.check()
        time.sleep(0.01)
    markers.close()
    [request] = taken
    assert (request.text, request.source) == ("film 3", "lsl-films")
    assert before_ns - 1_000_000 <= request.t_monotonic_ns <= after_ns + 1_000_000


def test_without_pylsl_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pylsl", None)
    with pytest.raises(UsageError, match=r"pip install 'ahmsa\[lsl\]'"):
        pylsl_module()
