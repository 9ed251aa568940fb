"""Which device computes: one rule for training, the worker and the benchmarks."""

from __future__ import annotations

from ahmsa.errors import DeviceError


def resolve_device(name: str) -> str:
    """'auto', 'cpu', 'cuda', 'cuda:1', 'mps' -> the name of a device that is really there.

    auto takes CUDA, then MPS, then the CPU. Raises DeviceError where the device asked for is missing.
    """
    import torch

    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if name == "auto":
        return "cuda" if cuda else "mps" if mps else "cpu"
    kind, _, number = name.partition(":")
    there = {"cpu": True, "cuda": cuda, "mps": mps}
    if kind not in there or (number and not number.isdecimal()):
        raise DeviceError(f"there is no device called {name!r}; use auto, cpu, cuda or mps")
    if not there[kind]:
        raise DeviceError(f"no {kind} device on this machine; use --device auto or --device cpu")
    if kind == "cuda" and number and int(number) >= torch.cuda.device_count():
        raise DeviceError(f"{name} does not exist: this machine has {torch.cuda.device_count()} CUDA device(s)")
    return name
