import pytest

from ahmsa.device import resolve_device
from ahmsa.errors import DeviceError


def test_auto_finds_something_and_cpu_is_always_there():
    assert resolve_device("auto").partition(":")[0] in {"cpu", "cuda", "mps"}
    assert resolve_device("cpu") == "cpu"


@pytest.mark.parametrize("name", ["tpu", "cuda:99", "cuda:x", "gpu"])
def test_a_device_that_is_not_there_is_a_sentence(name: str):
    with pytest.raises(DeviceError):
        resolve_device(name)
