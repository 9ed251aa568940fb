"""The maps that a command works on: ready-made ones, or made from a database's frames."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ahmsa.errors import UsageError
from configs.command import say
from train.commands.demo import faces_root

if TYPE_CHECKING:
    from train.map_set import MapSet
    from train.prepare.prepared_maps import Prepared


def frames_root(db: str, maps: Path | None, data: Path | None) -> Path | None:
    """Where the database's own frames lie; None where ready-made maps are used. Raises UsageError where both are named, or
    neither is known."""
    if maps is None:
        return faces_root(db, data)
    if data is not None:
        raise UsageError("--maps and --data exclude each other: ready-made flow maps, or a database's own frames")
    return None


def ready_made(maps: Path, db: str) -> MapSet:
    from train.published_maps import read_ready_made

    return read_ready_made(maps, db)


def prepared_maps(
    db: str,
    root: Path,
    how: Mapping[str, object],
    *,
    classes: int,
    skip_bad: bool,
    jobs: int | None = None,
    cache: Path | None = None,
) -> Prepared:
    """Maps of a database's frames, made under a progress bar or kept from an earlier run; remarks go to the error stream.

    how: fields of `PrepareSettings`. Raises UsageError where one has no such value, DataError and RunError as `prepare`.
    """
    import msgspec

    from ahmsa.work.processes import default_jobs
    from train.commands.progress import clips_bar
    from train.prepare.prepared_maps import DEFAULT_CACHE, PrepareSettings, prepare

    try:
        settings = msgspec.convert(dict(how), PrepareSettings)
    except msgspec.ValidationError as error:
        raise UsageError(f"{error}; see --help") from None
    with clips_bar("flow maps") as progress:
        prepared = prepare(
            db,
            root,
            settings,
            classes=classes,
            cache_folder=cache or DEFAULT_CACHE,
            jobs=jobs or default_jobs(),
            skip_bad=skip_bad,
            progress=progress,
        )
    for remark in prepared.remarks():
        say(remark, err=True)
    return prepared
