"""Covers streamer.view.board."""

from pathlib import Path

import msgspec
import pytest

from streamer.stream import schema as wire
from streamer.stream.schema import RegionMotion
from streamer.view.board import BIN_NS, Board

GOLDEN = [wire.decode(line) for line in (Path(__file__).parents[1] / "golden" / "messages.jsonl").read_text().splitlines()]
MOTION = next(message for message in GOLDEN if isinstance(message, wire.MotionMessage))
STATUS = next(message for message in GOLDEN if isinstance(message, wire.StatusMessage))


def motion(t_ns, gate=None, **displacements_px):
    regions = {name: RegionMotion(value, 0.5, gate) for name, value in displacements_px.items()}
    return msgspec.structs.replace(MOTION, t_capture_ns=t_ns, regions=regions, gate=gate)


def test_a_row_keeps_the_region_that_came_nearest_to_its_limit_in_each_stretch_of_time():
    board = Board()
    board.take(motion(0, left_brow=0.1, right_brow=0.4, left_lip=0.2))
    board.take(motion(BIN_NS - 1, gate="speech", left_brow=0.3, right_brow=0.1, left_lip=0.1))
    board.take(motion(BIN_NS, left_brow=0.2, right_brow=0.1, left_lip=0.6))
    rows = board.source.signals[0]
    assert [one.displacement_px for one in rows["brows"]] == [0.4, 0.2]
    assert [one.displacement_px for one in rows["mouth"]] == [0.2, 0.6]
    assert [one.gate for one in rows["brows"]] == ["speech", None]
    assert rows["mouth"][-1].part == pytest.approx(1.2)


def test_a_face_that_has_gone_leaves_no_row():
    board = Board()
    for face in (0, 1):
        board.take(msgspec.structs.replace(MOTION, face_id=face))
    board.take(msgspec.structs.replace(STATUS, faces=[wire.FaceState(1, "watching")]))
    board.take(msgspec.structs.replace(MOTION, face_id=1))
    assert list(board.source.signals) == list(board.source.gates) == [1]


def test_the_board_does_not_grow_without_limit():
    board = Board()
    for number in range(1000):
        board.take(msgspec.structs.replace(GOLDEN[0], event_id=f"e{number}"))
        board.take(motion(number * BIN_NS, left_brow=0.1))
    assert len(board.events) == len(board.emotions) == 200
    assert "e999" in board.events
    assert len(board.source.signals[0]["brows"]) == 400


def test_frames_in_which_nothing_could_be_spotted_are_counted_by_gate():
    board = Board()
    for processed, flags in ((10, ["no_face"]), (30, []), (90, ["low_frame_rate", "blurred"]), (5, ["no_face"])):
        board.take(msgspec.structs.replace(STATUS, processed=processed, flags=flags))
    assert board.source.shut == {"no_face": 10, "low_frame_rate": 60, "blurred": 60}


def test_one_source_is_looked_at_and_the_totals_are_of_all():
    board = Board()
    for message in GOLDEN:
        board.take(message)
        if not isinstance(message, wire.MarkerMessage):
            other = {"source": "camera1"} | ({"event_id": "camera1-1"} if hasattr(message, "event_id") else {})
            board.take(msgspec.structs.replace(message, **other))
    assert (board.shown, list(board.sources)) == ("demo", ["demo", "camera1"])
    assert board.phases["retracted"] == 2
    assert {event.source for event in board.events.values()} == {"demo", "camera1"}
    board.show_next()
    assert (board.shown, board.status.source) == ("camera1", "camera1")
    board.show_next()
    assert board.shown == "demo"


def test_a_row_is_shut_only_where_none_of_its_regions_is_watched():
    board = Board()
    for gates in (("speech", None), ("speech", "speech")):
        regions = {"left_lip": RegionMotion(0.1, 0.5, gates[0]), "right_lip": RegionMotion(0.1, 0.5, gates[1])}
        board.take(msgspec.structs.replace(MOTION, t_capture_ns=board.source.now_ns + BIN_NS, regions=regions))
    assert [one.gate for one in board.source.signals[0]["mouth"]] == [None, "speech"]


def test_what_a_gate_kept_from_being_announced_is_remembered_with_its_time():
    board = Board()
    board.take(msgspec.structs.replace(MOTION, rejected="blink"))
    board.take(msgspec.structs.replace(MOTION, rejected=None))
    assert list(board.source.rejected) == [(MOTION.t_capture_ns, "blink")]
