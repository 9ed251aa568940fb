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
    regions = {name: RegionMotion(value, 0.5) for name, value in displacements_px.items()}
    return msgspec.structs.replace(MOTION, t_capture_ns=t_ns, regions=regions, gate=gate)


def test_a_row_keeps_the_region_that_came_nearest_to_its_limit_in_each_stretch_of_time():
    board = Board()
    board.take(motion(0, left_brow=0.1, right_brow=0.4, left_lip=0.2))
    board.take(motion(BIN_NS - 1, gate="speech", left_brow=0.3, right_brow=0.1, left_lip=0.1))
    board.take(motion(BIN_NS, left_brow=0.2, right_brow=0.1, left_lip=0.6))
    rows = board.signals[0]
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
    assert list(board.signals) == list(board.gates) == list(board.newest) == [1]


def test_the_board_does_not_grow_without_limit():
    board = Board()
    for number in range(1000):
        board.take(msgspec.structs.replace(GOLDEN[0], event_id=f"e{number}"))
        board.take(motion(number * BIN_NS, left_brow=0.1))
    assert len(board.events) == len(board.emotions) == 200
    assert "e999" in board.events
    assert len(board.signals[0]["brows"]) == 400


def test_frames_in_which_nothing_could_be_spotted_are_counted_by_gate():
    board = Board()
    for processed, flags in ((10, ["no_face"]), (30, []), (90, ["low_frame_rate", "blurred"]), (5, ["no_face"])):
        board.take(msgspec.structs.replace(STATUS, processed=processed, flags=flags))
    assert board.shut == {"no_face": 10, "low_frame_rate": 60, "blurred": 60}
