"""Pictures from anywhere: a source of one's own. Here they are generated; a microscope camera or a simulation would do as well.

Any object with the members of `streamer.acquire.sources.Source` is a source; `Playback` makes one of an iterator of frames.
"""

from collections.abc import Iterator

import ahmsa
from ahmsa.synth import clip_of, event
from ahmsa.types import Frame
from streamer.acquire.playback import Playback


def pictures() -> Iterator[Frame]:
    """`Frame(index, t_capture_ns, image)`, the image (h, w, 3) BGR."""
    yield from clip_of([event("positive", 2.6, 2.5)], duration_s=3.5, seed=3)


def main() -> None:
    session = ahmsa.analyse(Playback("mine", 30.0, pictures(), as_fast_as_possible=True))
    for found in session.confirmed:
        print(f"{found.onset_s:.2f} s to {found.offset_s:.2f} s: {found.label} {dict(found.probabilities)}")


if __name__ == "__main__":
    main()
