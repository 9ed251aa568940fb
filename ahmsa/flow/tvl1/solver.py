"""TV-L1 optical flow in torch, batched, on any device: the reference that every backend is held against.

Minimises, per pair, sum |grad u| + |grad v| + lambda |apex(x + (u, v)) - onset(x)| (grey levels 0-255) by the duality based
scheme of Zach, Pock and Bischof 2007: coarse to fine, the data term linearised anew at every warp, then thresholding steps and
dual steps in turn, coupled by theta. Parameters mean what they mean in IPOL 2013 (Sanchez, Meinhardt-Llopis, Facciolo) and in
OpenCV's DualTVL1OpticalFlow. Three things differ from OpenCV, each for a smaller error: the pyramid is blurred before it is
sampled (as in IPOL), images are interpolated by Keys' cubic with a = -1/2 instead of -3/4 and repeated beyond their border
instead of black, and the gradient is a five-point stencil on the warped image instead of a warped gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as functional

from ahmsa.flow.tvl1.median import selection_network
from ahmsa.flow.tvl1.pyramid import grow_matrix, level_shapes, shrink_matrix
from ahmsa.settings import FlowSettings

_FLAT = 1e-6
_Resampling = Callable[[int, int], npt.NDArray[np.float64]]

Step = Callable[[], None]
Prepare = Callable[[Step], Step]
"""What to do with a level's steps before they run: nothing, or record them for replay (ahmsa.flow.tvl1.graphs)."""


def tvl1(onset: torch.Tensor, apex: torch.Tensor, settings: FlowSettings, initial: torch.Tensor | None = None) -> torch.Tensor:
    """Flow of a batch of pairs: apex(x + flow(x)) = onset(x).

    onset, apex: (b, h, w) float32, finite, grey levels 0-255; initial: (b, 2, h, w) px or None for zero ->
    (b, 2, h, w) float32, u right positive, v down positive, px. Pairs of a batch do not influence each other: the epsilon
    stop is decided per pair, and a pair that has stopped is left as it is while the others go on.
    """
    batch, height, width = onset.shape
    return TvL1((batch, height, width), settings, onset.device).flow(onset, apex, initial)


class TvL1:
    """A solver for batches of one shape (b, h, w). All buffers are allocated once and updated in place."""

    def __init__(
        self,
        shape: tuple[int, int, int],
        settings: FlowSettings,
        device: torch.device,
        prepare: Prepare = lambda step: step,
    ) -> None:
        batch, height, width = shape
        self._levels = [_Level(batch, h, w, settings, device, prepare) for h, w in level_shapes(height, width, settings)]

    def flow(self, onset: torch.Tensor, apex: torch.Tensor, initial: torch.Tensor | None = None) -> torch.Tensor:
        """See tvl1."""
        flow = initial
        for level in reversed(self._levels):
            shape = (level.height, level.width)
            onset, apex = _resampled(onset, shape, shrink_matrix), _resampled(apex, shape, shrink_matrix)
            level.onset.copy_(onset)
            level.apex.copy_(apex)
            if flow is not None:
                flow = _resampled_flow(flow, shape, shrink_matrix)
        for level in self._levels:
            if flow is not None:
                flow = _resampled_flow(flow, (level.height, level.width), grow_matrix)
            flow = level.solve(flow)
        assert flow is not None
        return flow.clone()


class _Level:
    """One level of the pyramid: its images, its flow, and the two steps that refine it."""

    def __init__(
        self, batch: int, height: int, width: int, settings: FlowSettings, device: torch.device, prepare: Prepare
    ) -> None:
        def zeros(*shape: int) -> torch.Tensor:
            return torch.zeros((batch, *shape), dtype=torch.float32, device=device)

        self.height, self.width, self._settings = height, width, settings
        self.onset, self.apex = zeros(height, width), zeros(height, width)
        # One spare column and row on the right and below repeat the last one: the forward difference there is zero. The
        # dual variables have theirs, zero, on the left and above, where the divergence looks.
        self._flow, self._dual = zeros(2, height + 1, width + 1), zeros(2, 2, height + 1, width + 1)
        self._gradient, self._slopes = zeros(2, height, width), zeros(2, 2, height, width)
        self._residual, self._inverse = zeros(height, width), zeros(height, width)
        self._active = torch.ones((batch, 1, 1, 1), dtype=torch.bool, device=device)
        self._grid_y = torch.arange(height, device=device, dtype=torch.float32)[:, None]
        self._grid_x = torch.arange(width, device=device, dtype=torch.float32)[None, :]
        self._taps = torch.arange(-1, 3, device=device)
        self._network: list[list[int]] = selection_network(settings.median_px**2).tolist()
        self._linearised, self._relaxed = prepare(self._linearise), prepare(self._relax)
        self._filtered = prepare(self._median)

    def solve(self, start: torch.Tensor | None) -> torch.Tensor:
        """(b, 2, h, w) flow of this level from a start of that shape, or from zero."""
        inner = self._flow[..., : self.height, : self.width]
        inner.zero_() if start is None else inner.copy_(start)
        self._repeat_border()
        self._dual.zero_()
        for _ in range(self._settings.warps):
            self._linearised()
            for outer in range(self._settings.outer_iterations):
                if outer > 0 and not bool(self._active.any()):
                    break
                self._relaxed()
        self._active.fill_(True)
        self._filtered()
        return inner

    def _linearise(self) -> None:
        """The data term as a linear function of the flow: residual + gradient . flow."""
        flow = self._flow[..., : self.height, : self.width]
        warped = self._warped(flow)
        padded = functional.pad(warped[:, None], (2, 2, 2, 2), mode="replicate")[:, 0]
        h, w = self.height, self.width
        across, down = padded[:, 2 : 2 + h], padded[:, :, 2 : 2 + w]
        gx = (across[:, :, 3 : 3 + w] - across[:, :, 1 : 1 + w]) * (8 / 12) - (across[:, :, 4:] - across[:, :, :w]) * (1 / 12)
        gy = (down[:, 3 : 3 + h] - down[:, 1 : 1 + h]) * (8 / 12) - (down[:, 4:] - down[:, :h]) * (1 / 12)
        self._gradient[:, 0].copy_(gx)
        self._gradient[:, 1].copy_(gy)
        square = gx * gx + gy * gy
        self._residual.copy_(warped - self.onset - gx * flow[:, 0] - gy * flow[:, 1])
        self._inverse.copy_(torch.where(square > _FLAT, 1 / square.clamp_min(_FLAT), 0.0))
        self._active.fill_(True)

    def _warped(self, flow: torch.Tensor) -> torch.Tensor:
        """apex(x + flow(x)) by cubic convolution (Keys 1981, a = -1/2), the border repeated beyond the image."""
        x = (self._grid_x + flow[:, 0]).clamp(0, self.width - 1)
        y = (self._grid_y + flow[:, 1]).clamp(0, self.height - 1)
        left, top = x.floor(), y.floor()
        columns = (left.long()[..., None] + self._taps).clamp(0, self.width - 1)
        rows = (top.long()[..., None] + self._taps).clamp(0, self.height - 1)
        index = (rows[..., :, None] * self.width + columns[..., None, :]).flatten(1)
        samples = self.apex.flatten(1).gather(1, index).view(-1, self.height, self.width, 4, 4)
        along_rows: torch.Tensor = (samples * _keys(x - left)[..., None, :]).sum(-1)
        return (along_rows * _keys(y - top)).sum(-1)

    def _relax(self) -> None:
        """Median filter, then primal and dual steps in turn; a pair whose flow has settled is held."""
        settings = self._settings
        self._median()
        threshold, ratio = settings.lambda_ * settings.theta, settings.tau / settings.theta
        flow, dual = self._flow[..., : self.height, : self.width], self._dual[..., 1:, 1:]
        for _ in range(settings.inner_iterations):
            divergence = dual[:, :, 0] - self._dual[:, :, 0, 1:, :-1] + dual[:, :, 1] - self._dual[:, :, 1, :-1, 1:]
            full = -torch.addcmul(self._residual, self._gradient[:, 0], flow[:, 0]).addcmul_(self._gradient[:, 1], flow[:, 1])
            step = full.mul_(self._inverse).clamp_(-threshold, threshold)
            new = torch.add(flow, divergence, alpha=settings.theta).addcmul_(step[:, None], self._gradient)
            if settings.epsilon > 0:
                change = (new - flow).square_().sum(dim=(1, 2, 3), keepdim=True)
                new = torch.where(self._active, new, flow)
            flow.copy_(new)
            self._repeat_border()
            torch.sub(self._flow[..., :-1, 1:], flow, out=self._slopes[:, :, 0])
            torch.sub(self._flow[..., 1:, :-1], flow, out=self._slopes[:, :, 1])
            length = torch.hypot(self._slopes[:, :, 0], self._slopes[:, :, 1]).mul_(ratio).add_(1)
            moved = torch.add(dual, self._slopes, alpha=ratio).div_(length[:, :, None])
            if settings.epsilon > 0:
                moved = torch.where(self._active[..., None], moved, dual)
                self._active.logical_and_(change > settings.epsilon**2 * self.height * self.width)
            dual.copy_(moved)

    def _median(self) -> None:
        """Takes out what stands alone, such as the wandering highlight of an eye."""
        if self._settings.median_px == 1:
            return
        side, h, w = self._settings.median_px, self.height, self.width
        reach = side // 2
        padded = functional.pad(self._flow[..., :h, :w], (reach,) * 4, mode="replicate")
        values = [padded[..., k // side : k // side + h, k % side : k % side + w] for k in range(side * side)]
        for i, j in self._network:
            values[i], values[j] = torch.minimum(values[i], values[j]), torch.maximum(values[i], values[j])
        filtered = values[side * side // 2]
        if self._settings.epsilon > 0:
            filtered = torch.where(self._active, filtered, self._flow[..., :h, :w])
        self._flow[..., :h, :w] = filtered
        self._repeat_border()

    def _repeat_border(self) -> None:
        self._flow[..., : self.height, self.width] = self._flow[..., : self.height, self.width - 1]
        self._flow[..., self.height, :] = self._flow[..., self.height - 1, :]


def _keys(t: torch.Tensor) -> torch.Tensor:
    """(..., 4) weights of the samples at -1, 0, 1, 2 for a point at t in 0-1."""
    return 0.5 * torch.stack(
        [t * (t * (2 - t) - 1), 2 + t * t * (3 * t - 5), t * (1 + t * (4 - 3 * t)), t * t * (t - 1)], dim=-1
    )


def _resampled(images: torch.Tensor, shape: tuple[int, int], matrix: _Resampling) -> torch.Tensor:
    """(b, h, w) or (b, 2, h, w) at another size. In float64: reduced-precision matrix products would blur grey levels."""
    height, width = images.shape[-2:]
    if (height, width) == shape:
        return images
    rows, columns = (_on_device(matrix, n, m, images.device) for n, m in ((height, shape[0]), (width, shape[1])))
    return (rows @ images.double() @ columns.T).to(torch.float32)


def _resampled_flow(flow: torch.Tensor, shape: tuple[int, int], matrix: _Resampling) -> torch.Tensor:
    height, width = flow.shape[-2:]
    resampled = _resampled(flow, shape, matrix)
    return torch.stack([resampled[:, 0] * (shape[1] / width), resampled[:, 1] * (shape[0] / height)], dim=1)


@lru_cache(maxsize=128)
def _on_device(matrix: _Resampling, source: int, target: int, device: torch.device) -> torch.Tensor:
    return torch.tensor(matrix(source, target), dtype=torch.float64, device=device)
