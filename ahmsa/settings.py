"""Settings of the `ahmsa` package. Light on purpose: no torch, no OpenCV, so that `--help` stays quick.

Those that change pixels (`FaceSettings.crop_px`, `FlowSettings`) travel in the checkpoint: a network judges only maps made
the way its training maps were made.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Positive = Annotated[float, Meta(gt=0)]
Fraction = Annotated[float, Meta(ge=0, le=1)]

MAP_VERSION = 2
"""Version of the way from a clip's images to its flow map: alignment, apex, flow, strain, layout, scaling.

Raise it with every change of code that changes pixels: prepared maps of another version are made anew, never mixed. A test
holds the maps of fixed images against those that were stored for this version.
"""


class FaceSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Tracking and alignment of faces."""

    crop_px: Annotated[int, Meta(ge=64, le=512)] = 128
    """Side of the canonical crop. Larger crops cost flow time by the square."""
    max_faces: Annotated[int, Meta(ge=1, le=8)] = 1
    landmark_interval_ms: Annotated[float, Meta(ge=0)] = 30.0
    """Landmarks are refreshed at most this often; between, the held alignment cuts the crop. 0: every frame."""
    anchor_drift: Fraction = 0.06
    """The held alignment is renewed when a landmark centre has moved by more than this part of the crop's side."""
    forget_ms: Annotated[float, Meta(ge=0)] = 1000.0
    """A face that comes back to its place within this time keeps its id."""
    min_interocular_px: Positive = 40.0
    """Smaller faces are gated `too_small`: a 1 px movement of the crop would be far below one camera pixel."""
    max_yaw_deg: Positive = 30.0
    min_luma: Annotated[float, Meta(ge=0, le=255)] = 35.0
    min_sharpness: Annotated[float, Meta(ge=0)] = 15.0


class FlowSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From an onset and an apex crop to the 3 x 28 x 28 map (paper 3.2, eq. 1)."""

    backend: Literal["auto", "torch", "compiled", "opencv"] = "auto"
    """`auto`: torch for batches on a GPU, the compiled kernel elsewhere. `torch` on a CPU is the plain reference, slow.
    `opencv`: OpenCV's own TV-L1 with these parameters, to compare."""
    tau: Positive = 0.25
    """Step of the dual iteration; the scheme is stable up to 0.25."""
    lambda_: Positive = msgspec.field(default=0.12, name="lambda")
    """Weight of the grey-level match against smoothness. Larger: livelier fields, more noise (OpenCV's default: 0.15)."""
    theta: Positive = 0.15
    """How loosely match and smoothness are coupled. Smaller: nearer to the exact function (OpenCV's default: 0.3)."""
    scales: Annotated[int, Meta(ge=1, le=10)] = 4
    """Levels of the pyramid at most; none is smaller than 16 px."""
    scale_step: Annotated[float, Meta(gt=0, lt=1)] = 0.5
    warps: Annotated[int, Meta(ge=1, le=50)] = 4
    """How often per level the apex is warped anew. More: larger motion is followed, at proportional cost."""
    epsilon: Annotated[float, Meta(ge=0)] = 0.0
    """A warp ends early once an iteration moves the flow by less than this, px root mean square. 0: never (fixed cost)."""
    inner_iterations: Annotated[int, Meta(ge=1, le=10_000)] = 12
    outer_iterations: Annotated[int, Meta(ge=1, le=1000)] = 1
    """Rounds of median filter and inner iterations per warp."""
    median_px: Literal[1, 3, 5] = 3
    """Side of the median filter before each round and at the end of a level; 1 switches it off."""
    head_motion: Literal["keep", "translation", "similarity", "mesh"] = "mesh"
    """Rigid motion taken out of the flow, fitted robustly to the face: none, a shift, a similarity (shift, turn, growth), or
    all that a rigid head does (that and nodding and shaking, by the depth of the face mesh)."""
    layout: Literal["whole", "quad", "five"] = "whole"
    map_px: Annotated[int, Meta(ge=8, le=256)] = 28


Inputs = Literal["map", "sequence"]
"""What a network sees of a movement: its map, or the map and how it goes on up to the offset (ahmsa.flow.sequence)."""


class NetSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """AHMSA-Net's shape (paper 3.3-3.4). The paper's own numbers (table 3) are in configs/presets/paper.toml."""

    channels: Annotated[tuple[Annotated[int, Meta(ge=1, le=8192)], ...], Meta(min_length=1, max_length=8)] = (32, 32, 32)
    """Channels at each level; as many levels as numbers."""
    heads: Annotated[tuple[Annotated[int, Meta(ge=1, le=256)], ...], Meta(min_length=1, max_length=8)] = (4, 4, 4)
    """Attention heads at each level; each number divides the channels there."""
    blocks: Annotated[tuple[Annotated[int, Meta(ge=1, le=64)], ...], Meta(min_length=1, max_length=8)] = (1, 1, 1)
    """Transformer blocks at each level, the finest level first."""
    patch_px: Annotated[int, Meta(ge=1, le=256)] = 7
    factor: Annotated[int, Meta(ge=2, le=16)] = 2
    """Each level has 1/factor of the side of the level below; the sides must divide evenly."""
    expansion: Annotated[float, Meta(gt=0, le=64)] = 2.0
    """Hidden width of the feed forward module, in units of the channels."""
    channel_reduction: Annotated[int, Meta(ge=1, le=1024)] = 4
    """Bottleneck of the channel attention: channels / channel_reduction."""
    position: bool = True
    """Add a learned position to every patch; without it attention does not distinguish an eye from a lip corner."""
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.0
    """Part of the numbers in attention, feed forward and the head's input that is dropped while training."""
    drop_path: Annotated[float, Meta(ge=0, lt=1)] = 0.0
    """Part of the residual branches that is left out, per sample, while training."""
    classes: Annotated[int, Meta(ge=2, le=1000)] = 3
    map_px: Annotated[int, Meta(ge=4, le=256)] = 28
    """Side of the map the network sees; maps of another side are resized to it."""
    inputs: Inputs = "map"
    """`sequence`: beside the map also the flow to several instants up to the offset, the amplitude, and the times of rise and
    fall. Needs a database's own frames, not ready-made maps."""
    scaling: Literal["raw", "recentred"] = "recentred"
    """What the network is fed: the 0-1 map as it is, or recentred (ahmsa.flow.maps)."""
    smoothing_cells: Annotated[float, Meta(ge=0, le=5)] = 0.0
    """Gaussian smoothing of the map before it is recentred, standard deviation in cells of a 28-cell map; 0: none."""
    restore_proportion: bool = False
    """Give v back its size beside u, as strain remembers it, before the map is recentred. Needs `recentred`."""
    mirror_average: bool = False
    """Answer with the mean over the map and its mirror. Needs `recentred`; doubles the time of an answer."""


class RecogniserSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When the recogniser answers and when it abstains."""

    min_confidence: Fraction = 0.5
    """Below it the result is published as abstained: low_confidence."""
    noise_floor_px: Annotated[float, Meta(ge=0)] = 0.15
    """Of a movement with a smaller peak the recogniser abstains: below_noise_floor. Min-max scaling would make its noise look
    like motion."""
    max_peak_px: Positive = 4.0
    """Of larger movements it abstains: other_motion. They are words, blinks and turns; no micro-expression goes so far."""
    min_own_share: Fraction = 0.2
    """Of movements of which a smaller part stands out from what else the face did, before the onset and left over afterwards,
    it abstains: other_motion. Higher is right more often and answers less."""
