"""Covers streamer.session.table."""

import csv
import io

import msgspec
import pytest

import ahmsa
from ahmsa.errors import DataError
from streamer.session.session import load_session
from streamer.session.table import csv_text, event_columns, event_rows, face_rows, marker_rows
from streamer.stream import schema


def ended(end_ms, frames):
    """The last status of a file of so many frames at 20 a second."""
    return schema.StatusMessage(
        source="demo",
        t_capture_ns=end_ms * 1_000_000,
        state="ended",
        fps=20.0,
        captured=frames,
        processed=frames,
        clock=schema.CaptureClock("file", 0, None),
        t_publish_ns=(end_ms + 50) * 1_000_000,
    )


def test_a_session_is_events_markers_and_signal_again(record, golden):
    session = ahmsa.load_session(record(golden))
    assert [(event.message.event_id, event.state, event.reason) for event in session.events] == [
        ("0-3", "confirmed", None),
        ("0-5", "rejected", "macro"),
        ("0-4", "confirmed", None),
    ]
    assert [marker.text for marker in session.markers] == ["film 3"]
    assert session.signals["demo", 0].gates == ("blink",)
    assert session.damaged == []


def test_a_damaged_line_costs_that_line_and_is_told(record, golden, motion):
    folder = record([*golden, motion(90_000), motion(90_033)])
    events = (folder / "events.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "events.jsonl").write_bytes(b"".join([events[0], b"{broken\n", b"\xff\xfe\n", *events[1:]]))
    rows = (folder / "motion.csv").read_text().splitlines(keepends=True)
    (folder / "motion.csv").write_text("".join([*rows[:-1], "1,2\n", rows[-1]]))
    with (folder / "clocks.csv").open("a") as file:
        file.write("never,12\n")
    session = load_session(folder)
    assert len(session.events) == 3
    assert len(session.signals["demo", 0].t_ns) == 3
    assert [sentence.split(" of ")[0] for sentence in session.damaged] == ["line 2", "line 3", "line 4", "line 4"]


def test_a_newer_layout_is_refused_in_one_sentence(record, golden):
    folder = record(golden)
    text = (folder / "session.json").read_text()
    (folder / "session.json").write_text(text.replace('"layout": 1', '"layout": 2'))
    with pytest.raises(DataError, match="has layout 2, and this version reads up to 1"):
        load_session(folder)


def test_the_drift_of_the_clocks_is_taken_out(record, golden):
    folder = record(golden)
    # Between two pairs the wall clock gained 2 ms in 10 s.
    (folder / "clocks.csv").write_text("monotonic_ns,utc_ns\n1000000000,5000000000\n11000000000,15002000000\n")
    session = load_session(folder)
    assert session.utc_ns(6_000_000_000) == 10_001_000_000
    assert session.utc_ns(500_000_000) == 4_500_000_000
    assert session.utc_ns(12_000_000_000) == 16_002_000_000


def test_the_table_of_events_has_seconds_frames_utc_and_probabilities(record, golden):
    rows = event_rows(load_session(record(golden)))
    text = csv_text(rows, event_columns(rows))
    first, macro, abstained = csv.DictReader(io.StringIO(text))
    assert (first["label"], first["probability_surprise"], first["amplitude_px"]) == ("surprise", "0.8167", "1.312")
    assert (first["onset_frame"], first["apex_frame"], first["offset_frame"]) == ("152", "157", "164")
    assert (first["onset_s"], first["apex_s"], first["offset_s"]) == ("5.066667", "5.233333", "5.466667")
    assert first["apex_utc"] == "2026-11-23T10:15:05.233333Z"
    assert (macro["state"], macro["reason"], macro["label"]) == ("rejected", "macro", "")
    assert (abstained["label"], abstained["abstained"], abstained["offset_s"]) == ("", "low_confidence", "")


def test_a_face_is_blind_for_as_long_as_a_gate_is_shut_and_unseen_in_a_pause(record, motion):
    # A second of samples at 20 a second, the last 6 of them gated; a pause of a second; another half second.
    samples = [motion(50 * k, "blink" if k >= 14 else None) for k in range(20)] + [motion(1950 + 50 * k) for k in range(10)]
    [row] = face_rows(load_session(record([*samples, ended(2450, 30)])))
    assert row["seen_share"] == pytest.approx(1.5 / 2.45, abs=1e-3)
    assert row["blind_blink_share"] == pytest.approx(0.3 / 2.45, abs=1e-3)
    assert row["watched_share"] == pytest.approx(1.2 / 2.45, abs=1e-3)


def test_what_is_not_watched_has_a_reason_and_both_add_up_to_what_was_seen(record, motion):
    # Calibration for 0.5 s; the mouth speaks for another; from 1.5 s on the face is too dark, and one sample says so.
    def sample(k):
        regions = dict(motion(0).regions)
        if 10 <= k < 20:
            regions["left_lip"] = schema.RegionMotion(0.1, 0.3, "speech")
        return msgspec.structs.replace(motion(50 * k, "calibrating" if k < 10 else None), regions=regions)

    dark = msgspec.structs.replace(motion(1500, "too_dark"), regions={})
    [row] = face_rows(load_session(record([*map(sample, range(30)), dark, ended(10_000, 200)])))
    expected = {
        "seen_share": 1.0,
        "watched_share": 0.1,
        "blind_calibrating_share": 0.05,
        "blind_too_dark_share": 0.85,
        "upper_watched_share": 0.1,
        "upper_blind_calibrating_share": 0.05,
        "upper_blind_too_dark_share": 0.85,
        "lower_watched_share": 0.05,
        "lower_blind_calibrating_share": 0.05,
        "lower_blind_speech_share": 0.05,
        "lower_blind_too_dark_share": 0.85,
    }
    assert {name: row[name] for name in row if name.endswith("_share")} == pytest.approx(expected, abs=1e-3)


def test_a_face_that_has_gone_is_not_seen(record, motion):
    gone = msgspec.structs.replace(motion(1000, "face_lost"), regions={})
    later = [motion(3000 + 50 * k) for k in range(20)]
    [row] = face_rows(load_session(record([*(motion(50 * k) for k in range(20)), gone, *later])))
    assert row["seen_share"] == row["watched_share"] == pytest.approx(2.0 / 3.95, abs=1e-3)
    assert not [name for name in row if "blind" in name]


def test_the_limit_and_the_gate_at_the_apex_stand_beside_an_event(record, golden, motion):
    spot = next(message for message in golden if isinstance(message, schema.SpotMessage))
    blinking = msgspec.structs.replace(motion(5240, "blink"), t_publish_ns=spot.t_publish_ns)
    [row] = event_rows(load_session(record([spot, blinking])))
    assert (row["gate"], row["upper_limit_px"], row["lower_limit_px"], row["state"]) == ("blink", None, None, "unfinished")


def test_an_event_has_the_limits_of_both_halves_at_its_apex(record, golden, motion):
    spot = next(message for message in golden if isinstance(message, schema.SpotMessage))
    regions = {
        "left_brow_inner": schema.RegionMotion(0.9, 0.4),
        "left_brow_outer": schema.RegionMotion(0.1, 0.35),
        "left_lip": schema.RegionMotion(0.1, 0.3, "speech"),
        "right_fold": schema.RegionMotion(0.1, 0.5),
    }
    sample = msgspec.structs.replace(motion(5240), regions=regions, t_publish_ns=spot.t_publish_ns)
    [row] = event_rows(load_session(record([spot, sample])))
    assert (row["upper_limit_px"], row["lower_limit_px"]) == (0.35, 0.5)
    # The eyes are 65.8 px apart in the crop.
    assert (row["upper_limit_eye_permille"], row["lower_limit_eye_permille"]) == pytest.approx((5.32, 7.6), abs=0.01)


def test_crossings_are_stretches_over_the_threshold(record, motion):
    values = [0.1, 0.5, 0.6, 0.1, 0.45, 0.1]
    session = load_session(record([motion(33 * k, px=px) for k, px in enumerate(values)]))
    assert list(session.signals["demo", 0].crossings()) == [("left_brow", 1, 2), ("left_brow", 4, 4)]


def test_markers_are_rows(record, golden):
    assert marker_rows(load_session(record(golden))) == [
        {
            "text": "film 3",
            "value": 3,
            "source": "mark",
            "session_s": 4.0,
            "utc": "2026-11-23T10:15:04.000000Z",
            "t_mark_ns": 80200000000,
            "t_capture_ns": 4000000000,
        }
    ]


def test_headers_say_whose_left_it_is(record, motion):
    header = (record([motion(0)]) / "motion.csv").read_text().splitlines()[0]
    assert "image_left_brow_displacement_px" in header
