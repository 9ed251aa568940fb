"""Children are real processes here; what they run lies in `child_targets`, a module that they can import."""

import os
import signal
import subprocess
import sys
import textwrap
from time import monotonic, sleep

import psutil
import pytest

from streamer.live.processes import Child, Keeper, end_children

TARGETS = """
import os, signal, sys, time
from pathlib import Path
from ahmsa.errors import UsageError

def wait(task, stopped):
    Path(task).touch()
    while not stopped():
        time.sleep(0.01)

def ignore_stop(task, stopped):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    Path(task).touch()
    while True:
        time.sleep(0.01)

def explain(task, stopped):
    raise UsageError("there is no such thing: choose another")

def crash(task, stopped):
    raise ValueError("oh")

def crash_until_third(task, stopped):
    folder, restarts = task
    if restarts < 2:
        os._exit(3)
    wait(Path(folder) / "third", stopped)
"""


@pytest.fixture
def targets(tmp_path, monkeypatch):
    (tmp_path / "child_targets.py").write_text(TARGETS)
    monkeypatch.syspath_prepend(str(tmp_path))  # children inherit the search path
    sys.modules.pop("child_targets", None)
    import child_targets

    return child_targets


@pytest.fixture
def start():
    children = []

    def make(*arguments, **values):
        children.append(Child(*arguments, **values))
        return children[-1]

    yield make
    for child in children:
        child.kill()
        child.end(monotonic() + 2)


def await_true(condition, what, timeout_s=15.0):
    until_s = monotonic() + timeout_s
    while not condition():
        assert monotonic() < until_s, f"waited too long: {what}"
        sleep(0.01)


def test_a_child_that_is_asked_to_stop_ends_well(targets, start, tmp_path):
    child = start("waiter", targets.wait, tmp_path / "up")
    await_true((tmp_path / "up").exists, "start")
    end_children([child])
    assert not child.alive
    assert child.death() is None


def test_a_child_does_not_hear_ctrl_c(targets, start, tmp_path):
    child = start("waiter", targets.wait, tmp_path / "up")
    await_true((tmp_path / "up").exists, "start")
    os.kill(child.pid, signal.SIGINT)
    end_children([child])
    assert child.death() is None


def test_a_child_that_does_not_listen_is_killed_within_two_seconds(targets, start, tmp_path):
    child = start("deaf", targets.ignore_stop, tmp_path / "up")
    await_true((tmp_path / "up").exists, "start")
    started_s = monotonic()
    end_children([child])
    assert not child.alive
    assert monotonic() - started_s < 2.0


def test_a_killed_child_is_named_with_the_signal(targets, start, tmp_path):
    child = start("waiter", targets.wait, tmp_path / "up")
    await_true((tmp_path / "up").exists, "start")
    os.kill(child.pid, signal.SIGKILL)
    await_true(lambda: child.death() is not None, "death")
    assert (child.death().name, child.death().how, child.death().explained) == ("waiter", "killed by SIGKILL", False)


def test_an_error_of_ours_arrives_as_its_sentence_and_exit_code(targets, start):
    child = start("usage", targets.explain, None)
    await_true(lambda: child.death() is not None, "death")
    death = child.death()
    assert (death.how, death.exit_code, death.explained) == ("there is no such thing: choose another", 2, True)


def test_any_other_error_arrives_with_its_kind(targets, start):
    child = start("crash", targets.crash, None)
    await_true(lambda: child.death() is not None, "death")
    death = child.death()
    assert death.how.startswith("ValueError: oh")
    assert (death.explained, death.killed) == (False, False)


def test_a_job_goes_on_after_two_crashes(targets, tmp_path):
    deaths = []
    keeper = Keeper("job", targets.crash_until_third, lambda restarts: (tmp_path, restarts), may_restart=True)
    try:

        def is_up():
            deaths.append(keeper.check())
            return (tmp_path / "third").exists()

        await_true(is_up, "the third try", 30)
        named = [death for death in deaths if death is not None]
        assert [death.how for death in named] == ["it crashed with exit code 3"] * 2
        assert keeper.restarts == 2
        assert not keeper.gave_up
    finally:
        end_children([keeper.child])


@pytest.mark.parametrize("may_restart", [True, False])
def test_an_explained_error_at_the_first_start_is_not_tried_again(targets, may_restart):
    keeper = Keeper("job", targets.explain, lambda restarts: None, may_restart=may_restart)
    await_true(lambda: keeper.check() is not None, "death")
    assert keeper.gave_up
    assert keeper.restarts == 0


def test_a_child_ends_when_its_parent_vanishes_and_tidies_up_after_it(targets, tmp_path):
    code = textwrap.dedent("""
        import os, sys, time
        from pathlib import Path
        if __name__ == "__main__":
            import child_targets
            from streamer.live.processes import Child
            up = Path(sys.argv[1])
            child = Child("waiter", child_targets.wait, up, leftovers=Path(sys.argv[2]))
            while not up.exists():
                time.sleep(0.01)
            print(child.pid, flush=True)
            os.kill(os.getpid(), 9)
    """)
    script = tmp_path / "parent.py"
    script.write_text(code)
    up = tmp_path / "up"
    sockets = tmp_path / "sockets"
    sockets.mkdir()
    out = subprocess.run([sys.executable, str(script), str(up), str(sockets)], capture_output=True, text=True, timeout=30)
    pid = int(out.stdout)
    await_true(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE, "the child's end")
    assert not sockets.exists()
    assert out.stderr == "", "nothing is complained about on the terminal"
