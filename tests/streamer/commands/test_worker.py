import os
import signal

import pytest

from ahmsa.settings import RecogniserSettings
from streamer.commands.worker import serve_here
from streamer.recognise.worker import WorkerTask


def test_ctrl_c_ends_a_worker_that_is_still_loading(monkeypatch):
    def load(task):
        os.kill(os.getpid(), signal.SIGINT)
        raise AssertionError("it went on loading")

    monkeypatch.setattr("streamer.recognise.worker.load_recogniser", load)
    with pytest.raises(KeyboardInterrupt):
        serve_here(WorkerTask("tcp://127.0.0.1:*", None, RecogniserSettings(), "cpu"))
