import pytest

from hub_rig import Rig


@pytest.fixture
def rig(tmp_path):
    rigs = []

    def make(worker_endpoint, **values):
        rigs.append(Rig(tmp_path, worker_endpoint, **values))
        return rigs[-1]

    yield make
    for one in rigs:
        one.close()
