"""The nouns that travel through the program: frozen, slotted, the unit in the name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

ByteImage = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]
Matrix = npt.NDArray[np.float64]

LABELS = ("negative", "positive", "surprise")
"""The three classes of the composite databases, in the order of the network's outputs."""

Kind = Literal["micro", "macro"]
"""What a movement is by its length: micro up to half a second, macro beyond."""

Phase = Literal["provisional", "confirmed", "retracted"]
"""Where a movement is in its life as a micro-expression: announced; over, and it came back in time; rejected after all."""

Gate = Literal[
    "no_face",
    "face_lost",
    "too_small",
    "turned_away",
    "too_dark",
    "blurred",
    "duplicate_frame",
    "low_frame_rate",
    "camera_stall",
    "light_change",
    "blink",
    "speech",
    "head_motion",
    "occluded",
    "drift",
    "ongoing",
    "calibrating",
    "source_ended",
    "source_lost",
]
"""Why nothing is measured, or a movement is not believed. Meanings: spotting/gates.py; what helps: spotting/advice.py."""

Half = Literal["upper", "lower"]
HALVES: tuple[Half, ...] = ("upper", "lower")
"""Halves of a face: brows above; nose and mouth below."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One image from a source."""

    index: int
    """Position in the source, counted from 0; a dropped frame keeps its number."""
    t_capture_ns: int
    """Monotonic clock right after the grab; for files the frame's own presentation time."""
    image: ByteImage
    """(h, w, 3) BGR."""


@dataclass(frozen=True, slots=True)
class FaceQuality:
    """What decides whether a face can be judged at all."""

    interocular_px: float
    """Distance between the eye centres in the source image."""
    yaw_deg: float
    """Turn of the head to its left (positive) or right, a rough figure from landmarks."""
    luma: float
    """Mean grey level of the aligned crop, 0-255."""
    sharpness: float
    """Variance of the Laplacian of the aligned crop, grey levels squared."""
    problem: Gate | None = None
    """None, or the gate that is shut: too_small, turned_away, too_dark, blurred."""


@dataclass(frozen=True, slots=True)
class AlignedFace:
    """A face brought to the canonical geometry (see ahmsa.face.geometry)."""

    index: int
    t_capture_ns: int
    face_id: int
    pixels: ByteImage
    """(s, s) grey levels of the canonical crop."""
    landmarks_px: FloatArray
    """(468, 2) x, y of the FaceMesh landmarks in the crop's coordinates; (0, 2) where there are none."""
    quality: FaceQuality
    alignment: Matrix
    """(2, 3) similarity from the source image to the crop."""
    anchor: int = 0
    """Number of the held transform: two faces with one anchor were cut by one and the same alignment."""
    depth_px: FloatArray = field(default_factory=lambda: np.zeros(0, np.float32))
    """(468,) depth of the landmarks in crop px, smaller is nearer to the camera, about 0 at the head's centre; (0,) where
    the detector gives none."""


@dataclass(frozen=True, slots=True)
class FacePair:
    """The faces of one movement that flow and recogniser compare. Raises ValueError where they differ in crop size.

    They may be cut by different alignments: the fit of the head's motion takes the difference out.
    """

    onset: AlignedFace
    apex: AlignedFace
    before: AlignedFace | None = None
    """The face about as long before the onset as the apex is after it, where it was seen: what moved anyway."""
    after: AlignedFace | None = None
    """The face once the movement has gone back, at the offset or as near to it as is known: what has not gone back."""
    between: tuple[AlignedFace, ...] = ()
    """The faces at the instants of `ahmsa.flow.sequence`, or those nearest to them that were seen; empty where they are not
    known. Only networks of sequences look at them."""
    offset_t_ns: int | None = None
    """When the movement ended, once that is known."""

    def __post_init__(self) -> None:
        if len({face.pixels.shape for face in self.faces}) > 1:
            raise ValueError("the faces of a movement must have one crop size")

    @property
    def faces(self) -> tuple[AlignedFace, ...]:
        """Onset, apex, those of before and after that are there, and those between."""
        return tuple(face for face in (self.onset, self.apex, self.before, self.after, *self.between) if face is not None)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A movement that may be a micro-expression: its faces, and where it is in its life."""

    event_id: str
    face_id: int
    phase: Phase
    onset: AlignedFace
    apex: AlignedFace
    score: float
    """Spotting score: peak of the regional displacement in units of its own threshold; 1 where annotated."""
    offset_t_ns: int | None = None
    """When the movement ended, once that is known."""
    apex_t_ns: int | None = None
    """Apex refined between frames; None where it was not refined."""
    reason: Gate | None = None
    """Why it was retracted; None otherwise, and for a macro-expression, whose kind says it."""
    kind: Kind = "micro"
    """macro: it lasted too long for a micro-expression, as which it is retracted."""
    before: AlignedFace | None = None
    after: AlignedFace | None = None
    between: tuple[AlignedFace, ...] = ()

    def __post_init__(self) -> None:
        _ = self.pair  # which refuses faces that do not go together

    @property
    def pair(self) -> FacePair:
        """What flow and recogniser see of it."""
        return FacePair(self.onset, self.apex, self.before, self.after, self.between, self.offset_t_ns)


@dataclass(frozen=True, slots=True)
class FlowMap:
    """What the network sees of a movement, and the amplitude that scaling takes away from it."""

    uvs: FloatArray
    """(3, h, w) u (right positive), v (down positive), optical strain; each channel scaled to 0-1."""
    peak_px: float
    """Largest displacement on the face, px of the aligned crop (a high percentile, not one pixel)."""
    mean_px: float
    """Mean displacement on the face, px of the aligned crop."""
    strain_peak: float
    """Largest optical strain (same percentile), without unit."""
    fallback: bool
    """True where region centres came from the canonical face because there were no landmarks."""
    own_share: float | None = None
    """0-1: part of the motion's energy that other motion, before the onset and left over afterwards, does not explain; None
    where only onset and apex are known."""
    sequence: FloatArray | None = None
    """(planes, h, w) how the movement goes on (ahmsa.flow.sequence); None where it was not asked for."""


@dataclass(frozen=True, slots=True)
class Emotion:
    """The network's answer for one movement."""

    label: str
    probabilities: Mapping[str, float]
    """Label -> probability, in the checkpoint's label order; sums to 1."""
    confidence: float
    """Probability of the label, after temperature scaling where the checkpoint carries one."""
    calibrated: bool
    abstained: str | None = None
    """None, or why no label is claimed: low_confidence, below_noise_floor, other_motion."""
