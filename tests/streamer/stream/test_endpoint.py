import pytest

from streamer.stream.client import EmotionStream
from streamer.stream.endpoint import full_endpoint


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("5556", "tcp://127.0.0.1:5556"),
        ("localhost:5556", "tcp://127.0.0.1:5556"),
        ("tcp://localhost:5556", "tcp://127.0.0.1:5556"),
        ("gpu-box:5557", "tcp://gpu-box:5557"),
        ("192.168.1.7:5557", "tcp://192.168.1.7:5557"),
        ("[::1]:5556", "tcp://[::1]:5556"),
        ("0.0.0.0:*", "tcp://0.0.0.0:*"),
        ("ipc:///tmp/stream", "ipc:///tmp/stream"),
        ("foo", "foo"),
        ("gpu-box", "gpu-box"),
    ],
)
def test_short_endpoints_mean_what_people_mean(given, meant):
    assert full_endpoint(given) == meant
    assert full_endpoint(meant) == meant


def test_the_client_takes_them():
    with EmotionStream("localhost:5999") as stream:
        assert stream.endpoint == "tcp://127.0.0.1:5999"
