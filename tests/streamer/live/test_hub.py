"""The hub between capture processes, recognisers and subscribers, all played by the test.

Covers streamer.live.source_line, streamer.recognise.worker_pool, streamer.recognise.worker_pool, streamer.stream.publisher.
"""

from contextlib import contextmanager
from time import monotonic, sleep

import pytest
import zmq

from ahmsa.errors import RunError, StreamError
from configs.schema import StreamSettings
from fake_faces import candidate, face
from fake_recogniser import Recognition
from hub_rig import SETTINGS, TOKEN
from streamer.live.hub import OPEN_EVENTS, Hub
from streamer.live.source_line import SourceEdge
from streamer.stream import schema as wire
from streamer.stream.client import EmotionStream
from streamer.stream.internal import CANDIDATE, ENDED, MESSAGE, Stamps, WorkerReady, encode_reply, parts_of
from streamer.stream.messages import answer_of
from streamer.stream.publisher import INPROC

READY = encode_reply(WorkerReady(instance="old", model="old", device="cpu", crop_px=128))
FOUND = Recognition(face(15))
ANSWER = answer_of(candidate("confirmed"), FOUND.emotion, FOUND.flow_map, "old", 1.0)


def await_true(condition, timeout_s=8.0):
    until_s = monotonic() + timeout_s
    while not condition():
        assert monotonic() < until_s, "it never came true"
        sleep(0.01)


def is_emotion(message):
    return isinstance(message, wire.EmotionMessage)


def is_ready(message):
    return isinstance(message, wire.StatusMessage) and message.worker.state == "ready"


def status(**values):
    values = {"t_capture_ns": 1, "state": "online", "fps": 30.0, "captured": 5, "processed": 4, "waiting": 1, **values}
    return wire.StatusMessage(source="demo", **values)


def test_a_movement_is_announced_confirmed_and_named(rig, start_worker, make_candidate):
    one = rig(start_worker().endpoint)
    one.until(is_ready)
    one.send(make_candidate(), Stamps(apex_grabbed_ns=1_000_000, spotted_ns=101_000_000))
    one.send(make_candidate("confirmed"), Stamps(apex_grabbed_ns=1_000_000, spotted_ns=161_000_000))
    told = [message for message in one.until(is_emotion) if not isinstance(message, wire.StatusMessage)]
    assert [type(message) for message in told] == [wire.SpotMessage, wire.SpotMessage, wire.EmotionMessage]
    assert [message.seq for message in told] == [1, 2, 1]
    assert {message.session for message in told} == {"s1"}
    assert (told[2].latency_ms["spot"], told[2].latency_ms["decide"]) == (100.0, 60.0)
    assert told[2].model == "fake"


def test_a_retracted_movement_is_told_and_not_named(rig, start_worker, make_candidate):
    one = rig(start_worker().endpoint)
    one.until(is_ready)
    one.send(make_candidate())
    one.send(make_candidate("retracted", reason="blink"))
    one.send(make_candidate("confirmed", event_id="next"))
    seen = one.until(is_emotion)
    assert seen[-1].event_id == "next"
    assert [m.reason for m in seen if isinstance(m, wire.SpotMessage) and m.phase == "retracted"] == ["blink"]


def test_questions_wait_for_a_worker_that_is_not_there_yet(rig, start_worker, make_candidate, tmp_path):
    endpoint = f"ipc://{tmp_path}/worker"
    one = rig(endpoint)
    one.send(make_candidate("confirmed"))
    one.until(lambda message: isinstance(message, wire.SpotMessage))
    start_worker(endpoint)
    assert one.until(is_emotion)[-1].event_id == "f0-1"


def test_a_worker_that_dies_with_a_question_is_followed_by_one_that_answers(rig, start_worker, make_candidate, tmp_path):
    endpoint = f"ipc://{tmp_path}/worker"
    one = rig(endpoint)
    with silent_recogniser(endpoint) as (socket, _):
        one.until(is_ready)
        one.send(make_candidate("confirmed"))
        next_question(socket)
    start_worker(endpoint)
    emotion = one.until(is_emotion)[-1]
    assert (emotion.event_id, emotion.model) == ("f0-1", "fake")


def test_a_question_that_got_lost_is_asked_again(rig, make_candidate, tmp_path):
    endpoint = f"ipc://{tmp_path}/worker"
    one = rig(endpoint, ask_again_s=0.2)
    with silent_recogniser(endpoint) as (socket, client):
        one.until(is_ready)
        one.send(make_candidate("confirmed"))
        first, second = (next_question(socket) for _ in range(2))
        assert first == second
        socket.send_multipart([client, encode_reply(ANSWER)])
        assert one.until(is_emotion)[-1].event_id == "f0-1"


@contextmanager
def silent_recogniser(endpoint):
    """One that says that it is ready, and what the test sends by its socket to the client."""
    context = zmq.Context()
    try:
        socket = context.socket(zmq.ROUTER)
        socket.bind(endpoint)
        assert socket.poll(5000), "the hub never said hello"
        client, _ = socket.recv_multipart()
        socket.send_multipart([client, READY])
        yield socket, client
    finally:
        context.destroy(linger=0)


def next_question(socket):
    while True:
        assert socket.poll(5000), "the question never came"
        _, kind, *parts = socket.recv_multipart()
        if kind == CANDIDATE:
            return parts


def test_a_refused_question_is_counted_and_holds_nobody_back(rig, start_worker, make_candidate, recogniser):
    class Fussy:
        model_id, device, crop_px = "fake", "cpu", 128

        def recognise(self, pairs):
            if pairs[0].apex.index == 99:
                raise StreamError("I do not like it.")
            return recogniser.recognise(pairs)

    one = rig(start_worker(recogniser=Fussy()).endpoint)
    one.until(is_ready)
    one.send(make_candidate("confirmed", event_id="bad", apex=99))
    one.send(make_candidate("confirmed", event_id="good"))
    assert one.until(is_emotion)[-1].event_id == "good"
    assert one.hub.refusals == {"I do not like it.": 1}


def test_a_status_is_completed_by_what_the_hub_knows(rig, start_worker):
    one = rig(start_worker().endpoint, recording="events")
    one.until(is_ready)
    one.push_message(MESSAGE, wire.encode(status()))
    message = one.until(lambda m: isinstance(m, wire.StatusMessage) and m.captured)[-1]
    assert (message.state, message.captured, message.recording, message.worker.state) == ("online", 5, "events", "ready")


def test_the_end_of_a_source_is_known_after_everything_it_sent(rig, start_worker, make_candidate):
    one = rig(start_worker().endpoint)
    one.send(make_candidate())
    one.push_message(ENDED)
    await_true(lambda: one.hub.has_ended("demo"))
    assert one.stream.next(1.0) is not None


def test_the_last_status_says_why_it_ended(rig, start_worker):
    one = rig(start_worker().endpoint)
    one.until(is_ready)
    one.hub.stop("duration")
    last = one.until(lambda m: isinstance(m, wire.StatusMessage) and m.state == "ended")[-1]
    assert last.reason == "duration"


def test_a_file_waits_while_the_worker_is_behind(rig, make_candidate, tmp_path):
    one = rig(f"ipc://{tmp_path}/nobody", lossless=True)
    sent = 0
    while one.push.poll(300, zmq.POLLOUT):
        one.send(make_candidate(event_id=f"e{sent}"))
        sent += 1
        assert sent < 10 * OPEN_EVENTS, "it takes questions without end"
    assert one.hub.unanswered == OPEN_EVENTS // 2


def test_a_live_source_drops_the_oldest_event_and_says_so(rig, make_candidate, tmp_path):
    one = rig(f"ipc://{tmp_path}/nobody")
    for number in range(OPEN_EVENTS + 3):
        one.send(make_candidate(event_id=f"e{number}"))
    one.push_message(MESSAGE, wire.encode(status()))
    message = one.until(lambda m: isinstance(m, wire.StatusMessage) and m.captured)[-1]
    assert message.edges == {"hub->worker": 3}


def test_a_taken_port_is_one_sentence_before_anything_starts(rig, tmp_path):
    taken = rig(f"ipc://{tmp_path}/nobody").hub.endpoint
    with pytest.raises(StreamError, match="in use"):
        Hub(
            StreamSettings(publish=taken),
            session="s2",
            sources=[SourceEdge(name="demo", endpoint=f"ipc://{tmp_path}/other", lossless=True)],
            worker_endpoints=[f"ipc://{tmp_path}/nobody"],
        )


def test_nonsense_at_the_capture_edge_is_counted_and_ends_nothing(rig, tmp_path):
    one = rig(f"ipc://{tmp_path}/nobody")
    for frames in ([b"dance"], [b""], [MESSAGE, b"{}"], [MESSAGE], [CANDIDATE, b"\xff", b"", b"", b"", b""], [ENDED, b""]):
        one.push_message(*frames)
    one.push_message(MESSAGE, wire.encode(status()))
    message = one.until(lambda m: isinstance(m, wire.StatusMessage) and m.captured)[-1]
    assert message.edges == {"capture->hub unreadable": 6}
    assert not one.hub.has_ended("demo")


def test_a_recogniser_that_talks_nonsense_is_named_at_the_end_and_ends_nothing(rig, tmp_path):
    endpoint = f"ipc://{tmp_path}/worker"
    one = rig(endpoint)
    with silent_recogniser(endpoint) as (socket, client):
        socket.send_multipart([client, b"ready when you are", b"more"])
        await_true(lambda: one.hub.complaint is not None)
        one.until(is_ready)
    assert one.hub.complaint.startswith("a recogniser's reply does not fit its schema")
    assert one.hub.refusals == {}, "no movement was refused"


def test_a_message_without_the_token_is_not_believed(rig, tmp_path):
    one = rig(f"ipc://{tmp_path}/nobody")
    forged = wire.encode(status(state="offline"))
    for frames in ([MESSAGE, forged], [b"guess", MESSAGE, forged], [TOKEN[:-1], MESSAGE, forged], [b""] * 300):
        one.push.send_multipart(frames)
    one.push_message(MESSAGE, wire.encode(status()))
    message = one.until(lambda m: isinstance(m, wire.StatusMessage) and m.captured)[-1]
    assert message.state == "online"
    assert message.edges == {"capture->hub unreadable": 4}


def test_what_a_dead_capture_process_left_open_is_taken_back(rig, start_worker, make_candidate):
    one = rig(start_worker().endpoint)
    one.until(is_ready)
    one.send(make_candidate(event_id="confirmed before"))
    one.send(make_candidate("confirmed", event_id="confirmed before"))
    one.send(make_candidate(event_id="open"))
    one.until(lambda m: isinstance(m, wire.SpotMessage) and m.event_id == "open")
    one.hub.source_died("demo", "offline", "killed by SIGKILL")
    seen = one.until(lambda m: isinstance(m, wire.StatusMessage) and m.state == "offline")
    retracted = [(m.event_id, m.reason) for m in seen if isinstance(m, wire.SpotMessage) and m.phase == "retracted"]
    assert retracted == [("open", "source_lost")]
    assert seen[-1].reason == "killed by SIGKILL"


def test_nothing_is_published_before_it_is_recorded(rig, make_candidate, tmp_path):
    recorded = []
    one = rig(f"ipc://{tmp_path}/nobody", record=lambda topic, payload: recorded.append(payload))
    for number in range(20):
        one.send(make_candidate(event_id=f"e{number}"))
        message = one.until(lambda m: isinstance(m, wire.SpotMessage))[-1]
        assert wire.encode(message) in recorded


def test_a_record_that_fails_ends_the_hub_with_its_sentence(rig, make_candidate, tmp_path):
    def full(topic, payload):
        raise RunError("no space left")

    one = rig(f"ipc://{tmp_path}/nobody", record=full)
    one.send(make_candidate())
    await_true(lambda: not one.hub.thread.alive)
    with pytest.raises(RunError, match="no space left"):
        one.hub.check()


def test_a_flood_of_unreadable_replies_is_counted_and_not_kept(rig, tmp_path):
    endpoint = f"ipc://{tmp_path}/worker"
    one = rig(endpoint)
    with silent_recogniser(endpoint) as (socket, client):
        for number in range(500):
            socket.send_multipart([client, b'{"schema":"ahmsa.refusal/1","event_id":"none","sentence":"no. %d"}' % number])
        await_true(lambda: one.hub.complaint == "no. 499")
    assert one.hub.refusals == {}


def test_two_recognisers_share_the_questions_and_one_that_dies_costs_none(tmp_path, start_worker, make_candidate):
    first, second = start_worker(), start_worker()
    edges = [SourceEdge(name=name, endpoint=f"ipc://{tmp_path}/{name}", lossless=False, token=TOKEN) for name in ("a", "b")]
    hub = Hub(SETTINGS, session="s1", sources=edges, worker_endpoints=[first.endpoint, second.endpoint])
    stream = EmotionStream(INPROC, topics=[""], high_water_mark=0, context=hub.context)
    pushes = {edge.name: hub.context.socket(zmq.PUSH) for edge in edges}
    try:
        for edge in edges:
            pushes[edge.name].connect(edge.endpoint)
        hub.start()
        for message in iter(lambda: stream.next(8.0), None):
            if [one.state for one in message.workers] == ["ready", "ready"]:
                break
        first.stop()
        for number in range(6):
            for name in ("a", "b"):
                event = make_candidate("confirmed", event_id=f"{name}-{number}")
                pushes[name].send_multipart([TOKEN, CANDIDATE, *parts_of(event)])
        emotions = []
        while len(emotions) < 12:
            message = stream.next(15.0)
            assert message is not None, f"only {len(emotions)} of 12 were answered"
            if is_emotion(message):
                emotions.append((message.source, message.event_id))
        for name in ("a", "b"):
            assert [event for source, event in emotions if source == name] == [f"{name}-{number}" for number in range(6)]
    finally:
        for socket in (stream, *pushes.values()):
            socket.close()
        hub.stop("over")
        hub.close()
