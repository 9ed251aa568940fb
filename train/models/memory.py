"""How many fits the memory holds at once."""

from __future__ import annotations

import os

import torch

from configs.training import TrainSettings
from train.models.registry import model_of


def networks_that_fit(settings: TrainSettings, device: str) -> int:
    """How many fits may be done at once in half of the free memory (most of a GPU's, which is ours alone); at least one."""
    part = 0.8 if device.startswith("cuda") else 0.5
    return max(1, int(_free_bytes(device) * part / model_of(settings).bytes_each(settings)))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether torch gave up for want of memory (GPUs have an exception for it, the CPU only a sentence)."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
    )


def _free_bytes(device: str) -> int:
    if device.startswith("cuda"):
        torch.cuda.empty_cache()
        return int(torch.cuda.mem_get_info(device)[0])
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
