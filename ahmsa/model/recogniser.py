"""From movements to emotions: flow map, network, and the honesty to abstain. The same for live, replay and databases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ahmsa.device import resolve_device
from ahmsa.errors import CheckpointError
from ahmsa.flow.maker import FlowMaker
from ahmsa.model.checkpoint import Checkpoint
from ahmsa.settings import RecogniserSettings
from ahmsa.types import Emotion, FacePair, FloatArray, FlowMap

LOW_CONFIDENCE = "low_confidence"
BELOW_NOISE_FLOOR = "below_noise_floor"
OTHER_MOTION = "other_motion"


@dataclass(frozen=True, slots=True)
class Recognition:
    """What a movement meant, and the map the network saw of it."""

    emotion: Emotion
    flow_map: FlowMap


class Recogniser:
    """A checkpoint ready to answer. Not thread-safe; one per worker.

    device: auto, cpu, cuda, cuda:N or mps; see ahmsa.device.
    """

    def __init__(self, checkpoint: Checkpoint, settings: RecogniserSettings | None = None, device: str = "auto") -> None:
        self.checkpoint = checkpoint
        self.settings = settings or RecogniserSettings()
        self.device = resolve_device(device)
        self._flow_maker = FlowMaker(checkpoint.flow, self.device, checkpoint.net.inputs)

    @property
    def model_id(self) -> str:
        return self.checkpoint.id

    @property
    def crop_px(self) -> int:
        """Side of the crops that it accepts."""
        return self.checkpoint.crop_px

    def recognise(self, pairs: Sequence[FacePair]) -> list[Recognition]:
        """One answer per movement, in order; several movements cost less together than one by one.

        Raises CheckpointError when crops have another size than those the checkpoint was trained on, DataError when it judges
        sequences and a movement comes without the faces between.
        """
        if not pairs:
            return []
        for pair in pairs:
            require_crop(self.checkpoint, pair.apex.pixels.shape[0])
        flow_maps = self._flow_maker.maps(pairs)
        sequences = [m.sequence for m in flow_maps if m.sequence is not None]
        probabilities = self.checkpoint.predict(
            np.stack([m.uvs for m in flow_maps]), self.device, np.stack(sequences) if sequences else None
        )
        return [
            Recognition(self._judge(row, flow_map), flow_map) for row, flow_map in zip(probabilities, flow_maps, strict=True)
        ]

    def warm_up(self) -> None:
        """Load kernels and caches with one empty movement, so that the first real one does not wait for them."""
        side = self.checkpoint.crop_px
        noise = np.random.default_rng(0).integers(0, 255, (1, side, side)).astype(np.float32)
        self._flow_maker.flow(noise, noise)
        self.checkpoint.answer_to_nothing(self.device)

    def _judge(self, probabilities: FloatArray, flow_map: FlowMap) -> Emotion:
        best = int(probabilities.argmax())
        confidence = float(probabilities[best])
        abstained = None
        if flow_map.peak_px < self.settings.noise_floor_px:
            abstained = BELOW_NOISE_FLOOR
        elif flow_map.peak_px > self.settings.max_peak_px or (
            flow_map.own_share is not None and flow_map.own_share < self.settings.min_own_share
        ):
            abstained = OTHER_MOTION
        elif confidence < self.settings.min_confidence:
            abstained = LOW_CONFIDENCE
        labels = self.checkpoint.labels
        return Emotion(
            label=labels[best],
            probabilities={label: float(p) for label, p in zip(labels, probabilities, strict=True)},
            confidence=confidence,
            calibrated=self.checkpoint.temperature != 1.0,
            abstained=abstained,
        )


def require_crop(checkpoint: Checkpoint, crop_px: int) -> None:
    """CheckpointError unless the checkpoint was trained on crops of this size."""
    if crop_px != checkpoint.crop_px:
        raise CheckpointError(
            f"checkpoint {checkpoint.id} was trained on {checkpoint.crop_px} px crops, but these are {crop_px} px; "
            f"set face.crop_px = {checkpoint.crop_px} or use another checkpoint"
        )
