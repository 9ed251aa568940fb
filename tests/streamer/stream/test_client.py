import contextlib
import itertools
from time import monotonic

import pytest
import zmq

from ahmsa.errors import StreamError, UsageError
from streamer.stream import schema as wire
from streamer.stream.client import EmotionStream

TOPIC = b"status.demo."


def status(seq, session="s1"):
    message = wire.StatusMessage(
        session=session, seq=seq, source="demo", t_capture_ns=0, state="online", fps=30.0, captured=seq, processed=seq
    )
    return wire.encode(message)


@pytest.fixture
def publisher():
    """An XPUB socket, which tells when somebody has subscribed."""
    context = zmq.Context()
    sockets = []

    def make(endpoint="tcp://127.0.0.1:*"):
        socket = context.socket(zmq.XPUB)
        sockets.append(socket)
        socket.setsockopt(zmq.LINGER, 0)
        if endpoint:
            socket.bind(endpoint)
        return socket

    yield make
    context.destroy(linger=0)


def endpoint_of(socket):
    return socket.getsockopt_string(zmq.LAST_ENDPOINT)


def await_subscriber(socket):
    assert socket.poll(5000), "nobody subscribed"
    socket.recv()


@pytest.fixture
def connected(publisher):
    socket = publisher()
    with EmotionStream(endpoint_of(socket), topics=["status."], timeout_s=5.0) as stream:
        await_subscriber(socket)
        yield socket, stream


def test_every_message_is_iterated_in_order(connected):
    socket, stream = connected
    for seq in (1, 2, 3):
        socket.send_multipart([TOPIC, status(seq)])
    assert [message.seq for message in itertools.islice(stream, 3)] == [1, 2, 3]
    assert stream.lost.total() == 0


def test_a_hole_in_seq_is_reported(connected):
    socket, stream = connected
    for seq in (5, 6, 9):
        socket.send_multipart([TOPIC, status(seq)])
    assert [message.seq for message in itertools.islice(stream, 3)] == [5, 6, 9]
    assert stream.lost == {"status.demo.": 2}


def test_a_new_session_is_no_hole(connected):
    socket, stream = connected
    socket.send_multipart([TOPIC, status(50)])
    socket.send_multipart([TOPIC, status(1, session="s2")])
    assert len(list(itertools.islice(stream, 2))) == 2
    assert stream.lost.total() == 0


def test_the_newest_passes_over_what_has_piled_up(connected):
    socket, stream = connected
    for seq in range(1, 101):
        socket.send_multipart([TOPIC, status(seq)])
    newest = 0
    while newest < 100:  # what is still on its way comes with the next call
        newest = stream.newest(5.0).seq
    assert newest == 100
    assert stream.next(0) is None


def test_silence_ends_the_iteration_with_a_sentence(publisher):
    with (
        EmotionStream(endpoint_of(publisher()), timeout_s=0.05) as stream,
        pytest.raises(StreamError, match="is ahmsa-live running"),
    ):
        next(iter(stream))


def test_a_publisher_that_comes_back_is_heard_again(publisher):
    first = publisher("")
    # Below the ports that connecting sockets are given: a client that dials in vain must not meet itself there.
    port = first.bind_to_random_port("tcp://127.0.0.1", min_port=20_000, max_port=32_000)
    endpoint = f"tcp://127.0.0.1:{port}"
    with EmotionStream(endpoint, topics=["status."]) as stream:
        await_subscriber(first)
        first.send_multipart([TOPIC, status(1)])
        assert stream.next(5.0).session == "s1"
        first.close()
        second = publisher("")
        heard, is_bound, until_s = None, False, monotonic() + 20
        while heard is None and monotonic() < until_s:
            with contextlib.suppress(zmq.ZMQError):  # the port is released some time after the close
                is_bound = is_bound or second.bind(endpoint) is not None
            second.send_multipart([TOPIC, status(1, session="s2")])
            heard = stream.next(0.05)
        assert heard is not None
        assert heard.session == "s2"


def test_an_endpoint_that_is_none_is_one_sentence():
    with pytest.raises(UsageError, match="no endpoint"):
        EmotionStream("not-an-endpoint")


def test_a_payload_of_another_program_is_one_sentence(connected):
    socket, stream = connected
    socket.send_multipart([TOPIC, b'{"mood":"fine"}'])
    with pytest.raises(StreamError, match="schema"):
        stream.next(5.0)


@pytest.mark.parametrize("frames", [[TOPIC], [TOPIC, b"{}", b""], [b"status.\xff", b"{}"]])
def test_a_publisher_of_something_else_is_one_sentence(connected, frames):
    socket, stream = connected
    socket.send_multipart(frames)
    with pytest.raises(StreamError, match="another program"):
        stream.next(5.0)


@pytest.mark.parametrize("stay", [False, True])
def test_iterating_ends_with_the_session_unless_one_stays_for_the_next(publisher, stay):
    socket = publisher()
    with EmotionStream(endpoint_of(socket), topics=["spot."], timeout_s=1.0, stay=stay) as stream:
        await_subscriber(socket)
        await_subscriber(socket)
        for state in ("online", "ended"):
            socket.send_multipart([TOPIC, status(1).replace(b"online", state.encode())])
        if stay:
            with pytest.raises(StreamError, match="nothing came"):
                list(stream)
        else:
            assert list(stream) == [], "a status that was not asked for is not given, and still ends the loop"
