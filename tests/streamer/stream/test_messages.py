from streamer.stream import schema as wire
from streamer.stream.internal import Answer, Stamps
from streamer.stream.messages import MotionPace, Stamper, emotion_message, latencies, spot_message


def answer(**changes):
    values = {
        "event_id": "f0-1",
        "onset_index": 10,
        "apex_index": 15,
        "label": "surprise",
        "probabilities": {"negative": 0.1, "positive": 0.2, "surprise": 0.7},
        "confidence": 0.7,
        "calibrated": True,
        "abstained": None,
        "amplitude_px": 0.8,
        "model": "abc",
        "recognise_ms": 30.0,
    }
    return Answer(**{**values, **changes})


def test_a_macro_movement_is_a_retraction_that_says_macro(make_candidate):
    message = spot_message("demo", make_candidate("retracted", kind="macro"), Stamps())
    assert (message.phase, message.reason) == ("retracted", "macro")


def test_spot_and_emotion_of_one_movement_share_id_and_moments(make_candidate):
    confirmed = make_candidate("confirmed")
    spot = spot_message("demo", confirmed, Stamps())
    emotion = emotion_message("demo", confirmed, answer(), {})
    assert (spot.event_id, spot.onset, spot.apex) == (emotion.event_id, emotion.onset, emotion.apex)
    assert emotion.t_capture_ns == confirmed.apex.t_capture_ns


def test_an_abstained_answer_claims_no_label(make_candidate):
    message = emotion_message("demo", make_candidate("confirmed"), answer(label=None, abstained="low_confidence"), {})
    assert (message.label, message.abstained) == (None, "low_confidence")


def test_latencies_add_up_along_the_way():
    first = Stamps(apex_grabbed_ns=0, spotted_ns=100_000_000)
    second = Stamps(apex_grabbed_ns=0, spotted_ns=180_000_000)
    found = latencies(first, second, 30.0, now_ns=182_000_000)
    assert found == {"spot": 100.0, "decide": 80.0, "recognise": 30.0, "wait": 2.0, "total": 182.0}
    assert found["spot"] + found["decide"] + found["wait"] == found["total"]


def test_stamping_changes_only_what_belongs_to_the_publication(make_candidate):
    draft = spot_message("demo", make_candidate(), Stamps())
    out = Stamper("s1").stamp(draft)
    assert (out.session, out.seq, out.event_id) == ("s1", 1, draft.event_id)
    assert out.wall_time.endswith("Z")
    assert wire.decode(wire.encode(out)) == out


def test_messages_are_numbered_within_their_topic(make_candidate):
    stamper = Stamper("s1")
    spot = spot_message("demo", make_candidate(), Stamps())
    emotion = emotion_message("demo", make_candidate("confirmed"), answer(), {})
    assert [stamper.stamp(draft).seq for draft in (spot, spot, emotion, spot)] == [1, 2, 1, 3]


def test_a_fast_camera_publishes_motion_at_thirty_hertz_per_face():
    pace = MotionPace(30.0)
    sent = [pace.lets_through(0, index * 5_000_000) for index in range(200)]  # one second at 200 fps
    assert 28 <= sum(sent) <= 34
    assert pace.lets_through(1, 0), "another face has a pace of its own"
    assert not pace.lets_through(1, 1)
    assert pace.lets_through(1, 2, always=True), "why a movement was rejected must not get lost"


def test_a_thirty_hertz_camera_publishes_every_frame():
    pace = MotionPace(30.0)
    assert all(pace.lets_through(0, index * 33_300_000 + index % 2 * 500_000) for index in range(30))
