"""Faces followed from frame to frame and brought to the canonical geometry.

The similarity that cuts a face out is HELD from frame to frame (its number is `AlignedFace.anchor`) and renewed only when the
head has really moved: landmarks jitter by more than a micro-expression moves, a held transform does not jitter at all.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, cast

import cv2
import numpy as np

from ahmsa.face.crop import cut_crop
from ahmsa.face.cut import CutDetector, FaceLook
from ahmsa.face.geometry import apply_similarity, canonical_points_px, fit_similarity, mesh_points, similarity_scale
from ahmsa.face.landmarks import FaceMesh
from ahmsa.settings import FaceSettings
from ahmsa.types import AlignedFace, ByteImage, FaceQuality, FloatArray, Frame, Gate, Matrix

_DETECTION_SIDE_PX = 720
"""Landmarks are sought in pictures shrunk to about this: FaceMesh looks at a face in 192 px, and large copies cost time."""
_AVERAGED_MS = 200.0
_AVERAGED_FITS = 5
"""An alignment is fitted to the median of this many landmark sets, none older than `_AVERAGED_MS`."""
_FIRST_DRIFT = 0.015
"""A new face's first alignment rests on one set of landmarks: it is renewed once, at a smaller drift, when five are there."""
_SAME_FACE_REACH = 2.0
"""A face found within this many interocular distances of a known one is that face."""
_NOSE_BEFORE_EDGES = 1.29
"""Depth of the nose tip before the face's edges, in half widths of the face (FaceMesh's canonical model)."""
_LEFT_EDGE, _RIGHT_EDGE, _NOSE_TIP = 234, 454, 1


class Detector(Protocol):
    """Whatever finds landmarks: `ahmsa.face.landmarks.FaceMesh`, or a stand-in."""

    def detect(self, image: ByteImage) -> list[FloatArray]:
        """(h, w, 3) BGR -> per face (468, 3) x, y, z in pixels, or (468, 2) where the detector gives no depth."""
        ...

    def close(self) -> None: ...


class FaceTracker:
    """Frames in, aligned faces out, each under an id that stays while the face stays.

    `update` must see the frames in order; the same frames give the same faces. Faces come sorted by id.
    """

    def __init__(self, settings: FaceSettings, detector: Detector | None = None) -> None:
        self._settings = settings
        self._detector = detector or FaceMesh(settings.max_faces)
        self._canonical = canonical_points_px(settings.crop_px)
        self._tracks: list[_Track] = []
        self._cut = CutDetector()
        self._refreshed_ns: int | None = None
        self._faces_seen = 0
        self._anchors = 0

    def update(self, frame: Frame) -> list[AlignedFace]:
        """The faces of a frame. After a cut all faces are new ones: who is in the same place may be another person. So is a
        face that does not look like the one before, in an unchanged room."""
        if self._cut.is_cut(frame.image):
            self._tracks.clear()
            self._refreshed_ns = None
        if self._is_due(frame.t_capture_ns):
            self._refresh(frame)
        faces = [self._same_or_new(frame, track) for track in list(self._tracks) if track.visible]
        return sorted(faces, key=lambda face: face.face_id)

    def close(self) -> None:
        self._detector.close()

    def __enter__(self) -> FaceTracker:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _is_due(self, now_ns: int) -> bool:
        if self._refreshed_ns is None or now_ns < self._refreshed_ns:
            return True
        return now_ns - self._refreshed_ns >= self._settings.landmark_interval_ms * 1e6

    def _refresh(self, frame: Frame) -> None:
        self._refreshed_ns = frame.t_capture_ns
        found = self._detect(frame.image)
        for track, landmarks in self._matched(found):
            track.see(landmarks, frame.t_capture_ns)
            self._renew_if_drifted(track)
        for track in self._tracks:
            track.visible = track.seen_ns == frame.t_capture_ns
        oldest_ns = frame.t_capture_ns - self._settings.forget_ms * 1e6
        self._tracks = [track for track in self._tracks if track.visible or oldest_ns <= track.seen_ns <= frame.t_capture_ns]

    def _detect(self, image: ByteImage) -> list[FloatArray]:
        times = max(max(image.shape[:2]) // _DETECTION_SIDE_PX, 1)
        if times > 1:
            height, width = image.shape[0] // times, image.shape[1] // times
            image = image[: height * times, : width * times]
            image = cast(ByteImage, cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA))
        return [landmarks * np.float32(times) for landmarks in self._detector.detect(image)[: self._settings.max_faces]]

    def _matched(self, found: list[FloatArray]) -> list[tuple[_Track, FloatArray]]:
        """Pair what was found with the known faces, nearest pair first; the rest are new faces."""
        centres = [mesh_points(landmarks).mean(axis=0) for landmarks in found]
        pairs = sorted(
            (
                (float(np.linalg.norm(centre - track.centre)) / track.interocular_px, number, track)
                for number, centre in enumerate(centres)
                for track in self._tracks
            ),
            key=lambda pair: pair[0],
        )
        match: dict[int, _Track] = {}
        for distance, number, track in pairs:
            if distance < _SAME_FACE_REACH and number not in match and track not in match.values():
                match[number] = track
        return [(match.get(number) or self._new_track(landmarks), landmarks) for number, landmarks in enumerate(found)]

    def _new_track(self, landmarks: FloatArray) -> _Track:
        track = _Track(self._faces_seen, fit_similarity(mesh_points(landmarks), self._canonical), self._anchors)
        self._faces_seen += 1
        self._anchors += 1
        self._tracks.append(track)
        return track

    def _renew_if_drifted(self, track: _Track) -> None:
        averaged = fit_similarity(np.median(track.recent_points(), axis=0), self._canonical)
        drift_px = _largest_shift(track.alignment, averaged, self._canonical)
        settles_now = not track.settled and len(track.recent) == _AVERAGED_FITS
        track.settled = track.settled or settles_now
        if drift_px > (_FIRST_DRIFT if settles_now else self._settings.anchor_drift) * self._settings.crop_px:
            track.alignment, track.anchor = averaged, self._anchors
            self._anchors += 1

    def _same_or_new(self, frame: Frame, track: _Track) -> AlignedFace:
        """The face of a track, or, where it is another person's, that of a new one in its place."""
        face = self._aligned(frame, track)
        if track.seen_ns != frame.t_capture_ns:
            return face
        if not track.look.is_another(face, frame.image, track.recent[-1][1]):
            return face
        self._tracks.remove(track)
        landmarks = np.column_stack([track.landmarks, track.depth]) if len(track.depth) else track.landmarks
        fresh = self._new_track(landmarks)
        fresh.see(landmarks, frame.t_capture_ns)
        return self._same_or_new(frame, fresh)

    def _aligned(self, frame: Frame, track: _Track) -> AlignedFace:
        pixels = cut_crop(frame.image, track.alignment, self._settings.crop_px)
        luma, sharpness = float(pixels.mean()), _sharpness(pixels)
        return AlignedFace(
            index=frame.index,
            t_capture_ns=frame.t_capture_ns,
            face_id=track.face_id,
            pixels=pixels,
            landmarks_px=apply_similarity(track.alignment, track.landmarks),
            depth_px=(track.depth * similarity_scale(track.alignment)).astype(np.float32),
            quality=FaceQuality(
                interocular_px=track.interocular_px,
                yaw_deg=track.yaw_deg,
                luma=luma,
                sharpness=sharpness,
                problem=self._problem(track, luma, sharpness),
            ),
            alignment=track.alignment,
            anchor=track.anchor,
        )

    def _problem(self, track: _Track, luma: float, sharpness: float) -> Gate | None:
        if track.interocular_px < self._settings.min_interocular_px:
            return "too_small"
        if abs(track.yaw_deg) > self._settings.max_yaw_deg:
            return "turned_away"
        if luma < self._settings.min_luma:
            return "too_dark"
        if sharpness < self._settings.min_sharpness:
            return "blurred"
        return None


@dataclass(eq=False)
class _Track:
    """One face over time; pixels are those of the source image."""

    face_id: int
    alignment: Matrix
    anchor: int
    settled: bool = False
    visible: bool = True
    seen_ns: int = -1
    landmarks: FloatArray = field(default_factory=lambda: np.zeros((0, 2), np.float32))
    depth: FloatArray = field(default_factory=lambda: np.zeros(0, np.float32))
    centre: FloatArray = field(default_factory=lambda: np.zeros(2, np.float32))
    interocular_px: float = 1.0
    yaw_deg: float = 0.0
    recent: deque[tuple[int, FloatArray]] = field(default_factory=lambda: deque(maxlen=_AVERAGED_FITS))
    look: FaceLook = field(default_factory=FaceLook)

    def see(self, landmarks: FloatArray, now_ns: int) -> None:
        points = mesh_points(landmarks)
        self.recent.append((now_ns, points))
        while not 0 <= now_ns - self.recent[0][0] <= _AVERAGED_MS * 1e6:
            self.recent.popleft()
        self.seen_ns, self.visible, self.landmarks = now_ns, True, landmarks[:, :2]
        self.depth = landmarks[:, 2] if landmarks.shape[1] == 3 else np.zeros(0, np.float32)
        self.centre = points.mean(axis=0)
        self.interocular_px = max(float(np.linalg.norm(points[1] - points[0])), 1.0)
        self.yaw_deg = _yaw_deg(self.landmarks)

    def recent_points(self) -> FloatArray:
        """(n, 5, 2) named points of the last refreshes."""
        return np.stack([points for _, points in self.recent])


def _largest_shift(held: Matrix, now: Matrix, canonical: FloatArray) -> float:
    """How far, in crop pixels, the canonical points lie from their place when a face now at `now` is cut under `held`."""
    in_source = apply_similarity(_inverse(now), canonical)
    return float(np.linalg.norm(apply_similarity(held, in_source) - canonical, axis=1).max())


def _inverse(alignment: Matrix) -> Matrix:
    return cast(Matrix, cv2.invertAffineTransform(alignment))


def _yaw_deg(landmarks: FloatArray) -> float:
    """Positive when the head turns to its own left, which moves the nose to the right of an unmirrored image."""
    left, right = landmarks[_LEFT_EDGE].astype(np.float64), landmarks[_RIGHT_EDGE].astype(np.float64)
    half_width = (right - left) / 2
    aside = float((landmarks[_NOSE_TIP] - (left + right) / 2) @ half_width) / max(float(half_width @ half_width), 1e-6)
    return math.degrees(math.atan(aside / _NOSE_BEFORE_EDGES))


def _sharpness(pixels: ByteImage) -> float:
    return float(cv2.meanStdDev(cv2.Laplacian(pixels, cv2.CV_16S))[1][0, 0] ** 2)
