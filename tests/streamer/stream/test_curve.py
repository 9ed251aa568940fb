"""Who may talk to whom: real sockets, real keys, and strangers who get nothing in and nothing out."""

import stat
from pathlib import Path

import pytest
import zmq

from ahmsa.errors import UsageError
from configs.schema import StreamSettings
from streamer.live.hub import Hub
from streamer.live.source_line import SourceEdge
from streamer.recognise.worker import Worker
from streamer.stream.client import EmotionStream
from streamer.stream.curve import load_keys, lock, make_keys
from streamer.stream.internal import HELLO, reply_of
from streamer.stream.schema import StatusMessage

SILENCE_S = 0.7


@pytest.fixture
def keys(tmp_path):
    make_keys(tmp_path / "keys")
    return tmp_path / "keys"


@pytest.fixture
def other_keys(tmp_path):
    make_keys(tmp_path / "others")
    return tmp_path / "others"


@pytest.fixture
def hub(keys, tmp_path):
    settings = StreamSettings(publish="tcp://127.0.0.1:*", curve=str(keys))
    edge = SourceEdge(name="demo", endpoint=f"ipc://{tmp_path}/capture", lossless=False)
    one = Hub(settings, session="s1", sources=[edge], worker_endpoints=[f"ipc://{tmp_path}/worker"])
    one.start()
    yield one
    one.stop("over")
    one.close()


def heard(stream, hub):
    """Whether anything of the stream arrives, while something is said again and again."""
    for _ in range(30):
        hub.source_is("demo", "online", "something to hear")
        if isinstance(stream.next(0.1), StatusMessage):
            return True
    return False


def test_a_subscriber_with_keys_hears_the_stream(hub, keys):
    with EmotionStream(hub.endpoint, ["status."], curve=keys) as stream:
        assert heard(stream, hub)


def test_one_more_client_gets_a_folder_of_its_own_and_is_admitted(tmp_path, keys):
    make_keys(keys, "anna")
    annas = keys / "clients" / "anna"
    assert sorted(path.name for path in annas.iterdir()) == ["client.public", "client.secret", "server.public"]
    settings = StreamSettings(publish="tcp://127.0.0.1:*", curve=str(keys))
    edge = SourceEdge(name="demo", endpoint=f"ipc://{tmp_path}/capture", lossless=False)
    one = Hub(settings, session="s1", sources=[edge], worker_endpoints=[f"ipc://{tmp_path}/worker"])
    try:
        one.start()
        with EmotionStream(one.endpoint, ["status."], curve=annas) as stream:
            assert heard(stream, one)
    finally:
        one.stop("over")
        one.close()


@pytest.mark.parametrize("stranger", ["without keys", "with other keys", "with the server's public key and a pair of its own"])
def test_a_stranger_hears_nothing(hub, keys, other_keys, stranger):
    folder = None
    if stranger != "without keys":
        folder = other_keys
    if stranger.startswith("with the server's"):
        (other_keys / "server.public").write_bytes((keys / "server.public").read_bytes())
    with (
        EmotionStream(hub.endpoint, ["status."], curve=folder) as stream,
        EmotionStream(hub.endpoint, ["status."], curve=keys) as friend,
    ):
        assert heard(friend, hub)
        assert stream.next(SILENCE_S) is None


def dealer(context, endpoint, folder=None):
    socket = context.socket(zmq.DEALER)
    socket.setsockopt(zmq.LINGER, 0)
    if folder is not None:
        lock(socket, load_keys(folder, "client"))
    socket.connect(endpoint)
    return socket


def test_a_locked_recogniser_answers_its_clients_and_no_stranger(keys, other_keys, start_locked_worker):
    endpoint = start_locked_worker(keys)
    context = zmq.Context()
    try:
        friend, bare, other = (dealer(context, endpoint, folder) for folder in (keys, None, other_keys))
        for socket in (bare, other, friend):
            socket.send(HELLO)
        assert friend.poll(5000)
        assert reply_of(friend.recv()).model == "fake"
        assert not bare.poll(int(SILENCE_S * 1000))
        assert not other.poll(1)
    finally:
        context.destroy(linger=0)


def test_the_hub_asks_a_locked_recogniser(tmp_path, keys, start_locked_worker):
    endpoint = start_locked_worker(keys)
    settings = StreamSettings(publish="tcp://127.0.0.1:*", curve=str(keys), worker=endpoint)
    edge = SourceEdge(name="demo", endpoint=f"ipc://{tmp_path}/capture", lossless=False)
    one = Hub(settings, session="s1", sources=[edge], worker_endpoints=[endpoint])
    try:
        with EmotionStream(one.endpoint, ["status."], curve=keys) as stream:
            one.start()
            states = (message.worker.state for message in iter(lambda: stream.next(8.0), None))
            assert "ready" in states
    finally:
        one.stop("over")
        one.close()


def test_secrets_are_for_their_owner_alone(keys):
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in keys.iterdir()}
    assert (modes["server.secret"], modes["client.secret"], stat.S_IMODE(keys.stat().st_mode)) == (0o600, 0o600, 0o700)


def test_keys_are_not_written_over(keys):
    before = (keys / "server.secret").read_bytes()
    with pytest.raises(UsageError, match="holds keys already"):
        make_keys(keys)
    assert (keys / "server.secret").read_bytes() == before


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda keys: (keys / "client.secret").unlink(), r"there is no .*client\.secret"),
        (lambda keys: (keys / "client.secret").write_bytes(b""), "is no key or was cut off"),
        (lambda keys: (keys / "client.secret").write_bytes((keys / "client.secret").read_bytes()[:-9]), "was cut off"),
        (lambda keys: (keys / "client.secret").write_bytes(b"\xff" * 60), "is no key"),
        (
            lambda keys: (keys / "client.secret").write_bytes((keys / "client.public").read_bytes()),
            "holds the public key of a client where the secret key of a client is wanted",
        ),
        (
            lambda keys: (keys / "client.secret").write_bytes((keys / "server.secret").read_bytes()),
            "secret key of a server where",
        ),
        (lambda keys: (keys / "client.secret").chmod(0o644), "can be read by others"),
        (lambda keys: (keys / "server.public").unlink(), r"there is no .*server\.public"),
    ],
)
def test_keys_that_cannot_be_used_are_one_sentence(keys, damage, words):
    damage(keys)
    with pytest.raises(UsageError, match=words) as error:
        EmotionStream("tcp://127.0.0.1:5556", curve=keys)
    assert "ahmsa-key-1" not in str(error.value), "a key is never quoted"


def test_a_secret_is_not_shown_where_keys_are_printed(keys):
    loaded = load_keys(keys, "server")
    assert loaded.secret.decode() not in repr(loaded)


def test_other_machines_are_let_in_with_keys_or_by_a_word_only(keys):
    with pytest.raises(UsageError, match=r"can be reached from other machines: give --curve FOLDER .* or --insecure"):
        Worker("tcp://0.0.0.0:*")
    for worker in (Worker("tcp://0.0.0.0:*", insecure=True), Worker("tcp://0.0.0.0:*", Path(keys))):
        worker.close()
