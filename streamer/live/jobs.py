"""What the live program looks after: a capture process per source, a recogniser per worker process."""

from __future__ import annotations

from dataclasses import dataclass, field

from ahmsa.errors import AhmsaError, RunError, UsageError
from ahmsa.work.threads import Silence
from streamer.acquire.sources import SourceSpec
from streamer.live.processes import Death, Keeper
from streamer.live.source_line import SourceEdge

SILENT_S = 5.0
"""A capture process reports every second; after so long a silence its source is offline, and a camera's is started again."""
START_S = 60.0
"""How long it may take to its first word: opening a camera can block."""
GIVE_UP_S = 120.0
"""A file that hangs for so long (a dead network drive) ends its run."""
WORKER_SILENT_S = 20.0
"""A recogniser does not reply while it computes."""


@dataclass(eq=False)
class SourceJob:
    """One source and the process that watches it."""

    spec: SourceSpec
    edge: SourceEdge
    prefix: str
    """Put before its event ids, where several sources share a session."""
    silence: Silence = field(default_factory=Silence)
    activity_at_start: int = 0
    """What `Hub.activity_of` gave when its process was last started."""
    is_silent: bool = False
    failure: AhmsaError | None = None
    keeper: Keeper | None = None

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def is_file(self) -> bool:
        return self.spec.kind not in ("camera", "url")


@dataclass(eq=False)
class WorkerJob:
    """One recogniser in a process of this program."""

    number: int
    """Of its endpoint, among all recognisers."""
    keeper: Keeper
    silence: Silence = field(default_factory=Silence)


def error_of(death: Death) -> AhmsaError:
    """A death as the error that ends a run."""
    kind = UsageError if death.exit_code == 2 else RunError
    return kind(death.how if death.explained else f"the {death.name} process died: {death.how}")


def distinct(specs: list[SourceSpec]) -> list[SourceSpec]:
    """The same sources, each with a name of its own: two videos `talk.mp4` of different folders become talk and talk-2."""
    seen: dict[str, int] = {}
    found = []
    for spec in specs:
        name = spec.name
        seen[name] = seen.get(name, 0) + 1
        found.append(spec if seen[name] == 1 else SourceSpec(spec.kind, spec.where, f"{name}-{seen[name]}"))
    return found
