from ahmsa.synth import demo_script
from streamer.stream import schema as wire
from streamer.view.demo_score import demo_score


def told(onset_ms, apex_ms, offset_ms, label):
    def moment(t_ms):
        return wire.Moment(0, round(t_ms * 1e6))

    return wire.EmotionMessage(
        source="demo",
        t_capture_ns=0,
        event_id="e",
        face_id=0,
        label=label,
        probabilities={},
        confidence=0.9,
        calibrated=True,
        onset=moment(onset_ms),
        apex=moment(apex_ms),
        offset_t_ns=round(offset_ms * 1e6),
        amplitude_px=1.0,
        score=2.0,
        model="m",
    )


def test_the_demo_counts_what_was_found_missed_and_invented():
    first, second, third, *others = demo_script().events
    emotions = [
        told(first.onset_ms, first.apex_ms, first.offset_ms, first.label),
        told(second.onset_ms + 20, second.apex_ms, second.offset_ms, None),
        told(11_000, 11_100, 11_200, "surprise"),
    ]
    score = demo_score(emotions, until_s=third.offset_ms / 1000)
    assert "2 of 3 movements found, 1 missed, 1 false alarms; of those found 1 labels right, 0 wrong, 1 abstained" in score
    assert f"missed: {third.label} at {third.apex_ms / 1e3:.1f} s" in score
    assert "false alarm at 11.1 s" in score
    assert others


def test_only_what_was_played_is_asked_for():
    assert "0 of 0 movements" in demo_score([], until_s=1.0)
