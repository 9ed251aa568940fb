"""3D flow: the one way from two aligned faces to the map a network sees, for training and live alike (paper 3.2)."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, Literal, NamedTuple, cast

import cv2
import numpy as np
import numpy.typing as npt

from ahmsa.device import resolve_device
from ahmsa.errors import DataError
from ahmsa.face.geometry import face_mask
from ahmsa.flow.head_motion import depth_of, remove_head_motion
from ahmsa.flow.maps import lay_out, min_max, region_centres
from ahmsa.flow.other_motion import other_energy, own_share
from ahmsa.flow.sequence import INSTANTS, require_sequence, sequence_planes
from ahmsa.flow.strain import strain_magnitude
from ahmsa.flow.tvl1.pyramid import MIN_SIDE_PX
from ahmsa.settings import FlowSettings, Inputs
from ahmsa.types import AlignedFace, FacePair, FloatArray, FlowMap

PEAK_PERCENTILE = 98.0
"""The peak of a movement is this percentile over the face: a wrong pixel is not a movement."""
_OPENCV_MARGIN_PX = 8
"""OpenCV's TV-L1 sees black beyond the image, and strain then finds its largest values on the border."""
_SMALL_SIDE_PX = 64
"""Other motion and sequences are measured in crops of half the side, but not of less: a quarter of the time, and enough for an
energy or a course."""
GPU_BATCH = 8
"""`auto` gives smaller batches to the compiled CPU kernel: a GPU needs company to be the faster one."""


class _Other(NamedTuple):
    """The onset of a movement, counted from 0, and another of its faces."""

    number: int
    onset: AlignedFace
    other: AlignedFace


class FlowMaker:
    """Optical flow, strain and map, by settings that travel in the checkpoint.

    device: as in ahmsa.device, DeviceError where it is missing; flow uses CUDA or the CPU. inputs: `sequence` makes maps with
    their sequences. One thread at a time.
    """

    def __init__(self, settings: FlowSettings, device: str = "cpu", inputs: Inputs = "map") -> None:
        self.settings = settings
        self.inputs = inputs
        # torch takes a second to import, and the compiled kernel does without it.
        self.device = "cpu" if device == "cpu" else _flow_device(resolve_device(device))

    def flow(self, onset: npt.ArrayLike, apex: npt.ArrayLike, initial: FloatArray | None = None) -> FloatArray:
        """TV-L1 flow from each onset to its apex: apex(x + flow(x)) = onset(x).

        onset, apex: (b, h, w) uint8, uint16 (full scale 65535) or float grey levels 0-255, of any memory layout; initial:
        (b, 2, h, w) px to start from, zero without -> float32 (b, 2, h, w), u right positive, v down positive, px. Raises
        DataError on another shape or type, on two sizes and on NaN.
        """
        first, second = _grey(onset, "onset"), _grey(apex, "apex")
        if first.shape != second.shape:
            raise DataError(f"onset {first.shape} and apex {second.shape} differ in size; cut both with one alignment")
        shape = (len(first), 2, *first.shape[1:])
        if initial is not None and (initial.shape != shape or not np.isfinite(initial).all()):
            raise DataError(f"the initial flow must be finite and of shape {shape}, but its shape is {initial.shape}")
        if len(first) == 0:
            return np.zeros(shape, dtype=np.float32)
        start = None if initial is None else np.ascontiguousarray(initial, dtype=np.float32)
        return _SOLVERS[self._backend(len(first))](first, second, self.settings, start, self.device)

    def _backend(self, batch: int) -> _Backend:
        if self.settings.backend != "auto":
            return self.settings.backend
        if self.device != "cpu" and batch >= GPU_BATCH:
            return "torch"
        return "compiled" if _has_compiler() else "torch"

    def maps(self, pairs: Sequence[FacePair]) -> list[FlowMap]:
        """The network's view of each movement, in order. Movements of one crop size are computed as one batch.

        Raises DataError where sequences are to be made of movements without the faces between.
        """
        if not pairs:
            return []
        depths = [depth_of(pair.onset) for pair in pairs]
        moved, others = self._moved(pairs, depths), self._other_energies(pairs, depths)
        maps = [self._map(*each) for each in zip(moved, others, pairs, strict=True)]
        return maps if self.inputs == "map" else self._with_sequences(maps, pairs, depths)

    def movements(self, pairs: Sequence[FacePair]) -> FloatArray:
        """(b, 2, s, s) px: flow from onset to apex without the head's motion, of one or more pairs of one crop size."""
        return self._moved(pairs, [depth_of(pair.onset) for pair in pairs])

    def _moved(self, pairs: Sequence[FacePair], depths: Sequence[FloatArray]) -> FloatArray:
        sides = {pair.onset.pixels.shape for pair in pairs}
        if len(sides) > 1:
            raise DataError(f"movements of several crop sizes {sorted(sides)} in one batch; use one crop size")
        flows = self.flow(np.stack([pair.onset.pixels for pair in pairs]), np.stack([pair.apex.pixels for pair in pairs]))
        return remove_head_motion(flows, self.settings.head_motion, np.stack(depths))

    def _other_energies(self, pairs: Sequence[FacePair], depths: Sequence[FloatArray]) -> list[FloatArray | None]:
        """For each movement the energy of what else its face did, None where neither before nor after is known."""
        compared = [_Other(i, c.onset, face) for i, c in enumerate(pairs) for face in (c.before, c.after) if face is not None]
        found: list[FloatArray | None] = [None] * len(pairs)
        if not compared:
            return found
        side = compared[0].onset.pixels.shape[0]
        flows = self._small_flows(compared, depths)
        for number in {one.number for one in compared}:
            own = [flow for one, flow in zip(compared, flows, strict=True) if one.number == number]
            found[number] = cast(FloatArray, cv2.resize(other_energy(own), (side, side)))
        return found

    def _small_flows(self, compared: Sequence[_Other], depths: Sequence[FloatArray]) -> FloatArray:
        """(b, 2, s / 2, s / 2) px of the whole crop: flow without the head's motion, from crops of half the side."""
        side = compared[0].onset.pixels.shape[0]
        small = min(side, max(side // 2, _SMALL_SIDE_PX))
        onsets = np.stack([_shrunk(one.onset.pixels, small) for one in compared])
        others = np.stack([_shrunk(one.other.pixels, small) for one in compared])
        depth = np.stack([_shrunk(depths[one.number], small) for one in compared]) * np.float32(small / side)
        flows = remove_head_motion(self.flow(onsets, others), self.settings.head_motion, depth)
        return cast(FloatArray, flows * np.float32(side / small))

    def _with_sequences(
        self, maps: Sequence[FlowMap], pairs: Sequence[FacePair], depths: Sequence[FloatArray]
    ) -> list[FlowMap]:
        for pair in pairs:
            require_sequence(pair)
        compared = [_Other(number, pair.onset, face) for number, pair in enumerate(pairs) for face in pair.between]
        flows = self._small_flows(compared, depths)
        grouped = flows.reshape(len(pairs), INSTANTS, *flows.shape[1:])
        return [self._with_sequence(*each) for each in zip(maps, grouped, pairs, strict=True)]

    def _with_sequence(self, flow_map: FlowMap, flows: FloatArray, pair: FacePair) -> FlowMap:
        centres, side = region_centres(pair.apex)[0], pair.onset.pixels.shape[0]
        whole = [np.stack([cv2.resize(plane, (side, side)) for plane in flow]) for flow in flows]
        laid_out = [lay_out(flow, centres, self.settings.layout, self.settings.map_px) for flow in whole]
        return replace(flow_map, sequence=sequence_planes(np.stack(laid_out), pair, flow_map.peak_px))

    def _map(self, flow: FloatArray, other: FloatArray | None, pair: FacePair) -> FlowMap:
        strain = strain_magnitude(flow)
        centres, fallback = region_centres(pair.apex)
        face = face_mask(*flow.shape[1:])
        displacement = np.hypot(flow[0], flow[1])[face]
        channels = np.concatenate([flow, strain[None]])
        return FlowMap(
            uvs=min_max(lay_out(channels, centres, self.settings.layout, self.settings.map_px)),
            peak_px=float(np.percentile(displacement, PEAK_PERCENTILE)),
            mean_px=float(displacement.mean()),
            strain_peak=float(np.percentile(strain[face], PEAK_PERCENTILE)),
            fallback=fallback,
            own_share=None if other is None else own_share(flow, other),
        )


def _shrunk(image: npt.NDArray[Any], side: int) -> npt.NDArray[Any]:
    """(s, s) -> (side, side), averaged."""
    return cast(npt.NDArray[Any], cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA))


@cache
def _has_compiler() -> bool:
    """Whether numba is installed: a machine that only recognises does without it, by the slower reference in torch."""
    try:
        return importlib.util.find_spec("numba") is not None
    except ValueError:  # it was hidden on purpose
        return False


def _grey(images: npt.ArrayLike, name: str) -> FloatArray:
    """Grey levels 0-255 as contiguous float32 (b, h, w)."""
    array = np.asarray(images)
    if array.ndim != 3:
        raise DataError(f"{name} has shape {array.shape}; give grey images as (batch, height, width)")
    if min(array.shape[1:]) < MIN_SIDE_PX:
        raise DataError(f"{name} is {array.shape[2]} x {array.shape[1]} px; flow needs at least {MIN_SIDE_PX} px a side")
    if array.dtype == np.uint16:
        array = array / np.float32(257)
    elif array.dtype != np.uint8 and array.dtype.kind != "f":
        raise DataError(f"{name} is {array.dtype}; give uint8, uint16 or float grey levels")
    grey = np.ascontiguousarray(array, dtype=np.float32)
    if not np.isfinite(grey).all():
        raise DataError(f"{name} holds NaN or infinite grey levels; repair or leave out the frame")
    return grey


def _flow_device(device: str) -> str:
    """MPS has no float64, which the pyramid needs; there the compiled kernel is quick enough."""
    return device if device.startswith("cuda") else "cpu"


def _torch_flow(
    onset: FloatArray, apex: FloatArray, settings: FlowSettings, initial: FloatArray | None, device: str
) -> FloatArray:
    import torch

    from ahmsa.flow.tvl1.graphs import graphed_tvl1
    from ahmsa.flow.tvl1.solver import tvl1

    first, second = torch.from_numpy(onset).to(device), torch.from_numpy(apex).to(device)
    start = None if initial is None else torch.from_numpy(initial).to(device)
    with torch.no_grad():
        solved = (tvl1 if device == "cpu" else graphed_tvl1)(first, second, settings, start)
    return cast(FloatArray, solved.cpu().numpy())


def _compiled_flow(
    onset: FloatArray, apex: FloatArray, settings: FlowSettings, initial: FloatArray | None, device: str
) -> FloatArray:
    del device  # always the CPU
    from ahmsa.flow.tvl1.compiled import compiled_tvl1

    starts = [None] * len(onset) if initial is None else list(initial)
    return np.stack([compiled_tvl1(a, b, settings, start) for a, b, start in zip(onset, apex, starts, strict=True)])


def _opencv_flow(
    onset: FloatArray, apex: FloatArray, settings: FlowSettings, initial: FloatArray | None, device: str
) -> FloatArray:
    del device  # always the CPU
    method = opencv_solver(settings, with_start=initial is not None)
    starts = [None] * len(onset) if initial is None else [start.transpose(1, 2, 0).copy() for start in initial]
    # OpenCV takes float images as 0-1 and multiplies by 255 itself.
    flows = [
        method.calc(_with_margin(a / 255), _with_margin(b / 255), None if start is None else _with_margin(start))
        for a, b, start in zip(onset, apex, starts, strict=True)
    ]
    inside = slice(_OPENCV_MARGIN_PX, -_OPENCV_MARGIN_PX)
    return cast(FloatArray, np.ascontiguousarray(np.stack(flows)[:, inside, inside].transpose(0, 3, 1, 2)))


def opencv_solver(settings: FlowSettings, *, with_start: bool = False) -> Any:
    """OpenCV's own DualTVL1 with these parameters, as its users know it: float images 0-1, black beyond their border."""
    optflow: Any = cv2.optflow
    return optflow.DualTVL1OpticalFlow_create(
        tau=settings.tau,
        lambda_=settings.lambda_,
        theta=settings.theta,
        nscales=settings.scales,
        warps=settings.warps,
        epsilon=settings.epsilon,
        innnerIterations=settings.inner_iterations,
        outerIterations=settings.outer_iterations,
        scaleStep=settings.scale_step,
        medianFiltering=settings.median_px,
        useInitialFlow=with_start,
    )


def _with_margin(image: FloatArray) -> FloatArray:
    margin = _OPENCV_MARGIN_PX
    return cast(FloatArray, cv2.copyMakeBorder(image, margin, margin, margin, margin, cv2.BORDER_REPLICATE))


_Backend = Literal["torch", "compiled", "opencv"]
_SOLVERS: Mapping[_Backend, Callable[[FloatArray, FloatArray, FlowSettings, FloatArray | None, str], FloatArray]] = {
    "torch": _torch_flow,
    "compiled": _compiled_flow,
    "opencv": _opencv_flow,
}
