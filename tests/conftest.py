from __future__ import annotations

import os
import signal

import pytest

import fake_databases


@pytest.fixture(scope="session", autouse=True)
def ctrl_c_works():
    """A shell starts programs in the background with SIGINT ignored, and they pass that on."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def fakes():
    """The generator of fake databases."""
    return fake_databases


@pytest.fixture(autouse=True)
def no_database_known(tmp_path, monkeypatch):
    """Whatever the user of this machine has said by `ahmsa-data root`."""
    monkeypatch.delenv("AHMSA_DATA", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))


@pytest.fixture(autouse=True)
def ordinary_priority():
    """A test that leaves this process at real-time priority, as some encoders do, starves everything after it."""
    yield
    if hasattr(os, "sched_getscheduler"):
        assert os.sched_getscheduler(0) == os.SCHED_OTHER
