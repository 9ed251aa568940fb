"""How the demo did: what was published, held against the generator's own truth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from streamer.stream.schema import EmotionMessage

if TYPE_CHECKING:
    from spotting.evaluate.scoring import Interval


def demo_score(emotions: Sequence[EmotionMessage], until_s: float) -> str:
    """Found, missed, false alarms and right labels of the clip's first `until_s` seconds, in a few lines.

    A movement is found when its interval and the published one overlap by at least half (IoU, one to one, as in MEGC).
    """
    from ahmsa.synth import demo_script
    from spotting.evaluate.scoring import Interval, score_strict

    truth = [
        Interval("demo", true.onset_ms, true.apex_ms, true.offset_ms, true.kind, true.label, true.amplitude_px)
        for true in demo_script().events
        if true.kind == "micro" and true.offset_ms <= until_s * 1000
    ]
    score = score_strict([_interval(emotion) for emotion in emotions], truth)
    right = sum(true.label == found.label for true, found in score.hits)
    abstained = sum(found.label is None for _, found in score.hits)
    lines = [
        f"demo score: {len(score.hits)} of {len(truth)} movements found, {len(score.missed)} missed, "
        f"{len(score.false_alarms)} false alarms; of those found {right} labels right, "
        f"{len(score.hits) - right - abstained} wrong, {abstained} abstained",
    ]
    lines += [f"  missed: {true.label} at {true.apex_ms / 1e3:.1f} s, {true.amplitude_px} px" for true in score.missed]
    lines += [f"  false alarm at {found.apex_ms / 1e3:.1f} s" for found in score.false_alarms]
    return "\n".join(lines)


def write_demo_truth(folder: Path) -> None:
    """The generator's truth, `truth.csv`, beside a recording of the demo."""
    from ahmsa.synth import demo_script, write_truth

    script = demo_script()
    write_truth(script.events, folder / "truth.csv", script.fps)


def _interval(emotion: EmotionMessage) -> Interval:
    from spotting.evaluate.scoring import Interval

    offset_ns = emotion.offset_t_ns if emotion.offset_t_ns is not None else emotion.apex.t_ns
    return Interval("demo", emotion.onset.t_ns / 1e6, emotion.apex.t_ns / 1e6, offset_ns / 1e6, "micro", emotion.label)
