"""Flow and strain as pictures, because people would rather look.

Colours of a flow picture follow the wheel of Baker et al., "A Database and Evaluation Methodology for Optical Flow" (2011):
the hue is the direction of motion, the strength of the colour its amount, white is no motion.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

import cv2
import numpy as np

from ahmsa.files import write_whole
from ahmsa.flow.maps import recentre
from ahmsa.types import ByteImage, FloatArray

# The wheel's corner colours (R, G, B) and the width of the segment that each begins: red, yellow, green, cyan, blue, magenta.
_CORNERS = np.array([(255, 0, 0), (255, 255, 0), (0, 255, 0), (0, 255, 255), (0, 0, 255), (255, 0, 255), (255, 0, 0)], float)
_SEGMENTS = (15, 6, 4, 11, 13, 6)
_PAPER = 255
_GAP_PX = 8
_TITLE_PX = 22


def flow_picture(flow: FloatArray, full_px: float | None = None) -> ByteImage:
    """(2, h, w) u, v -> (h, w, 3) BGR. `full_px` is drawn in full colour, more than that darker; default: the largest."""
    amount = np.hypot(flow[0], flow[1])
    full = full_px if full_px is not None else float(amount.max())
    strength = (amount / max(full, 1e-6))[..., None]
    # Right is red, down yellow, left cyan, up blue-violet.
    turn = np.arctan2(flow[1], flow[0]) / (2 * np.pi) % 1.0
    starts = np.concatenate([[0], np.cumsum(_SEGMENTS)]) / sum(_SEGMENTS)
    colour = np.stack([np.interp(turn, starts, _CORNERS[:, channel]) for channel in range(3)], axis=-1)
    faded = np.where(strength <= 1, _PAPER - strength * (_PAPER - colour), 0.75 * colour)
    return cast(ByteImage, np.ascontiguousarray(np.round(faded[..., ::-1]).astype(np.uint8)))


def strain_picture(strain: FloatArray, full: float | None = None) -> ByteImage:
    """(h, w) strain -> (h, w, 3) BGR heat map, black to bright yellow. `full` is brightest; default: the largest."""
    brightest = full if full is not None else float(strain.max())
    grey = np.clip(strain / max(brightest, 1e-6), 0, 1)
    return cast(ByteImage, cv2.applyColorMap(np.round(grey * 255).astype(np.uint8), cv2.COLORMAP_INFERNO))


def wheel_picture(side: int) -> ByteImage:
    """(side, side, 3) BGR: the legend of flow pictures, a disc in which every place has the colour of its direction."""
    y, x = (np.mgrid[:side, :side] - (side - 1) / 2) / (side / 2)
    wheel = flow_picture(np.stack([x, y]).astype(np.float32), 1.0)
    wheel[np.hypot(x, y) > 1] = _PAPER
    return wheel


def movement_sheet(onset: ByteImage, apex: ByteImage, flow: FloatArray, strain: FloatArray, zoom: int = 3) -> ByteImage:
    """One page: onset, apex, flow with its wheel, strain, each with a title. onset, apex: (h, w) grey; flow: (2, h, w) px."""
    largest, most = float(np.hypot(flow[0], flow[1]).max()), float(strain.max())
    panels = [
        _panel("onset", _grey(onset), zoom),
        _panel("apex", _grey(apex), zoom),
        _with_wheel(_panel(f"flow, full colour {largest:.2f} px", flow_picture(flow), zoom)),
        _panel(f"strain, brightest {most:.3f}", strain_picture(strain), zoom),
    ]
    return _row(panels)


def map_sheet(uvs: FloatArray, zoom: int = 12) -> ByteImage:
    """One page for a stored map: flow with its wheel, strain, and the channels as they are.

    uvs: (3, h, w) 0-1. Zero motion was lost when the map was scaled; as in ahmsa.flow.maps.recentre, each channel's median
    stands for no motion, and amounts are relative to the map's mean motion.
    """
    u_v_strain = recentre(uvs)
    as_stored = np.round(uvs.transpose(1, 2, 0)[..., ::-1] * 255).astype(np.uint8)
    panels = [
        _with_wheel(_panel("flow about its median", flow_picture(u_v_strain[:2]), zoom)),
        _panel("strain", strain_picture(uvs[2]), zoom),
        _panel("as stored: R u, G v, B strain", np.ascontiguousarray(as_stored), zoom),
    ]
    return _row(panels)


def enlarged(picture: ByteImage, zoom: int) -> ByteImage:
    """Every pixel as a square of `zoom` pixels."""
    return picture.repeat(zoom, axis=0).repeat(zoom, axis=1)


def write_png(path: Path, picture: ByteImage) -> None:
    """Write BGR or grey as PNG, at once."""
    done, data = cv2.imencode(".png", picture)
    assert done
    write_whole(path, data.tobytes())


def _grey(image: ByteImage) -> ByteImage:
    return cast(ByteImage, cv2.cvtColor(image, cv2.COLOR_GRAY2BGR))


def _panel(title: str, picture: ByteImage, zoom: int) -> ByteImage:
    large = enlarged(picture, zoom)
    head = np.full((_TITLE_PX, large.shape[1], 3), _PAPER, np.uint8)
    cv2.putText(head, title, (2, _TITLE_PX - 7), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1, cv2.LINE_AA)
    return cast(ByteImage, np.concatenate([head, large]))


def _with_wheel(panel: ByteImage) -> ByteImage:
    """The panel with a small wheel in its lower right corner."""
    side = panel.shape[1] // 6
    wheel = wheel_picture(side)
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    inside = np.hypot(x, y) <= side / 2
    framed = panel.copy()
    corner = framed[-side - 4 : -4, -side - 4 : -4]
    corner[inside] = wheel[inside]
    cv2.circle(framed, (framed.shape[1] - 5 - side // 2, framed.shape[0] - 5 - side // 2), side // 2, (0, 0, 0), 1, cv2.LINE_AA)
    return framed


def _row(panels: list[ByteImage]) -> ByteImage:
    spaced = [np.pad(panel, ((_GAP_PX, _GAP_PX), (_GAP_PX, 0), (0, 0)), constant_values=_PAPER) for panel in panels]
    return cast(ByteImage, np.pad(np.concatenate(spaced, axis=1), ((0, 0), (0, _GAP_PX), (0, 0)), constant_values=_PAPER))
