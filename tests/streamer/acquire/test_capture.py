import dataclasses

import cv2
import numpy as np
import pytest

from ahmsa.face.geometry import mesh_points
from ahmsa.face.landmarks import FaceMesh
from ahmsa.settings import FaceSettings
from ahmsa.synth import clip_of, event
from ahmsa.types import Candidate, Frame
from spotting.settings import SpotterSettings
from spotting.spotter import Step
from streamer.acquire.capture import CaptureStage

FPS = 30
SURPRISE = event("surprise", 3.0, 2.5)


@pytest.fixture(scope="module")
def clip():
    """A quiet person, surprised for a moment after three seconds."""
    return list(clip_of([SURPRISE], duration_s=4.0, fps=FPS))


def make_stage(detector=None, **face):
    return CaptureStage(FaceSettings(**face), SpotterSettings(), detector)


def run(frames, stage=None):
    with stage or make_stage() as stage:
        results = [stage.process(frame) for frame in frames]
        return stage, results, [candidate for result in results for candidate in result.candidates]


def story(candidates):
    return [(c.event_id, c.phase, c.onset.index, c.apex.index, c.score) for c in candidates]


class Seen:
    """A detector that finds the same faces in every picture, but for those in which it is told to be blind."""

    def __init__(self, *meshes, blind=()):
        self.meshes, self.blind, self.calls = meshes, blind, -1

    def detect(self, image):
        self.calls += 1
        return [] if self.calls in self.blind else list(self.meshes)

    def close(self):
        pass


@pytest.fixture(scope="module")
def mesh_at(clip):
    """Real landmarks, moved and scaled."""
    with FaceMesh() as mesh:
        landmarks = mesh.detect(clip[0].image)[0][:, :2]
    left, right = mesh_points(landmarks)[:2]

    def moved(x, y, interocular_px=80.0):
        return ((landmarks - (left + right) / 2) * interocular_px / np.linalg.norm(right - left) + [x, y]).astype(np.float32)

    return moved


def noise(count, fps=FPS, levels=256):
    """One and the same pattern, with a noise over it that no two pictures share."""
    random = np.random.default_rng(0)
    pattern, *noises = (random.integers(0, levels, (480, 640, 3), dtype=np.uint8) for _ in range(count + 1))
    pictures = (pattern - pattern // 8 + noise // 8 for noise in noises)
    return [Frame(index, round(index * 1e9 / fps), picture) for index, picture in enumerate(pictures)]


def test_a_surprise_is_announced_and_confirmed_at_its_time(clip):
    stage, results, candidates = run(clip)
    assert [candidate.phase for candidate in candidates] == ["provisional", "confirmed"]
    confirmed = candidates[-1]
    assert abs(confirmed.apex.t_capture_ns / 1e6 - SURPRISE.apex_ms) <= 67
    assert abs(confirmed.onset.t_capture_ns / 1e6 - SURPRISE.onset_ms) <= 100
    assert confirmed.onset.anchor == confirmed.apex.anchor
    assert results[-1].gates == []
    assert results[0].states == {0: "calibrating"}
    assert set(results[-1].motions) == {0}
    assert stage.distinct_hz == pytest.approx(FPS)


def test_the_same_frames_give_the_same_candidates(clip):
    assert story(run(clip)[2]) == story(run(clip)[2])


def test_every_frame_is_accounted_for(clip):
    twice = [frame for index, frame in enumerate(clip[:60]) for frame in (frame, frame)[: 1 + index % 2]]
    stage, _, _ = run(twice)
    assert stage.processed == 60
    assert stage.dropped == {"duplicate": 30}
    assert stage.processed + sum(stage.dropped.values()) == len(twice)


def test_a_repeated_picture_is_not_taken_for_frame_rate(clip):
    slow = [dataclasses.replace(frame, image=clip[frame.index // 3].image) for frame in clip]
    stage, results, candidates = run(slow)
    assert stage.distinct_hz == pytest.approx(10, abs=1)
    assert results[-1].gates == ["low_frame_rate"]
    assert candidates == []


def test_one_blurred_frame_costs_nothing_but_itself(clip):
    frames = list(clip)
    frames[80] = dataclasses.replace(frames[80], image=cv2.GaussianBlur(frames[80].image, (0, 0), 9))
    _, results, candidates = run(frames)
    assert results[80].gates == ["blurred"]
    assert results[81].gates == []
    assert [candidate.phase for candidate in candidates] == ["provisional", "confirmed"]


def test_what_is_open_when_the_source_ends_is_retracted(clip):
    with make_stage() as stage:
        announced = next(found[0] for frame in clip if (found := stage.process(frame).candidates))
        [retracted] = stage.finish()
    assert announced.phase == "provisional"
    assert (retracted.event_id, retracted.phase, retracted.reason) == (announced.event_id, "retracted", "source_ended")


@pytest.mark.parametrize(
    ("interocular_px", "levels", "gates"),
    [(80, 256, []), (25, 256, ["too_small"]), (80, 30, ["too_dark"]), (None, 256, ["no_face"])],
)
def test_a_shut_gate_has_a_name(mesh_at, interocular_px, levels, gates):
    meshes = [mesh_at(320, 240, interocular_px)] if interocular_px else []
    _, results, _ = run(noise(3, levels=levels), make_stage(Seen(*meshes)))
    assert results[-1].gates == gates


def test_a_shut_gate_tells_its_figures(mesh_at):
    _, results, _ = run(noise(3), make_stage(Seen(mesh_at(320, 240, 25))))
    [(face_id, reading)] = results[-1].shut
    assert (face_id, reading.gate, round(reading.value), reading.limit) == (0, "too_small", 25, 40.0)


def test_calibration_counts_down_and_starts_anew_where_the_face_was_lost(mesh_at):
    _, results, _ = run(noise(100), make_stage(Seen(mesh_at(320, 240), blind=range(10, 25)), forget_ms=2000.0))
    left_ms = [result.calibration_left_ms.get(0) for result in results]
    assert left_ms[0] == 1000.0
    assert left_ms[9] == pytest.approx(1000 - 9 * 1000 / FPS, abs=2)
    assert left_ms[25] == 1000.0
    assert left_ms[40] == pytest.approx(500, abs=2)


def test_each_half_says_how_long_it_was_watched_and_how_small_a_movement_would_be_seen(clip):
    with make_stage() as stage:
        for frame in clip[:90]:
            stage.process(frame)
        halves = stage.halves(0)
    for watched, limit_px in halves.values():
        assert watched.not_watched == {"calibrating": pytest.approx(1 / 3, abs=0.05)}
        assert watched.share == pytest.approx(2 / 3, abs=0.05)
        assert 0.1 < limit_px < 1.0


def test_a_face_that_is_gone_for_long_is_forgotten(mesh_at):
    _, results, _ = run(noise(100), make_stage(Seen(mesh_at(320, 240), blind=range(5, 200)), forget_ms=100.0))
    assert results[5].faces == []
    assert results[5].states == {0: "calibrating"}
    assert results[11].motions[0].gate == "face_lost"
    assert results[99].states == {}


def test_two_faces_have_two_spotters(mesh_at):
    _, results, _ = run(noise(5), make_stage(Seen(mesh_at(180, 240), mesh_at(460, 240)), max_faces=2))
    assert set(results[-1].states) == {0, 1}
    assert set(results[-1].motions) == {0, 1}


def test_every_stage_has_its_times(mesh_at):
    stage, _, _ = run(noise(4), make_stage(Seen(mesh_at(320, 240))))
    assert set(stage.timings) == {"face", "spot", "capture"}
    assert 0 < stage.timings["spot"].p50_ms <= stage.timings["capture"].percentile_ms(100)


class EagerSpotter:
    """A spotter of one's own: every second face is a movement, and one is retracted when the face is lost."""

    state, gated = "watching", {}

    def __init__(self, settings):
        self._last = None

    def update(self, face):
        before, self._last = self._last, face
        is_odd = face.index % 2
        return Step(candidate=Candidate("own", face.face_id, "confirmed", before, face, 1.0) if before and is_odd else None)

    def lost(self, t_capture_ns, reason="face_lost"):
        return Step(candidate=Candidate("own", 0, "retracted", self._last, self._last, 1.0, reason=reason))


def test_a_spotter_of_ones_own_is_asked_in_its_place(mesh_at):
    stage = CaptureStage(FaceSettings(), SpotterSettings(), Seen(mesh_at(320, 240)), EagerSpotter)
    _, _, candidates = run(noise(6), stage)
    assert [(c.event_id, c.phase, c.apex.index) for c in candidates] == [("own", "confirmed", n) for n in (1, 3, 5)]
    assert [(c.phase, c.reason) for c in stage.finish()] == [("retracted", "source_ended")]


class TwoMovements(EagerSpotter):
    """Two movements are open when the face is lost, of which it tells one at a time."""

    def __init__(self, settings):
        super().__init__(settings)
        self._untold = ["brow", "mouth"]

    def update(self, face):
        self._last = face
        return Step()

    def lost(self, t_capture_ns, reason="face_lost"):
        if not self._untold:
            return Step()
        return Step(candidate=Candidate(self._untold.pop(0), 0, "retracted", self._last, self._last, 1.0, reason=reason))


def test_all_that_a_lost_face_had_open_is_retracted(mesh_at):
    stage = CaptureStage(FaceSettings(), SpotterSettings(), Seen(mesh_at(320, 240), blind=range(4, 40)), TwoMovements)
    _, _, candidates = run(noise(30), stage)
    assert [(c.event_id, c.phase, c.reason) for c in candidates] == [
        ("brow", "retracted", "face_lost"),
        ("mouth", "retracted", "face_lost"),
    ]
    assert stage.finish() == []


def test_each_of_two_faces_has_its_last_word(mesh_at):
    stage = CaptureStage(FaceSettings(max_faces=2), SpotterSettings(), Seen(mesh_at(180, 240), mesh_at(460, 240)), TwoMovements)
    run(noise(3), stage)
    assert [c.event_id for c in stage.finish()] == ["brow", "mouth", "brow", "mouth"]
