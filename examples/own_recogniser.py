"""Answers by a recogniser of one's own: `streamer.recognise.worker.Recognising` is all that it must look like.

It gets both faces of each movement under one alignment (`ahmsa.types.FacePair`) and may do with them what it likes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

import ahmsa
from ahmsa.synth import clip_of, event
from ahmsa.types import Emotion, FacePair, FlowMap, Frame
from streamer.acquire.playback import Playback


@dataclass(frozen=True)
class Answer:
    emotion: Emotion
    flow_map: FlowMap
    """What it was found from; its `peak_px` is published as amplitude."""


class UpperOrLower:
    """Says in which half of the face more has changed."""

    model_id, device, crop_px = "upper-or-lower", "cpu", 128

    def recognise(self, pairs: Sequence[FacePair]) -> list[Answer]:
        return [self._answer(pair) for pair in pairs]

    def _answer(self, pair: FacePair) -> Answer:
        changed = np.abs(pair.apex.pixels.astype(np.float32) - pair.onset.pixels)
        upper, lower = float(changed[:64].sum()), float(changed[64:].sum())
        share = upper / max(upper + lower, 1e-6)
        emotion = Emotion(
            label="upper" if share > 0.5 else "lower",
            probabilities={"upper": share, "lower": 1 - share},
            confidence=max(share, 1 - share),
            calibrated=False,
        )
        return Answer(emotion, FlowMap(np.zeros((3, 28, 28), np.float32), 0.0, 0.0, 0.0, fallback=False))


def pictures() -> Iterator[Frame]:
    yield from clip_of([event("positive", 2.6, 2.5)], duration_s=3.5, seed=3)


def main() -> None:
    source = Playback("halves", 30.0, pictures(), as_fast_as_possible=True)
    for found in ahmsa.watch(source, recogniser=UpperOrLower()):
        print(f"at {found.apex_s:.2f} s more has changed in the {found.label} half of the face")


if __name__ == "__main__":
    main()
