"""Covers streamer.selftest.blind, streamer.selftest.show, streamer.selftest.summary."""

import msgspec
import numpy as np
import pytest

from ahmsa.errors import DataError
from ahmsa.synth import ClipScript, Disturbance, SyntheticClip, clip_of
from ahmsa.types import Frame
from configs.schema import LiveSettings
from streamer.acquire.sources import SourceSpec
from streamer.selftest.advice import advise
from streamer.selftest.blind import blind_frames, blind_share
from streamer.selftest.measure import Plan, measure, planned, watch_untouched
from streamer.selftest.recording import FileRecording, MemoryRecording
from streamer.selftest.show import shown, write_plot
from streamer.selftest.summary import summarise

SETTINGS = LiveSettings()
PLAN = Plan(rounds=1, every_s=1.0, amplitudes_px=(2.0, 3.0))


class Clip:
    """A generated clip as a recording."""

    name = "clip"

    def __init__(self, clip):
        self._clip = clip

    def frames(self):
        return iter(self._clip)


@pytest.fixture(scope="module")
def calm():
    """A still face, measured."""
    recording = Clip(clip_of(duration_s=6.5, seed=3))
    untouched = watch_untouched(recording, SETTINGS)
    return recording, untouched, measure(recording, untouched, SETTINGS, PLAN)


def test_clear_movements_on_a_still_face_are_found_and_the_untouched_face_is_silent(calm):
    _, untouched, measured = calm
    assert untouched.alarms == []
    assert len(measured.trials) >= 2
    assert all(trial.found for trial in measured.trials)
    assert not any(trial.conditions.talking for trial in measured.trials)
    assert max(trial.conditions.head_px_s for trial in measured.trials) < 15


def test_the_same_recording_and_seed_give_the_same_answer(calm):
    recording, untouched, measured = calm
    assert measure(recording, untouched, SETTINGS, PLAN).trials == measured.trials


def test_the_summary_says_what_was_measured_in_tables_json_and_a_plot(calm, tmp_path):
    *_, measured = calm
    summary = summarise([measured])
    assert summary.recall[-1].found == summary.recall[-1].of == len(measured.trials)
    assert summary.found_80_px == 2.0
    assert summary.alarms == 0
    assert set(summary.halves) == {"upper", "lower"}
    assert summary.halves["upper"].limit_px < 1.0
    assert msgspec.json.decode(msgspec.json.encode(summary), type=type(summary)) == summary
    write_plot(summary, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 5_000
    assert len(advise(summary)) in (1, 2)
    assert shown(summary)


def test_what_is_shut_is_counted_by_gate_after_the_first_calibration():
    turning = Clip(clip_of(nuisances=[Disturbance("away", 3000, 4800)], duration_s=5.0))
    untouched = watch_untouched(turning, SETTINGS)
    frames, shut = blind_frames(untouched, "upper")
    assert 105 < frames < 125
    assert shut["no_face"] + shut["turned_away"] > 15
    assert 0.1 < blind_share(frames, shut) < 0.8


def test_a_recording_without_a_face_is_refused_in_one_sentence():
    noise = np.random.default_rng(0).integers(0, 255, (240, 320, 3), dtype=np.uint8)
    recording = MemoryRecording("wall")
    for number in range(60):
        recording.add(Frame(number, round(number * 1e9 / 30), np.roll(noise, number, axis=1)))
    with pytest.raises(DataError, match="wall: no face was seen in any of its 60 frames"):
        watch_untouched(recording, SETTINGS)


def test_frames_kept_in_memory_keep_their_numbers_times_and_looks():
    recording = MemoryRecording("camera0")
    frames = list(SyntheticClip(ClipScript(0.2, 30.0)))
    for frame in frames:
        recording.add(frame)
    for _ in range(2):
        again = list(recording.frames())
        assert [(f.index, f.t_capture_ns) for f in again] == [(f.index, f.t_capture_ns) for f in frames]
        assert np.abs(again[0].image.astype(int) - frames[0].image).mean() < 2.5


def test_a_face_seen_only_in_glimpses_holds_no_movement(calm):
    recording, untouched, _ = calm
    with pytest.raises(DataError, match="nothing was injected"):
        measure(recording, untouched, SETTINGS, Plan(rounds=1, first_s=6.2))
    assert planned(untouched, SETTINGS, PLAN, 0)[0].onset_ns >= 1.4e9


def test_the_built_in_clip_is_opened_anew_for_every_pass():
    recording = FileRecording(SourceSpec("demo"), SETTINGS.source, 0.3)
    assert [len(list(recording.frames())) for _ in range(2)] == [10, 10]
