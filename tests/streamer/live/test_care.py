"""A process that dies or falls silent is named, and started again where that can help.

No process runs here: keepers and hub are written, and time is what the silences say.
"""

import pytest

from ahmsa.errors import RunError
from streamer.acquire.sources import SourceSpec
from streamer.live.care import Care
from streamer.live.jobs import GIVE_UP_S, SILENT_S, WORKER_SILENT_S, SourceJob, WorkerJob
from streamer.live.processes import Death
from streamer.live.source_line import SourceEdge

CRASH = Death("capture", "killed by SIGKILL", 1, explained=False, killed=True)


class Hub:
    """Remembers what it is told."""

    def __init__(self):
        self.said, self.ended, self.activity = [], set(), 1

    def has_ended(self, name):
        return name in self.ended

    def activity_of(self, name):
        return self.activity

    def worker_activity(self, number):
        return self.activity

    def source_died(self, name, state, reason):
        self.said.append((name, state, reason))

    source_is = source_died

    def worker_is(self, number, state, restarts):
        self.said.append((number, state, restarts))


class Child:
    def __init__(self):
        self.killed_for = None

    def kill(self, why=None):
        self.killed_for = why


class Keeper:
    """Reports one death, after which it has given up or not."""

    def __init__(self, death=None, *, gave_up=False):
        self.death, self.gave_up, self.waits, self.restarts, self.child = death, gave_up, False, 0, Child()

    def check(self):
        death, self.death = self.death, None
        return death


class Silence:
    def __init__(self, seconds):
        self.seconds = seconds

    def look(self, value):
        return self.seconds


@pytest.fixture
def notices():
    return []


@pytest.fixture
def hub():
    return Hub()


@pytest.fixture
def care(hub, notices):
    return Care(hub, status_s=1.0, notice=notices.append)


def source(kind="camera", where="0", keeper=None, silent_s=0.0):
    spec = SourceSpec(kind, where)
    edge = SourceEdge(name=spec.name, endpoint="ipc://nowhere", lossless=kind == "video")
    return SourceJob(spec, edge, "", silence=Silence(silent_s), keeper=keeper or Keeper())


def test_a_camera_whose_process_died_is_offline_and_comes_back(care, hub, notices):
    care.sources = [source(keeper=Keeper(CRASH))]
    care.look()
    assert hub.said == [("camera0", "offline", "killed by SIGKILL")]
    assert notices == ["the capture process died (killed by SIGKILL); it is being started again"]
    assert care.failure is None


def test_the_only_source_that_cannot_come_back_ends_the_run(care):
    care.sources = [source("video", "talk.mp4", Keeper(CRASH, gave_up=True))]
    care.look()
    assert isinstance(care.failure, RunError)
    assert str(care.failure) == "the capture process died: killed by SIGKILL"


def test_one_of_several_sources_does_not_end_the_others(care, notices):
    care.sources = [source("video", "talk.mp4", Keeper(CRASH, gave_up=True)), source()]
    care.look()
    assert care.failure is None
    assert care.sources[0].failure is not None
    assert notices == ["talk: the capture process died: killed by SIGKILL; the other sources go on"]


def test_a_silent_camera_is_killed_so_that_it_starts_anew(care, hub):
    care.sources = [source(silent_s=SILENT_S)]
    care.look()
    assert hub.said == [("camera0", "offline", "the capture process has been silent for 5 s")]
    assert care.sources[0].keeper.child.killed_for == "the capture process has been silent for 5 s"


def test_a_silent_file_is_waited_for_much_longer(care, hub):
    care.sources = [source("video", "talk.mp4", silent_s=SILENT_S)]
    care.look()
    assert hub.said[0][1] == "offline"
    assert care.sources[0].keeper.child.killed_for is None
    care.sources[0].silence.seconds = GIVE_UP_S + 1
    care.look()
    assert care.sources[0].keeper.child.killed_for is not None


def test_a_source_that_has_ended_may_be_silent(care, hub):
    care.sources = [source("video", "talk.mp4", silent_s=GIVE_UP_S + 1)]
    hub.ended.add("talk")
    care.look()
    assert (hub.said, care.sources[0].keeper.child.killed_for) == ([], None)


def test_one_of_two_recognisers_may_be_lost_and_both_may_not(care, hub, notices):
    death = Death("worker 1", "exit code 3", 1, explained=False, killed=False)
    care.workers = [WorkerJob(0, Keeper(death, gave_up=True)), WorkerJob(1, Keeper())]
    care.look()
    assert (care.failure, care.has_workers) == (None, True)
    assert hub.said == [(0, "lost", 1)]
    assert notices == ["the worker 1 process died (exit code 3); the others go on"]
    care.workers[1].keeper = Keeper(death, gave_up=True)
    care.look()
    assert isinstance(care.failure, RunError)
    assert not care.has_workers


def test_a_recogniser_that_does_not_reply_is_killed(care):
    care.workers = [WorkerJob(0, Keeper(), Silence(WORKER_SILENT_S + 1))]
    care.look()
    assert care.workers[0].keeper.child.killed_for == "it has been silent for 20 s"
