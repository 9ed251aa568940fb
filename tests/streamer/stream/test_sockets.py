"""Limits that every socket has, against peers that know none."""

import pytest
import zmq

from ahmsa.errors import UsageError
from streamer.recognise.worker import Worker
from streamer.stream.client import EmotionStream
from streamer.stream.sockets import MOST_PARTS, SUBSCRIPTION_BYTES, bound, is_loopback, make_socket, receive

WAIT_MS = 5000


class Sides:
    """Sockets of the program and of its peers, in a context each."""

    def __init__(self):
        self._mine, self._theirs = zmq.Context(), zmq.Context()
        self._sockets = []

    def ours(self, kind, **values):
        self._sockets.append(make_socket(self._mine, kind, **values))
        return self._sockets[-1]

    def peer(self, kind, endpoint):
        self._sockets.append(self._theirs.socket(kind))
        self._sockets[-1].setsockopt(zmq.LINGER, 0)
        self._sockets[-1].connect(endpoint)
        return self._sockets[-1]

    def close(self):
        for socket in self._sockets:
            socket.close()
        for context in (self._mine, self._theirs):
            context.term()


@pytest.fixture
def sides():
    both = Sides()
    yield both
    both.close()


@pytest.mark.parametrize(("mine", "theirs"), [(zmq.PULL, zmq.PUSH), (zmq.ROUTER, zmq.DEALER), (zmq.DEALER, zmq.DEALER)])
def test_a_part_beyond_the_limit_does_not_arrive_and_the_next_peer_is_heard(sides, mine, theirs):
    ours = sides.ours(mine, largest_bytes=1000)
    endpoint = bound(ours, "tcp://127.0.0.1:*")
    sides.peer(theirs, endpoint).send(bytes(2000))
    sides.peer(theirs, endpoint).send(b"well")
    assert ours.poll(WAIT_MS)
    assert receive(ours)[-1] == b"well"
    assert not ours.poll(200)


def test_a_message_of_too_many_parts_is_passed_over(sides):
    ours = sides.ours(zmq.PULL)
    theirs = sides.peer(zmq.PUSH, bound(ours, "tcp://127.0.0.1:*"))
    theirs.send_multipart([b"x"] * 5000)
    theirs.send_multipart([b"x"] * MOST_PARTS)
    assert ours.poll(WAIT_MS)
    assert receive(ours) == []
    assert ours.poll(WAIT_MS)
    assert receive(ours) == [b"x"] * MOST_PARTS


def test_a_subscription_beyond_the_limit_is_not_taken(sides):
    ours = sides.ours(zmq.XPUB)
    endpoint = bound(ours, "tcp://127.0.0.1:*")
    sides.peer(zmq.SUB, endpoint).setsockopt(zmq.SUBSCRIBE, bytes(100_000))
    sides.peer(zmq.SUB, endpoint).setsockopt(zmq.SUBSCRIBE, b"emotion.")
    assert ours.poll(WAIT_MS)
    assert ours.recv() == b"\x01emotion."
    assert sides.ours(zmq.PUB).getsockopt(zmq.MAXMSGSIZE) == SUBSCRIPTION_BYTES


@pytest.mark.parametrize(
    ("endpoint", "is_private"),
    [
        ("tcp://127.0.0.1:5556", True),
        ("tcp://localhost:5556", True),
        ("tcp://[::1]:5556", True),
        ("ipc:///tmp/x", True),
        ("tcp://0.0.0.0:5556", False),
        ("tcp://*:5556", False),
        ("tcp://192.168.1.4:5556", False),
        ("tcp://gpu-box:5557", False),
        ("tcp://127.1:5556", True),
        ("tcp://[::ffff:127.0.0.1]:5556", True),
        ("udp://127.0.0.1:5556", False),
        ("vmci://1:5556", False),
    ],
)
def test_which_endpoints_leave_this_machine(endpoint, is_private):
    assert is_loopback(endpoint) is is_private


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        ("tcp://127.0.0.1:70000", "has no such port"),
        ("foo", "is no endpoint"),
        ("", "is no endpoint"),
        ("tcp://a", "is no endpoint"),
    ],
)
def test_an_endpoint_that_cannot_be_is_a_usage_error(endpoint, words):
    with pytest.raises(UsageError, match=words):
        EmotionStream(endpoint)
    with pytest.raises(UsageError, match=words):
        Worker(endpoint)
