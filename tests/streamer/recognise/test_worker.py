import secrets

import pytest
import zmq

from ahmsa.errors import CheckpointError, StreamError
from streamer.recognise.worker import Worker
from streamer.stream.internal import CANDIDATE, HELLO, RETRACT, Answer, Refusal, WorkerReady, parts_of, reply_of


class Client:
    def __init__(self, endpoint):
        self._context = zmq.Context()
        self.socket = self._context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.ROUTING_ID, secrets.token_bytes(4))
        self.socket.connect(endpoint)

    def send(self, *frames):
        self.socket.send_multipart(frames)

    def receive(self, timeout_ms=5000):
        assert self.socket.poll(timeout_ms), "no reply"
        return reply_of(self.socket.recv())

    def close(self):
        self._context.destroy(linger=0)


@pytest.fixture
def client_of():
    clients = []

    def make(worker):
        clients.append(Client(worker.endpoint))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


def test_hello_is_answered_by_who_it_is(start_worker, client_of):
    client = client_of(start_worker())
    client.send(HELLO)
    ready = client.receive()
    assert isinstance(ready, WorkerReady)
    assert (ready.model, ready.device, ready.crop_px) == ("fake", "cpu", 128)


def test_a_question_is_answered_for_its_own_frames(start_worker, client_of, make_candidate):
    client = client_of(start_worker())
    client.send(CANDIDATE, *parts_of(make_candidate(onset=3, apex=9)))
    answer = client.receive()
    assert isinstance(answer, Answer)
    assert (answer.event_id, answer.onset_index, answer.apex_index, answer.label) == ("f0-1", 3, 9, "positive")
    assert sum(answer.probabilities.values()) == pytest.approx(1, abs=1e-3)


def test_every_client_gets_its_own_answers(start_worker, client_of, make_candidate):
    worker = start_worker()
    one, two = client_of(worker), client_of(worker)
    one.send(CANDIDATE, *parts_of(make_candidate(event_id="of-one")))
    two.send(CANDIDATE, *parts_of(make_candidate(event_id="of-two")))
    assert (one.receive().event_id, two.receive().event_id) == ("of-one", "of-two")


@pytest.mark.parametrize(
    "frames",
    [[b""], [b"dance"], [CANDIDATE], [CANDIDATE, b"{}", b"", b"", b"", b""], [RETRACT], [CANDIDATE, *[b"\xff" * 99] * 5]],
)
def test_nonsense_is_refused_and_the_worker_lives_on(start_worker, client_of, make_candidate, frames):
    client = client_of(start_worker())
    client.send(*frames)
    assert isinstance(client.receive(), Refusal)
    client.send(CANDIDATE, *parts_of(make_candidate()))
    assert isinstance(client.receive(), Answer)


def test_a_question_that_the_checkpoint_cannot_take_is_refused_with_its_sentence(start_worker, client_of, make_candidate):
    class Picky:
        model_id, device, crop_px = "fake", "cpu", 64

        def recognise(self, pairs):
            raise CheckpointError("64 px crops only")

    client = client_of(start_worker(recogniser=Picky()))
    client.send(CANDIDATE, *parts_of(make_candidate()))
    assert client.receive() == Refusal(event_id="f0-1", sentence="64 px crops only")


def test_a_retracted_question_is_not_computed(start_worker, client_of, make_candidate, recogniser):
    asked = []

    class Slow:
        """Lets the test put several questions in before it answers the first."""

        model_id, device, crop_px = "fake", "cpu", 128

        def recognise(self, pairs):
            if not asked:
                client.send(CANDIDATE, *parts_of(make_candidate(event_id="retracted", apex=16)))
                client.send(RETRACT, b"retracted")
                client.send(CANDIDATE, *parts_of(make_candidate(event_id="last", apex=17)))
            asked.extend(pair.apex.index for pair in pairs)
            return recogniser.recognise(pairs)

    client = client_of(start_worker(recogniser=Slow()))
    client.send(CANDIDATE, *parts_of(make_candidate(event_id="first")))
    assert [client.receive().event_id, client.receive().event_id] == ["first", "last"]
    assert asked == [15, 17]


def test_a_gpu_answers_what_is_waiting_in_one_batch(start_worker, client_of, make_candidate, recogniser):
    batches = []

    class Gpu:
        model_id, device, crop_px = "fake", "cuda", 128

        def recognise(self, pairs):
            if not batches:
                for name in ("a", "b", "c"):
                    client.send(CANDIDATE, *parts_of(make_candidate(event_id=name)))
            batches.append(len(pairs))
            return recogniser.recognise(pairs)

    client = client_of(start_worker(recogniser=Gpu()))
    client.send(CANDIDATE, *parts_of(make_candidate(event_id="first")))
    assert [client.receive().event_id for _ in range(4)] == ["first", "a", "b", "c"]
    assert batches[0] == 1
    assert sum(batches) == 4
    assert len(batches) < 4


def test_a_taken_endpoint_is_one_sentence(start_worker):
    taken = start_worker().endpoint
    with pytest.raises(StreamError, match="in use"):
        Worker(taken)


def test_who_never_stops_talking_does_not_keep_others_from_their_answers(client_of, make_candidate, recogniser):
    worker = Worker("tcp://127.0.0.1:*")
    try:
        asker, talker = client_of(worker), client_of(worker)
        asker.send(CANDIDATE, *parts_of(make_candidate()))
        assert worker._socket.poll(5000)
        for _ in range(900):
            talker.send(HELLO)
        one_turn = iter([False])
        worker.serve(lambda: recogniser, lambda: next(one_turn, True))
        assert isinstance(asker.receive(), Answer)
        heard = 0
        while talker.socket.poll(200):
            talker.socket.recv()
            heard += 1
        assert heard <= 256
    finally:
        worker.close()


def test_one_bad_question_in_a_batch_does_not_cost_the_others_their_answers(client_of, make_candidate, recogniser):
    class Batching:
        model_id, device, crop_px = "fake", "cuda", 128

        def recognise(self, pairs):
            if any(pair.apex.index == 99 for pair in pairs):
                raise CheckpointError("I know no such crops.")
            return recogniser.recognise(pairs)

    worker = Worker("tcp://127.0.0.1:*")
    try:
        client = client_of(worker)
        for event_id in ("one", "bad", "two"):
            client.send(CANDIDATE, *parts_of(make_candidate(event_id=event_id, apex=99 if event_id == "bad" else 15)))
        turns = iter([False] * 3)
        worker.serve(Batching, lambda: next(turns, True))
        replies = [client.receive() for _ in range(3)]
        assert {reply.event_id: type(reply) for reply in replies} == {"one": Answer, "bad": Refusal, "two": Answer}
    finally:
        worker.close()
