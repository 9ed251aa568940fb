"""Looks after the processes of a live run: one that died or fell silent is named, and started again where that can help."""

from __future__ import annotations

from collections.abc import Callable

from ahmsa.errors import AhmsaError
from streamer.live.hub import Hub
from streamer.live.jobs import GIVE_UP_S, SILENT_S, START_S, WORKER_SILENT_S, SourceJob, WorkerJob, error_of
from streamer.live.processes import Child


class Care:
    """The processes of one run. `failure` is why the run cannot go on; None while it can."""

    def __init__(self, hub: Hub, status_s: float, notice: Callable[[str], None]) -> None:
        """status_s: how often a capture process reports. notice: called with a sentence about what has happened."""
        self._hub, self._status_s, self._notice = hub, status_s, notice
        self.sources: list[SourceJob] = []
        self.workers: list[WorkerJob] = []
        self.failure: AhmsaError | None = None

    @property
    def children(self) -> list[Child]:
        keepers = [job.keeper for job in self.sources if job.keeper is not None]
        return [keeper.child for keeper in (*keepers, *(job.keeper for job in self.workers))]

    @property
    def has_workers(self) -> bool:
        """A worker process of this run may still answer."""
        return any(not job.keeper.gave_up for job in self.workers)

    def look(self) -> None:
        """Look once at every process."""
        for source in self.sources:
            self._look_after_source(source)
        for worker in self.workers:
            self._look_after_worker(worker)

    def _look_after_source(self, job: SourceJob) -> None:
        """Start it again where it died or hangs, and say so; one that cannot be started again has failed."""
        assert job.keeper is not None
        death = job.keeper.check()
        if death is None:
            self._look_for_silence(job)
            return
        has_ended = job.is_file and self._hub.has_ended(job.name)
        self._hub.source_died(job.name, "offline", death.how)
        job.is_silent = False
        if not job.keeper.gave_up:
            self._notice(f"the {death.name} process died ({death.how}); it is being started again")
            return
        job.failure = error_of(death)
        if len(self.sources) > 1:
            self._notice(f"{job.name}: {job.failure}; the other sources go on")
        elif not has_ended:
            self.failure = self.failure or job.failure

    def _look_for_silence(self, job: SourceJob) -> None:
        assert job.keeper is not None
        if job.keeper.waits or job.keeper.gave_up or self._hub.has_ended(job.name):
            job.silence.look(object())
            return
        activity = self._hub.activity_of(job.name)
        silent_s = job.silence.look(activity)
        limit_s = START_S if activity == job.activity_at_start else max(SILENT_S, 3 * self._status_s)
        if silent_s < limit_s:
            job.is_silent = False
        elif not job.is_silent:
            job.is_silent = True
            why = f"the capture process has been silent for {limit_s:g} s"
            self._hub.source_is(job.name, "offline", why)
            if not job.is_file:
                job.keeper.child.kill(why)
        elif silent_s > GIVE_UP_S:
            job.keeper.child.kill(f"the capture process has been silent for {GIVE_UP_S:g} s")

    def _look_after_worker(self, job: WorkerJob) -> None:
        activity = self._hub.worker_activity(job.number)
        if activity is None:
            job.silence.look(object())
        elif job.silence.look(activity) > WORKER_SILENT_S:
            job.keeper.child.kill(f"it has been silent for {WORKER_SILENT_S:g} s")
        death = job.keeper.check()
        if death is None:
            return
        self._hub.worker_is(job.number, "lost" if job.keeper.gave_up else "restarting", job.keeper.restarts + 1)
        if not job.keeper.gave_up:
            self._notice(f"the {death.name} process died ({death.how}); it is being started again")
        elif not self.has_workers:
            self.failure = self.failure or error_of(death)
        else:
            self._notice(f"the {death.name} process died ({death.how}); the others go on")
