"""Preview pictures for an open page: in memory only, and made only while a page is open.

The capture process asks its XPUB socket whether anyone has subscribed; without a subscriber no picture is encoded. Pictures
that a slow page does not take are dropped.

The messages are described in `streamer/stream/preview.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any, cast

import cv2
import msgspec
import numpy as np
import zmq
from msgspec import Struct

from ahmsa.face.geometry import MESH_LANDMARKS, apply_similarity
from ahmsa.types import AlignedFace, ByteImage, Candidate, FloatArray, Frame, Matrix
from spotting.regions import REGIONS, region_centres
from streamer.stream.preview import FRAME, PAIR, PREVIEW_HWM, PairHeader, Point, PreviewFace, PreviewHeader
from streamer.stream.sockets import connected, make_socket

_HZ = 12.0
_WIDTH_PX = 480
_QUALITY = (cv2.IMWRITE_JPEG_QUALITY, 75)
_REGION_RADIUS = 0.05
"""Radius of a watched region, as a part of the crop's side; drawn, not measured."""


class Preview:
    """The capture process's end. Raises StreamError where the endpoint cannot be reached."""

    def __init__(self, context: zmq.Context[Any], endpoint: str, source: str) -> None:
        self._source = source
        self._wanted = False
        self._sent_s = 0.0
        self._socket = make_socket(context, zmq.XPUB, high_water_mark=PREVIEW_HWM)
        connected(self._socket, endpoint)

    def show(self, frame: Frame, faces: Sequence[AlignedFace]) -> None:
        """Send the picture and where its faces are, at most a dozen times a second, while a page is open."""
        now_s = monotonic()
        if now_s - self._sent_s < 1 / _HZ or not self.is_wanted():
            return
        self._sent_s = now_s
        height, width = frame.image.shape[:2]
        found = [_preview_face(face, width, height) for face in faces]
        header = PreviewHeader(self._source, frame.index, frame.t_capture_ns, width, height, found)
        self._send(FRAME, header, _small(frame.image))

    def pair(self, candidate: Candidate) -> None:
        """Send the onset and apex crop of a movement, while a page is open."""
        if self.is_wanted():
            header = PairHeader(self._source, candidate.event_id, candidate.onset.index, candidate.apex.index)
            self._send(PAIR, header, candidate.onset.pixels, candidate.apex.pixels)

    def is_wanted(self) -> bool:
        """Whether a page is open: without one no picture is encoded."""
        while self._socket.poll(0):
            self._wanted = self._socket.recv()[:1] == b"\x01"
        return self._wanted

    def close(self) -> None:
        self._socket.close()

    def _send(self, kind: bytes, header: Struct, *images: ByteImage) -> None:
        parts = [kind, msgspec.json.encode(header), *(_jpeg(image) for image in images)]
        try:
            self._socket.send_multipart(parts, zmq.NOBLOCK)
        except zmq.Again:
            return  # the page is behind: this picture is dropped


def _preview_face(face: AlignedFace, width: int, height: int) -> PreviewFace:
    side = face.pixels.shape[0]
    to_source = cast(Matrix, cv2.invertAffineTransform(face.alignment))
    corners = np.array([[0, 0], [side, 0], [side, side], [0, side]], np.float32)
    centres: Mapping[str, FloatArray] = {}
    if len(face.landmarks_px) >= MESH_LANDMARKS:
        centres = dict(zip(REGIONS, apply_similarity(to_source, region_centres(face.landmarks_px)), strict=True))
    scale = float(np.linalg.norm(to_source[:, 0]))
    return PreviewFace(
        face.face_id,
        [_point(corner, width, height) for corner in apply_similarity(to_source, corners)],
        {name: _point(centre, width, height) for name, centre in centres.items()},
        round(_REGION_RADIUS * side * scale / width, 4),
    )


def _point(place: FloatArray, width: int, height: int) -> Point:
    return round(float(place[0]) / width, 4), round(float(place[1]) / height, 4)


def _small(image: ByteImage) -> ByteImage:
    height, width = image.shape[:2]
    if width <= _WIDTH_PX:
        return image
    size = (_WIDTH_PX, round(height * _WIDTH_PX / width))
    return cast(
        ByteImage, cv2.resize(image, size, interpolation=cv2.INTER_AREA if width >= 2 * _WIDTH_PX else cv2.INTER_LINEAR)
    )


def _jpeg(image: ByteImage) -> bytes:
    ok, data = cv2.imencode(".jpg", image, _QUALITY)
    if not ok:
        raise ValueError(f"an image of shape {image.shape} cannot be encoded")
    return data.tobytes()
