"""Covers ahmsa.types."""

import dataclasses

import msgspec
import numpy as np
import pytest

from ahmsa.errors import StreamError
from ahmsa.flow.sequence import INSTANTS
from ahmsa.types import FaceQuality
from streamer.stream.internal import Stamps, candidate_of, parts_of


@pytest.mark.parametrize("between", [0, INSTANTS])
@pytest.mark.parametrize("around", [(), ("before",), ("after",), ("before", "after")])
def test_a_candidate_arrives_as_it_left(make_candidate, make_face, around, between):
    others = {name: make_face(number, anchor=2) for number, name in enumerate(around)}
    others["between"] = tuple(make_face(20 + number) for number in range(between))
    sent = make_candidate("confirmed", offset_t_ns=900, apex_t_ns=505, **others)
    received, stamps = candidate_of(parts_of(sent, Stamps(apex_grabbed_ns=1, spotted_ns=2)))
    assert stamps == Stamps(apex_grabbed_ns=1, spotted_ns=2)
    for name in ("event_id", "face_id", "phase", "score", "offset_t_ns", "apex_t_ns", "reason"):
        assert getattr(received, name) == getattr(sent, name)
    assert [name for name in ("before", "after") if getattr(received, name) is not None] == list(around)
    for before, after in zip(sent.pair.faces, received.pair.faces, strict=True):
        np.testing.assert_array_equal(before.pixels, after.pixels)
        np.testing.assert_array_equal(before.landmarks_px, after.landmarks_px)
        np.testing.assert_array_equal(before.depth_px, after.depth_px)
        np.testing.assert_array_equal(before.alignment, after.alignment)
        assert (before.index, before.t_capture_ns, before.anchor, before.quality) == (
            after.index,
            after.t_capture_ns,
            after.anchor,
            after.quality,
        )


def test_a_face_without_landmarks_travels_too(make_candidate):
    sent = make_candidate()
    nowhere, nothing = np.zeros((0, 2), np.float32), np.zeros(0, np.float32)
    bare = [dataclasses.replace(face, landmarks_px=nowhere, depth_px=nothing) for face in (sent.onset, sent.apex)]
    received, _ = candidate_of(parts_of(dataclasses.replace(sent, onset=bare[0], apex=bare[1])))
    assert received.apex.landmarks_px.shape == (0, 2)
    assert received.apex.depth_px.shape == (0,)


def test_landmarks_without_depth_travel_as_they_are(make_candidate):
    sent = make_candidate()
    flat = dataclasses.replace(sent.onset, depth_px=np.zeros(0, np.float32))
    received, _ = candidate_of(parts_of(dataclasses.replace(sent, onset=flat)))
    np.testing.assert_array_equal(received.onset.landmarks_px, flat.landmarks_px)
    assert received.onset.depth_px.shape == (0,)
    np.testing.assert_array_equal(received.apex.depth_px, sent.apex.depth_px)


def test_numpy_numbers_in_quality_travel_as_plain_numbers(make_candidate):
    sent = make_candidate()
    value = np.float32(80.0)
    quality = FaceQuality(value, value, value, value)
    face = dataclasses.replace(sent.onset, quality=quality)
    received, _ = candidate_of(parts_of(dataclasses.replace(sent, onset=face)))
    assert received.onset.quality.luma == 80.0


@pytest.mark.parametrize("part", [1, 2, 3, 4])
def test_a_cut_part_is_refused(make_candidate, part):
    parts = parts_of(make_candidate())
    parts[part] = parts[part][:-3]
    with pytest.raises(StreamError, match="bytes"):
        candidate_of(parts)


def test_too_few_parts_are_refused(make_candidate):
    with pytest.raises(StreamError, match="5 frames"):
        candidate_of(parts_of(make_candidate())[:2])


def test_landmarks_that_are_no_numbers_are_refused(make_candidate):
    parts = parts_of(make_candidate())
    parts[2] = np.full((468, 3), np.nan, "<f4").tobytes()
    with pytest.raises(StreamError, match="landmarks"):
        candidate_of(parts)


@pytest.mark.parametrize("change", [{"crop_px": 10**6}, {"event_id": ""}, {"phase": "maybe"}, {"score": None}, {"face_id": -1}])
def test_a_header_out_of_range_is_refused(make_candidate, change):
    parts = parts_of(make_candidate())
    parts[0] = msgspec.json.encode(msgspec.json.decode(parts[0]) | change)
    with pytest.raises(StreamError, match="header"):
        candidate_of(parts)
