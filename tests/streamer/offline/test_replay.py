import cv2
import msgspec
import pytest

from ahmsa.model.checkpoint import Checkpoint
from ahmsa.model.net import AhmsaNet
from ahmsa.model.recogniser import Recogniser
from ahmsa.settings import FaceSettings, NetSettings, RecogniserSettings
from ahmsa.synth import clip_of, event
from configs.schema import SourceSettings
from spotting.settings import SpotterSettings
from streamer.acquire.capture import CaptureStage
from streamer.acquire.playback import Playback
from streamer.acquire.sources import SourceSpec, open_source
from streamer.offline.replay import events
from streamer.stream.schema import EmotionMessage, MotionMessage, SpotMessage, decode, encode


@pytest.fixture(scope="module")
def clip():
    return list(clip_of([event("positive", 2.6, 2.5)], duration_s=3.5, seed=3))


def replayed(source, recogniser):
    with source, CaptureStage(FaceSettings(), SpotterSettings()) as stage:
        return list(events(source, stage, recogniser))


def in_memory(frames):
    return Playback("clip", 30.0, iter(frames), as_fast_as_possible=True)


def timeless(messages):
    """The bytes that must not change from run to run."""
    return [encode(msgspec.structs.replace(message, t_publish_ns=0, wall_time="")) for message in messages]


@pytest.fixture(scope="module")
def messages(clip, recogniser):
    return replayed(in_memory(clip), recogniser)


def test_a_movement_is_announced_then_confirmed_then_named(messages):
    told = [message for message in messages if not isinstance(message, MotionMessage)]
    assert [type(message) for message in told] == [SpotMessage, SpotMessage, EmotionMessage]
    provisional, confirmed, emotion = told
    assert (provisional.phase, confirmed.phase) == ("provisional", "confirmed")
    assert provisional.event_id == confirmed.event_id == emotion.event_id
    assert (emotion.label, emotion.model, emotion.amplitude_px) == ("positive", "fake", 2.0)
    assert emotion.apex == confirmed.apex


def test_a_network_of_sequences_is_fed_by_the_faces_that_the_spotter_kept(clip):
    net = NetSettings(inputs="sequence")
    judge = Recogniser(Checkpoint((AhmsaNet(net).state_dict(),), net), RecogniserSettings(min_confidence=0.0), "cpu")
    [emotion] = [message for message in replayed(in_memory(clip), judge) if isinstance(message, EmotionMessage)]
    assert emotion.model == judge.model_id
    assert sum(emotion.probabilities.values()) == pytest.approx(1, abs=1e-3)


def test_messages_fit_the_streams_schema_and_are_numbered_per_topic(messages):
    for kind in (SpotMessage, MotionMessage, EmotionMessage):
        numbers = [message.seq for message in messages if isinstance(message, kind)]
        assert numbers == list(range(1, len(numbers) + 1))
    assert [decode(encode(message)) for message in messages] == messages


def test_a_replay_gives_the_same_bytes_again(clip, recogniser, messages):
    assert timeless(replayed(in_memory(clip), recogniser)) == timeless(messages)


def test_a_recorded_video_replays_to_the_same_bytes(clip, recogniser, messages, tmp_path):
    writer = cv2.VideoWriter(str(tmp_path / "clip.mkv"), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"HFYU"), 30.0, (640, 480))
    for frame in clip:
        writer.write(frame.image)
    writer.release()
    lines = "".join(f"{frame.index},{frame.t_capture_ns}\n" for frame in clip)
    (tmp_path / "clip.csv").write_text("index,t_capture_ns\n" + lines)
    source = open_source(SourceSpec("video", str(tmp_path / "clip.mkv")), SourceSettings(), as_fast_as_possible=True)
    assert timeless(replayed(source, recogniser)) == timeless(messages)
