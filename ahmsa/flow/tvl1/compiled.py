"""TV-L1 flow on a CPU core: the scheme of ahmsa.flow.tvl1.solver as one compiled kernel.

Every row of an iteration is computed while it is in the first-level cache: primal step of row i, then dual step of row
i - 1, whose lower neighbour is final by then. Loops run over whole rows and touch few arrays each, because only then does the
compiler turn them into vector instructions. The first call on a machine compiles for some seconds; the result is cached on
disk.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt
from numba import njit

from ahmsa.flow.tvl1.median import selection_network
from ahmsa.flow.tvl1.pyramid import grow_matrix, level_shapes, shrink_matrix
from ahmsa.settings import FlowSettings
from ahmsa.types import FloatArray

_Function = TypeVar("_Function", bound=Callable[..., Any])
_FLAT = 1e-6


def compiled_tvl1(onset: FloatArray, apex: FloatArray, settings: FlowSettings, initial: FloatArray | None = None) -> FloatArray:
    """Flow of one pair; see ahmsa.flow.tvl1.solver.tvl1, which does the same in batches.

    onset, apex: (h, w) finite grey levels 0-255; initial: (2, h, w) px or None -> (2, h, w) px.
    """
    height, width = onset.shape
    shapes = level_shapes(height, width, settings)
    pairs = _pyramid(onset, apex, shapes)
    flow = np.zeros((2, *shapes[0]), np.float32) if initial is None else _resized(initial, shapes[0], shrink_matrix)
    network = selection_network(settings.median_px**2)
    for shape, (first, second) in zip(shapes, pairs, strict=True):
        if flow.shape[1:] != shape:
            flow = _resized(flow, shape, grow_matrix)
        _solve_level(
            first,
            second,
            flow,
            np.float32(settings.lambda_ * settings.theta),
            np.float32(settings.theta),
            np.float32(settings.tau / settings.theta),
            np.float32(settings.epsilon**2 * first.size),
            settings.warps,
            settings.outer_iterations,
            settings.inner_iterations,
            network,
            settings.median_px,
        )
    return flow


def _pyramid(onset: FloatArray, apex: FloatArray, shapes: list[tuple[int, int]]) -> list[tuple[FloatArray, FloatArray]]:
    """The pair at each level, coarsest first."""
    both = np.stack([onset, apex])
    levels = [both]
    for shape in shapes[-2::-1]:
        rows, columns = (shrink_matrix(n, m) for n, m in zip(levels[-1].shape[1:], shape, strict=True))
        levels.append((rows @ levels[-1] @ columns.T).astype(np.float32))
    return [(np.ascontiguousarray(pair[0]), np.ascontiguousarray(pair[1])) for pair in levels[::-1]]


def _resized(flow: FloatArray, shape: tuple[int, int], matrix: Callable[[int, int], npt.NDArray[np.float64]]) -> FloatArray:
    height, width = flow.shape[1:]
    scale = np.array([shape[1] / width, shape[0] / height])[:, None, None]
    return cast(
        FloatArray, np.ascontiguousarray(matrix(height, shape[0]) @ flow @ matrix(width, shape[1]).T * scale, np.float32)
    )


def _compiled(function: _Function) -> _Function:
    return cast(_Function, njit(cache=True, fastmath=True, error_model="numpy", nogil=True)(function))


@_compiled
def _solve_level(
    onset: Any,
    apex: Any,
    flow: Any,
    threshold: Any,
    theta: Any,
    ratio: Any,
    stop: Any,
    warps: int,
    outer_iterations: int,
    inner_iterations: int,
    network: Any,
    median_px: int,
) -> None:
    """Refine `flow` (2, h, w) in place on one level of the pyramid."""
    height, width = onset.shape
    # One spare column and row on the right and below repeat the last one: the forward difference there is zero. The dual
    # variables have theirs, zero, on the left and above, where the divergence looks.
    u = np.empty((2, height + 1, width + 1), np.float32)
    u[:, :height, :width] = flow
    _repeat_border(u)
    dual = np.zeros((2, 2, height + 1, width + 1), np.float32)
    warped = np.empty((height, width), np.float32)
    gradient = np.empty((2, height, width), np.float32)
    residual = np.empty((height, width), np.float32)
    inverse = np.empty((height, width), np.float32)
    padded = np.empty((height + 4, width + 4), np.float32)
    _pad(apex, padded)
    for _ in range(warps):
        _warp(padded, u, warped)
        _linearise(onset, warped, u, gradient, residual, inverse)
        for _ in range(outer_iterations):
            _median(u, median_px, network)
            if _relax(u, dual, gradient, residual, inverse, threshold, theta, ratio, stop, inner_iterations):
                break
    _median(u, median_px, network)
    flow[:] = u[:, :height, :width]


@_compiled
def _pad(image: Any, padded: Any) -> None:
    """Copy (h, w) into (h + 4, w + 4), repeating the border: one more on the left and above, three on the far sides."""
    height, width = image.shape
    for i in range(height + 4):
        row = min(max(i - 1, 0), height - 1)
        for j in range(width + 4):
            padded[i, j] = image[row, min(max(j - 1, 0), width - 1)]


@_compiled
def _repeat_border(u: Any) -> None:
    height, width = u.shape[1] - 1, u.shape[2] - 1
    for c in range(2):
        for i in range(height):
            u[c, i, width] = u[c, i, width - 1]
        for j in range(width + 1):
            u[c, height, j] = u[c, height - 1, j]


@_compiled
def _warp(padded: Any, u: Any, warped: Any) -> None:
    """warped(x) = apex(x + u(x)) by cubic convolution (Keys 1981, a = -1/2), the border repeated beyond the image."""
    height, width = warped.shape
    half, limit_x, limit_y = np.float32(0.5), np.float32(width - 1), np.float32(height - 1)
    zero, one, two, three, four, five = (
        np.float32(0),
        np.float32(1),
        np.float32(2),
        np.float32(3),
        np.float32(4),
        np.float32(5),
    )
    for i in range(height):
        for j in range(width):
            x = min(max(np.float32(j) + u[0, i, j], zero), limit_x)
            y = min(max(np.float32(i) + u[1, i, j], zero), limit_y)
            column, row = int(x), int(y)
            s, t = x - np.float32(column), y - np.float32(row)
            x0, x1 = half * s * (-one + s * (two - s)), half * (two + s * s * (three * s - five))
            x2, x3 = half * s * (one + s * (four - three * s)), half * s * s * (s - one)
            y0, y1 = half * t * (-one + t * (two - t)), half * (two + t * t * (three * t - five))
            y2, y3 = half * t * (one + t * (four - three * t)), half * t * t * (t - one)
            a = x0 * padded[row, column] + x1 * padded[row, column + 1]
            a += x2 * padded[row, column + 2] + x3 * padded[row, column + 3]
            b = x0 * padded[row + 1, column] + x1 * padded[row + 1, column + 1]
            b += x2 * padded[row + 1, column + 2] + x3 * padded[row + 1, column + 3]
            c = x0 * padded[row + 2, column] + x1 * padded[row + 2, column + 1]
            c += x2 * padded[row + 2, column + 2] + x3 * padded[row + 2, column + 3]
            d = x0 * padded[row + 3, column] + x1 * padded[row + 3, column + 1]
            d += x2 * padded[row + 3, column + 2] + x3 * padded[row + 3, column + 3]
            warped[i, j] = y0 * a + y1 * b + y2 * c + y3 * d


@_compiled
def _linearise(onset: Any, warped: Any, u: Any, gradient: Any, residual: Any, inverse: Any) -> None:
    """Gradient of the warped image (five-point stencil), and the data term as a linear function of the flow."""
    height, width = onset.shape
    near, far = np.float32(8 / 12), np.float32(1 / 12)
    flat, one = np.float32(_FLAT), np.float32(1)
    for i in range(height):
        up, up2, down, down2 = max(i - 1, 0), max(i - 2, 0), min(i + 1, height - 1), min(i + 2, height - 1)
        for j in range(width):
            left, left2, right, right2 = max(j - 1, 0), max(j - 2, 0), min(j + 1, width - 1), min(j + 2, width - 1)
            gx = near * (warped[i, right] - warped[i, left]) - far * (warped[i, right2] - warped[i, left2])
            gy = near * (warped[down, j] - warped[up, j]) - far * (warped[down2, j] - warped[up2, j])
            square = gx * gx + gy * gy
            gradient[0, i, j], gradient[1, i, j] = gx, gy
            residual[i, j] = warped[i, j] - onset[i, j] - gx * u[0, i, j] - gy * u[1, i, j]
            inverse[i, j] = one / square if square > flat else np.float32(0)


@_compiled
def _median(u: Any, median_px: int, network: Any) -> None:
    """Median filter of both components, the border repeated, by compare-exchange of whole rows."""
    if median_px == 1:
        return
    height, width = u.shape[1] - 1, u.shape[2] - 1
    reach, samples = median_px // 2, median_px * median_px
    source = np.empty((height, width + 2 * reach), np.float32)
    values = np.empty((samples, width), np.float32)
    for component in range(2):
        for i in range(height):
            for j in range(width + 2 * reach):
                source[i, j] = u[component, i, min(max(j - reach, 0), width - 1)]
        for i in range(height):
            for k in range(samples):
                row = min(max(i + k // median_px - reach, 0), height - 1)
                values[k] = source[row, k % median_px : k % median_px + width]
            for n in range(network.shape[0]):
                _exchange(values[network[n, 0]], values[network[n, 1]])
            u[component, i, :width] = values[samples // 2]
    _repeat_border(u)


@_compiled
def _exchange(low: Any, high: Any) -> None:
    for j in range(low.shape[0]):
        a, b = low[j], high[j]
        low[j], high[j] = min(a, b), max(a, b)


@_compiled
def _relax(
    u: Any,
    dual: Any,
    gradient: Any,
    residual: Any,
    inverse: Any,
    threshold: Any,
    theta: Any,
    ratio: Any,
    stop: Any,
    iterations: int,
) -> bool:
    """Primal and dual steps in turn; True once the squared change of the flow in one step is `stop` or less."""
    height, width = residual.shape
    first, second, step = np.empty(width, np.float32), np.empty(width, np.float32), np.empty(width, np.float32)
    for _ in range(iterations):
        change = np.float32(0)
        for i in range(height + 1):
            if i < height:
                u0, u1 = u[0, i, :width], u[1, i, :width]
                _smoothed(
                    first, u0, dual[0, 0, i + 1, 1:], dual[0, 0, i + 1, :width], dual[0, 1, i + 1, 1:], dual[0, 1, i, 1:], theta
                )
                _smoothed(
                    second,
                    u1,
                    dual[1, 0, i + 1, 1:],
                    dual[1, 0, i + 1, :width],
                    dual[1, 1, i + 1, 1:],
                    dual[1, 1, i, 1:],
                    theta,
                )
                _data_step(step, u0, u1, gradient[0, i], gradient[1, i], residual[i], inverse[i], threshold)
                change += _primal_step(u0, first, step, gradient[0, i])
                change += _primal_step(u1, second, step, gradient[1, i])
                for c in range(2):
                    u[c, i, width] = u[c, i, width - 1]
                    if i == height - 1:
                        u[c, height] = u[c, i]
            if i > 0:
                for c in range(2):
                    _dual_step(
                        dual[c, 0, i, 1:], dual[c, 1, i, 1:], u[c, i - 1, :width], u[c, i - 1, 1:], u[c, i, :width], ratio
                    )
        if change <= stop:
            return True
    return False


@_compiled
def _smoothed(out: Any, u: Any, px: Any, px_left: Any, py: Any, py_above: Any, theta: Any) -> None:
    for j in range(out.shape[0]):
        out[j] = u[j] + theta * (px[j] - px_left[j] + py[j] - py_above[j])


@_compiled
def _data_step(step: Any, u: Any, v: Any, gx: Any, gy: Any, residual: Any, inverse: Any, threshold: Any) -> None:
    for j in range(step.shape[0]):
        full = -(residual[j] + gx[j] * u[j] + gy[j] * v[j]) * inverse[j]
        step[j] = min(max(full, -threshold), threshold)


@_compiled
def _primal_step(u: Any, smoothed: Any, step: Any, gradient: Any) -> Any:
    change = np.float32(0)
    for j in range(u.shape[0]):
        new = smoothed[j] + step[j] * gradient[j]
        change += (new - u[j]) * (new - u[j])
        u[j] = new
    return change


@_compiled
def _dual_step(px: Any, py: Any, u: Any, u_right: Any, u_below: Any, ratio: Any) -> None:
    one = np.float32(1)
    for j in range(px.shape[0]):
        dx, dy = u_right[j] - u[j], u_below[j] - u[j]
        scale = one / (one + ratio * np.sqrt(dx * dx + dy * dy))
        px[j] = (px[j] + ratio * dx) * scale
        py[j] = (py[j] + ratio * dy) * scale
