import os
import signal
import subprocess
import sys

import pytest

from streamer.live.interrupts import InterruptError, signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_the_first_signal_is_noted_and_the_old_handlers_come_back(number):
    before = signal.getsignal(number)
    with signals(lambda: None) as caught:
        os.kill(os.getpid(), number)
        assert caught == [number]
    assert signal.getsignal(number) is before
    assert InterruptError(number).exit_code == 128 + number


def test_a_hang_up_that_nohup_has_switched_off_stays_so():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with signals(lambda: None) as caught:
            os.kill(os.getpid(), signal.SIGHUP)
            assert caught == []
    finally:
        signal.signal(signal.SIGHUP, before)


def test_the_second_signal_forces_the_end(tmp_path):
    code = """
import os, signal, sys
from pathlib import Path
from streamer.live.interrupts import signals
with signals(lambda: Path(sys.argv[1]).touch()) as caught:
    os.kill(os.getpid(), signal.SIGINT)
    assert caught == [signal.SIGINT]
    os.kill(os.getpid(), signal.SIGINT)
    Path(sys.argv[1]).unlink()
"""
    forced = tmp_path / "forced"
    assert subprocess.run([sys.executable, "-c", code, str(forced)], timeout=30).returncode == 130
    assert forced.exists()
