"""The ablations of paper 4.5: each is a handful of presets that differ in one thing."""

from __future__ import annotations

from typing import Literal

from msgspec.structs import replace

from ahmsa.errors import UsageError
from configs.training import TrainSettings

Ablation = Literal["batch", "levels", "blocks"]

BATCHES = (32, 64, 128, 256, 512, 1024)
BLOCKS = (1, 2, 3, 4, 6, 8)
"""Blocks at every level but the top one, which keeps its own: (1, 1, 8) ... (8, 8, 8) in the paper's preset."""
GEOMETRIES = ((1, 2), (2, 2), (3, 2), (4, 2), (2, 3), (3, 3))
"""Levels and downsampling factor; (3, 2) is the paper's, (3, 3) a grid of 9 x 9."""


def variants(preset: TrainSettings, ablation: Ablation) -> dict[str, TrainSettings]:
    """Name -> preset for every step of an ablation. Raises UsageError where the preset has too few levels to vary."""
    if ablation == "batch":
        return {f"batch-{batch}": replace(preset, fit=replace(preset.fit, batch=batch)) for batch in BATCHES}
    if ablation == "blocks":
        top = preset.net.blocks[-1]
        steps = {(count,) * (len(preset.net.blocks) - 1) + (top,) for count in BLOCKS}
        return {
            "blocks-" + "-".join(map(str, blocks)): replace(preset, net=replace(preset.net, blocks=blocks))
            for blocks in sorted(steps)
        }
    return {f"levels-{levels}-factor-{factor}": _with_geometry(preset, levels, factor) for levels, factor in GEOMETRIES}


def _with_geometry(preset: TrainSettings, levels: int, factor: int) -> TrainSettings:
    """The preset with other levels: the upper ones are dropped, or the top one's shape repeated."""
    net = preset.net
    if len(net.channels) < 2:
        raise UsageError("an ablation of levels starts from a preset of at least two levels; choose another --preset.")

    def fitted(values: tuple[int, ...]) -> tuple[int, ...]:
        return (values + values[-1:] * levels)[:levels]

    grid = factor ** (levels - 1)
    # The published side of 28 divides by 1, 2 and 4 but not by 3, 8 or 9: the next larger side that does is taken.
    side = -(-28 // grid) * grid
    return replace(
        preset,
        net=replace(
            net,
            channels=fitted(net.channels),
            heads=fitted(net.heads),
            blocks=fitted(net.blocks),
            factor=factor,
            patch_px=side // grid,
            map_px=side,
        ),
    )
