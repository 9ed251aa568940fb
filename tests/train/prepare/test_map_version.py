"""A change of code that changes maps must change `MAP_VERSION`, or maps of two kinds would be mixed in one cache.

The stored maps are made anew, for a new version only, in the repository's root by

    python tests/train/prepare/test_map_version.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ahmsa.databases.clips import Clip
from ahmsa.settings import MAP_VERSION, FlowSettings
from train.prepare.clip_worker import ClipWorker
from train.prepare.map_file import load_map, map_path

STORED = Path(__file__).parent / "golden" / f"maps-v{MAP_VERSION}.npz"
TOLERANCE = 0.02
"""Of maps that span 0-1: between machines the last digits of a flow differ; a change of method or parameters moves more."""

KINDS = {
    "default": FlowSettings(),
    "five": FlowSettings(layout="five"),
    "quad": FlowSettings(layout="quad"),
    "keep": FlowSettings(head_motion="keep"),
    "translation": FlowSettings(head_motion="translation"),
    "similarity": FlowSettings(head_motion="similarity"),
    "torch": FlowSettings(backend="torch"),
    "opencv": FlowSettings(backend="opencv"),
}


@pytest.fixture(scope="module")
def clip(fakes, tmp_path_factory):
    return two_frames(fakes.portrait, tmp_path_factory.mktemp("clip"))


def two_frames(portrait, folder: Path) -> Clip:
    for number in (0, 1):
        portrait(folder / f"{number}.bmp", float(number))
    frames = {number: folder / f"{number}.bmp" for number in (0, 1)}
    return Clip("smic", "s1", "clip", "positive", "", 0, 1, 1, frames, fps=100.0, source=str(folder))


def made(clip: Clip, folder: Path, flow: FlowSettings) -> np.ndarray:
    ClipWorker(folder, 128, flow, "middle").make(clip)
    flow_map = load_map(map_path(folder, clip), clip)
    assert flow_map is not None
    return flow_map.uvs


@pytest.mark.parametrize("kind", KINDS)
def test_maps_of_this_version_are_what_they_were(kind, clip, tmp_path):
    uvs = made(clip, tmp_path, KINDS[kind])
    with np.load(STORED) as stored:
        change = float(np.abs(uvs - stored[kind]).max())
    assert change < TOLERANCE, (
        f"maps have changed by up to {change:.3f}: raise ahmsa.settings.MAP_VERSION and store them anew (see this file's head)"
    )


def test_the_stored_maps_tell_the_ways_of_making_them_apart():
    """Otherwise a change from one to another would pass."""
    with np.load(STORED) as stored:
        for kind in set(KINDS) - {"default", "torch"}:  # torch is the reference of the compiled kernel: the same map
            assert np.abs(stored[kind] - stored["default"]).max() > 2 * TOLERANCE, kind


def _store() -> None:
    import sys
    from tempfile import TemporaryDirectory

    sys.path.insert(0, str(Path(__file__).parents[2]))
    from fake_databases import portrait

    if STORED.exists():
        raise SystemExit(f"{STORED} exists; raise ahmsa.settings.MAP_VERSION first")
    with TemporaryDirectory() as folder:
        clip = two_frames(portrait, Path(folder))
        np.savez_compressed(STORED, **{kind: made(clip, Path(folder), flow) for kind, flow in KINDS.items()})


if __name__ == "__main__":
    _store()
