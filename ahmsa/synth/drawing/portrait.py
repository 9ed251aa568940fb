"""The face that is moved: NASA's public-domain portrait of Eileen Collins.

Three coordinate systems, all axis-parallel, so that one scale and one shift lead from each to the next:
- face px: the canonical 128 px crop of the resting face, continued beyond its borders;
- camera px: the 640x480 picture, `CAMERA_PER_FACE` px for each face px;
- texture px: the stored portrait, `TEXTURE_PER_CAMERA` px for each camera px, so that one bilinear look-up moves it faithfully.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import cast

import cv2
import numpy as np

from ahmsa.face.geometry import apply_similarity, canonical_points_px, fit_similarity, mesh_points, similarity_scale
from ahmsa.face.landmarks import FaceMesh
from ahmsa.synth.drawing.people import PEOPLE, at_points, coloured, shape_of
from ahmsa.synth.motion.muscles import CROP_PX, Motion
from ahmsa.synth.photograph import photograph
from ahmsa.types import ByteImage, FloatArray, Matrix

WIDTH_PX, HEIGHT_PX = 640, 480
CAMERA_PER_FACE = 1.6
FACE_ORIGIN = (218.0, 117.0)
"""Camera px of face px (0, 0)."""
TEXTURE_PER_CAMERA = 2.0
MARGIN_PX = 48
"""Camera px that the texture reaches beyond the picture, for movements that bring it in."""
_EDGE_PX = 120
"""Texture px at the right edge that fade into blur: what lies beyond is a repetition of the last column."""
_SHAPE_ROUNDS = 10
_SHAPE_STEP = 8
"""Texture px between the places where the way back to the photograph is computed."""
_GRAIN_LEVELS = 1.6
"""Contrast of the skin grain that is added: the small portrait has lost its own in the enlargement."""


@dataclass(frozen=True, slots=True, eq=False)
class Portrait:
    """The resting face."""

    texture: ByteImage
    """(h, w, 3) BGR, texture px."""
    grey: ByteImage
    """(h, w) its grey levels."""
    landmarks: FloatArray
    """(468, 2) FaceMesh landmarks, face px."""
    depth: FloatArray
    """(468,) their depth, face px, smaller is nearer to the camera."""


@cache
def portrait(person: int = 0) -> Portrait:
    """The portrait, or another person made of it (see `people`), prepared once per process in about half a second."""
    image, landmarks = _photograph()
    to_face = fit_similarity(mesh_points(landmarks), canonical_points_px(CROP_PX))
    who = PEOPLE[person]
    shape = shape_of(who)
    rest = apply_similarity(to_face, landmarks[:, :2])
    shaped = rest
    for _ in range(_SHAPE_ROUNDS):  # the shape is given where things arrive
        shaped = rest + at_points(shape, shaped)
    again = fit_similarity(mesh_points(shaped), canonical_points_px(CROP_PX))
    texture = coloured(_enlarged(image, to_face, again, shape), who)
    return Portrait(
        texture=texture,
        grey=cast(ByteImage, cv2.cvtColor(texture, cv2.COLOR_BGR2GRAY)),
        landmarks=apply_similarity(again, shaped),
        depth=(landmarks[:, 2] * similarity_scale(to_face) * similarity_scale(again) * who.relief).astype(np.float32),
    )


def face_to_camera(points: FloatArray) -> FloatArray:
    """(n, 2) face px -> camera px."""
    return cast(FloatArray, (points * CAMERA_PER_FACE + np.array(FACE_ORIGIN)).astype(np.float32))


def face_to_texture(points: FloatArray) -> FloatArray:
    """(n, 2) face px -> texture px."""
    return cast(FloatArray, ((face_to_camera(points) + MARGIN_PX) * TEXTURE_PER_CAMERA).astype(np.float32))


@cache
def _photograph() -> tuple[ByteImage, FloatArray]:
    """The photograph and its (468, 3) landmarks, px of it."""
    image = photograph()
    return image, _find_landmarks(image)


def _find_landmarks(image: ByteImage) -> FloatArray:
    twice = cast(ByteImage, cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC))
    with FaceMesh(static=True) as mesh:
        found = mesh.detect(twice)[0]
    return cast(FloatArray, np.column_stack([(found[:, :2] + 0.5) / 2 - 0.5, found[:, 2] / 2]))


def _enlarged(image: ByteImage, to_face: Matrix, again: Matrix, shape: Motion) -> ByteImage:
    """The texture: photograph -> face px (`to_face`) -> the person's shape -> that face in canonical place (`again`)."""
    size = (
        int((WIDTH_PX + 2 * MARGIN_PX) * TEXTURE_PER_CAMERA),
        int((HEIGHT_PX + 2 * MARGIN_PX) * TEXTURE_PER_CAMERA),
    )
    columns, rows = (
        (_SHAPE_STEP * np.arange(n // _SHAPE_STEP + 2) / TEXTURE_PER_CAMERA - MARGIN_PX - o) / CAMERA_PER_FACE
        for n, o in zip(size, FACE_ORIGIN, strict=True)
    )
    canonical = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2).astype(np.float32)
    shaped = apply_similarity(_inverse(again), canonical)
    coarse = apply_similarity(_inverse(to_face), shaped - at_points(shape, shaped)).reshape(len(rows), len(columns), 2)
    finer = np.array([[1 / _SHAPE_STEP, 0, 0], [0, 1 / _SHAPE_STEP, 0]])
    at = cv2.warpAffine(coarse, finer, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    large = cv2.remap(image, at, None, cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)  # type: ignore[call-overload]
    large[:, -_EDGE_PX:] = cv2.GaussianBlur(large[:, -4 * _EDGE_PX :], (0, 0), _EDGE_PX / 3)[:, -_EDGE_PX:]
    sharpened = large + 0.7 * (large - cv2.GaussianBlur(large, (0, 0), 3.5))
    return cast(ByteImage, np.clip(np.rint(sharpened + _grain(size)[..., None]), 0, 255).astype(np.uint8))


def _inverse(matrix: Matrix) -> Matrix:
    return cast(Matrix, cv2.invertAffineTransform(matrix))


def _grain(size: tuple[int, int]) -> FloatArray:
    """Band-limited noise of 1-2 camera px, fixed to the skin."""
    noise = np.random.default_rng(5).standard_normal((size[1], size[0])).astype(np.float32)
    band = cv2.GaussianBlur(noise, (0, 0), 1.6) - cv2.GaussianBlur(noise, (0, 0), 4.0)
    return cast(FloatArray, band * np.float32(_GRAIN_LEVELS / band.std()))
