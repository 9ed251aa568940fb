"""Everything that can be tuned about training; presets in `configs/presets/` are TOML files of this shape."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from ahmsa.settings import Fraction, NetSettings, Positive

NotNegative = Annotated[float, Meta(ge=0)]
Count = Annotated[int, Meta(ge=1)]


class FitSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a network is fitted. The paper's own numbers are in configs/presets/paper.toml."""

    epochs: Count = 60
    batch: Count = 64
    """Maps per step and fold. An epoch has round(all maps / batch) steps, at least one, for every fold alike."""
    optimiser: Literal["adam", "adamw"] = "adamw"
    learning_rate: Positive = 1e-3
    weight_decay: NotNegative = 0.05
    """Not applied to biases, norms and positions."""
    beta2: Annotated[float, Meta(gt=0, lt=1)] = 0.999
    schedule: Literal["constant", "cosine"] = "cosine"
    warmup: Fraction = 0.1
    """Part of all steps over which the learning rate rises from zero."""
    final_rate: Fraction = 0.0
    """Where the cosine ends, as a part of the learning rate."""
    average: Annotated[float, Meta(ge=0, lt=1)] = 0.0
    """Exponential moving average of the weights, per step; 0 answers with the weights themselves."""
    clip_norm: NotNegative = 0.0
    """Largest gradient norm of a fold; 0: not clipped."""
    label_smoothing: Annotated[float, Meta(ge=0, lt=1)] = 0.0
    class_weight: NotNegative = 0.0
    """Weight of a class in the loss: (1 / its share of the training maps) to this power. 0: none, 1: balanced."""
    logit_adjustment: NotNegative = 0.0
    """Logits are raised by this times the logarithm of the class's share while training, so that rare classes win ties."""
    sampling: Literal["shuffle", "balanced"] = "shuffle"
    """balanced: rare classes are repeated until all are equally frequent."""
    precision: Literal["float32", "tf32", "bf16"] = "float32"
    """tf32 and bf16 trade precision for speed on GPUs; the CPU has float32 and bf16."""
    group: Annotated[int, Meta(ge=0)] = 0
    """Most networks that train at once; 0: as many as the free memory holds."""


class AugmentSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Changes to training maps that keep their meaning. All spreads are standard deviations; 0 switches one off."""

    mirror: Fraction = 0.5
    """Part of the maps that is mirrored: sides swap and u changes its sign."""
    still: Fraction = 0.0
    """Part of the maps shown without the head's shift, turn and growth, as live flow has it; published maps keep them."""
    shift_cells: NotNegative = 0.7
    """Shift, in cells of a 28-cell map: public maps spread by about one."""
    rotation_deg: NotNegative = 5.0
    """Rotation; motion vectors turn with the face."""
    scale: NotNegative = 0.05
    gain: NotNegative = 0.1
    """Spread of the logarithm of each channel's strength."""
    noise: NotNegative = 0.1
    """Smooth noise (two-cell grain), in units of the map's mean magnitude."""
    drift: NotNegative = 0.0
    """Uniform motion of the whole map that head motion removal left over, in the same units."""
    mixup: NotNegative = 0.0
    """Both parameters of the Beta distribution that blends two maps and their labels (Zhang et al. 2018)."""


class PretrainSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A first fit on generated maps of muscle-like motion (ahmsa.synth), before any real face is seen."""

    maps: Annotated[int, Meta(ge=0)] = 0
    """Generated maps; 0 starts from random weights."""
    epochs: Count = 8
    batch: Count = 256
    learning_rate: Positive = 2e-3


class TrainSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A preset: network, fitting, augmentation, and how many networks answer together."""

    model: Annotated[str, Meta(pattern=r"^[\w.]+(:\w+)?$")] = "ahmsa"
    """What is trained: `ahmsa`, or a baseline beside it, `ststnet` or `svm`, or `module:name` of a model of your own
    (train/models/contract.py)."""
    net: NetSettings = NetSettings()
    fit: FitSettings = FitSettings()
    augment: AugmentSettings = AugmentSettings()
    pretrain: PretrainSettings = PretrainSettings()
    members: Count = 1
    """Networks per fold, from different first weights, whose probabilities are averaged."""
    evaluate_every: Count = 5
    """Epochs between two evaluations of a fold's held-out subject: the curve, and what the `nested` and `paper` protocols
    choose from. The last epoch is always evaluated."""
    inner_folds: Annotated[int, Meta(ge=2)] = 4
    """Subject-wise splits of a fold's training subjects by which the `nested` protocol chooses the epoch."""
