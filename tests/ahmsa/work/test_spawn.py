"""Processes that are started to leave the end to their parent (ahmsa.work.spawn, ahmsa.work.signals)."""

import os
import subprocess
import sys
from time import monotonic, sleep

import psutil
import pytest

from ahmsa.work.signals import ENDING


def until(true):
    until_s = monotonic() + 30
    while not true():
        assert monotonic() < until_s
        sleep(0.01)


@pytest.fixture
def parent(tmp_path):
    """A program that starts a process; the process's id is its first line. `say`: its import goes on when it gets a line."""
    (tmp_path / "slow_child.py").write_text(
        "import os, sys, time\n"
        "if os.environ.get('SLOW'):\n"
        "    print(os.getpid(), flush=True)\n"
        "    sys.stdin.readline()\n"
        "def say(): print('done', flush=True)\n"
        "def wait():\n"
        "    from ahmsa.work.spawn import follow_parent\n"
        "    follow_parent(None)\n"
        "    print(os.getpid(), flush=True)\n"
        "    time.sleep(60)\n"
    )
    code = """
import os, sys
from ahmsa.work.spawn import spawned, wake_helper
import slow_child
if __name__ == "__main__":
    os.environ["SLOW"] = "yes" if sys.argv[1] == "say" else ""
    process = spawned(getattr(slow_child, sys.argv[1]))
    if sys.argv[1] == "say":
        process.join()
    else:
        sys.stdin.read()
        process.kill()
    wake_helper()
"""
    script = tmp_path / "parent.py"
    script.write_text(code)
    started = []

    def start(*arguments):
        command = [sys.executable, str(script), *arguments]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        started.append(subprocess.Popen(command, text=True, start_new_session=True, **pipes))
        return started[-1]

    yield start
    for program in started:
        program.kill()
        program.communicate()


def test_a_process_does_not_hear_what_asks_for_the_end_while_it_is_still_being_imported(parent):
    program = parent("say")
    child = int(program.stdout.readline())
    for number in ENDING:
        os.kill(child, number)
    assert program.communicate("go on\n", timeout=60) == ("done\n", "")


def test_a_helper_process_that_was_stopped_does_not_outlive_the_program(parent):
    program = parent("wait")
    program.stdout.readline()
    children = psutil.Process(program.pid).children()
    assert len(children) == 2, "the process, and the helper of multiprocessing"
    for child in children:
        child.suspend()
    program.communicate("", timeout=30)
    assert program.returncode == 0
    assert psutil.wait_procs(children, timeout=10)[1] == []


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a stopped process stays stopped")
def test_processes_that_were_stopped_end_when_their_parent_is_killed(parent):
    program = parent("wait")
    program.stdout.readline()
    children = psutil.Process(program.pid).children()
    for child in children:
        child.suspend()
    until(lambda: all(child.status() == psutil.STATUS_STOPPED for child in children))
    program.kill()
    program.wait(30)
    assert psutil.wait_procs(children, timeout=30)[1] == []
