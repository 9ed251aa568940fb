"""One clip to one flow map: what a worker process of `ahmsa-data prepare` does."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from ahmsa.databases.clips import Clip
from ahmsa.flow.sequence import instants
from ahmsa.settings import FlowSettings, Inputs
from ahmsa.types import ByteImage, FacePair
from train.prepare.apex import ApexRule, apex_frame
from train.prepare.map_file import map_path, save_map

if TYPE_CHECKING:
    from ahmsa.face.dlib_aligner import ClipAligner
    from ahmsa.flow.maker import FlowMaker


class ClipWorker:
    """Makes maps and writes them below `folder`. Light until its first clip: it is sent to other processes as it is."""

    def __init__(self, folder: Path, crop_px: int, flow: FlowSettings, apex_rule: ApexRule, inputs: Inputs = "map") -> None:
        self._folder = folder
        self._crop_px = crop_px
        self._flow = flow
        self._apex_rule = apex_rule
        self._inputs = inputs

    def make(self, clip: Clip) -> None:
        """Write the map of a clip. Raises DataError for a damaged image or an onset without a face; nothing is written then."""
        pair = self.pair(clip)
        (flow_map,) = self._maker.maps([pair])
        save_map(map_path(self._folder, clip), clip, flow_map, apex=pair.apex.index)

    def pair(self, clip: Clip) -> FacePair:
        """Onset and apex of a clip, and for sequences the faces between, under the onset's alignment, as the live path gives
        them to the recogniser."""
        from ahmsa.face.crop import cut_crop
        from ahmsa.images.read import read_image

        onset = read_image(clip.frames[clip.onset])
        aligner = _aligner(self._crop_px)
        fit = aligner.fit(onset)

        def crops(numbers: Iterable[int]) -> Iterable[ByteImage]:
            return (cut_crop(read_image(clip.frames[number]), fit.alignment, self._crop_px) for number in numbers)

        apex = apex_frame(clip, self._apex_rule, crops)
        wanted = instants(clip.onset, max(clip.offset, apex)) if self._inputs == "sequence" else []
        between = [min(clip.frames, key=lambda number: abs(number - instant)) for instant in wanted]
        return FacePair(
            onset=aligner.face(onset, fit, clip.onset, clip.fps),
            apex=aligner.face(read_image(clip.frames[apex]), fit, apex, clip.fps),
            between=tuple(aligner.face(read_image(clip.frames[number]), fit, number, clip.fps) for number in between),
            offset_t_ns=round(clip.offset * 1e9 / clip.fps),
        )

    @cached_property
    def _maker(self) -> FlowMaker:
        import cv2

        from ahmsa.flow.maker import FlowMaker

        cv2.setNumThreads(1)  # one clip per process is parallel enough
        return FlowMaker(self._flow, inputs=self._inputs)


@lru_cache(maxsize=1)
def _aligner(crop_px: int) -> ClipAligner:
    """Kept for the life of the process: its models take a second to load."""
    from ahmsa.face.dlib_aligner import ClipAligner

    return ClipAligner(crop_px)
