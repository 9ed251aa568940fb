"""TV-L1 on a CUDA device without launch cost: each step of each pyramid level is recorded once and replayed as a CUDA graph.

An iteration is some twenty small kernels; launched one by one from Python they would take longer to launch than to run.
"""

from __future__ import annotations

from functools import lru_cache

import torch

from ahmsa.flow.tvl1.solver import Step, TvL1
from ahmsa.settings import FlowSettings

LARGEST_BATCH = 128
"""Larger batches are worked off in pieces: the card is full by then, and its memory stays bounded."""


def graphed_tvl1(
    onset: torch.Tensor, apex: torch.Tensor, settings: FlowSettings, initial: torch.Tensor | None = None
) -> torch.Tensor:
    """ahmsa.flow.tvl1.solver.tvl1 for tensors on a CUDA device; the same arguments, the same result.

    Batches are filled up to a power of two, so that few shapes are ever recorded. The recorded buffers are shared by all
    callers: one thread at a time.
    """
    pieces = []
    for start in range(0, len(onset), LARGEST_BATCH):
        part = slice(start, start + LARGEST_BATCH)
        count = len(onset[part])
        filled = 1 << (count - 1).bit_length()
        solver = _solver((filled, onset.shape[1], onset.shape[2]), settings, onset.device)
        guess = None if initial is None else _filled(initial[part], filled)
        pieces.append(solver.flow(_filled(onset[part], filled), _filled(apex[part], filled), guess)[:count])
    return torch.cat(pieces)


@lru_cache(maxsize=8)
def _solver(shape: tuple[int, int, int], settings: FlowSettings, device: torch.device) -> TvL1:
    with torch.cuda.device(device):
        return TvL1(shape, settings, device, _recorded)


def _recorded(step: Step) -> Step:
    """The step as a replayable graph. It is run twice before, on a side stream, as recording demands."""
    side: torch.cuda.Stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(2):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    # thread_local: other threads of the program may use the device while this one records.
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        step()
    return graph.replay


def _filled(batch: torch.Tensor, count: int) -> torch.Tensor:
    """The batch with its last element repeated until there are `count`."""
    return batch if len(batch) == count else torch.cat([batch, batch[-1:].expand(count - len(batch), *batch.shape[1:])])
