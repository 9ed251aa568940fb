"""How well, how soon and how cheaply movements are spotted: generated faces with known movements, and the field's baselines.

`python -m benchmarks.spotting --quick` prints a five-minute version without writing anything. AHMSA_BENCH_SPOTTING is full
(hours), short (a quarter of an hour) or quick.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from ahmsa.synth import LIFELIKE, MIXED, Scenario, SyntheticClip
from configs.schema import LiveSettings
from spotting.benchmark.outcome import Outcome
from spotting.benchmark.run import REPORT_SEEDS, table, table_line
from streamer.acquire.capture import CaptureStage

PICTURES = Path(__file__).parent.parent / "docs" / "pictures"
_CAMERA_CLIPS = 3

_TEXT = """## Spotting

Micro-expressions of 0.5-3 px (of the 128 px crop) with the timing of CAS(ME)^2 and SAMM, 12 a minute, and one macro-
expression a minute, on generated faces: one person, or five made of one portrait. `mixed` sits, and now and then turns, talks
and blinks; `lifelike` never rests: the head travels by 10 px a second in three dimensions, talks with brows and nods, wears
glasses that mirror a window, looks elsewhere and swallows (`ahmsa/synth/scenario/script.py` says what each is). Amplitude is
the largest displacement anywhere on the face. Scored strictly one to one at IoU 0.5; apex and onset errors over hits;
latencies from the true apex to the frame at which the spotter spoke. `ahmsa` is causal; the others see the whole clip. Knobs
were tuned on other seeds than those of this table. `whole chain` goes through 640x480 pictures, FaceMesh and the
tracker; the other lines are told where the face is, up to landmark jitter.
"""

_PICTURES_TEXT = """
![recall by amplitude, apex errors and latencies](pictures/spotting.png)

![half a minute of a mixed clip: signals, thresholds, gates and decisions](pictures/spotting_example.png)
"""


def section(size: str | None = None) -> str:
    """Markdown: the table, and the pictures unless the size is quick. size: AHMSA_BENCH_SPOTTING where it is not given."""
    size = size or os.environ.get("AHMSA_BENCH_SPOTTING", "full")
    drawn = size != "quick"
    lines = list(table(size, PICTURES if drawn else None))
    for name, nuisances in (("mixed", MIXED), ("lifelike", LIFELIKE)):
        lines.append(table_line(f"whole chain, {name}", _whole_chain(nuisances, _CAMERA_CLIPS if size == "full" else 1)))
    without = ", without the baselines" if size == "short" else ""
    said = "" if size == "full" else f"Taken in its {size} version (`AHMSA_BENCH_SPOTTING={size}`){without}.\n"
    return _TEXT + said + "\n" + "\n".join(lines) + "\n" + (_PICTURES_TEXT if drawn else "")


def _whole_chain(nuisances: Mapping[str, float], clips: int) -> Outcome:
    """Camera pictures through the capture stage, as live."""
    outcome = Outcome("ahmsa")
    settings = LiveSettings()
    for seed in REPORT_SEEDS[:clips]:
        scenario = Scenario(seed=seed, duration_s=60.0, micro_per_minute=12.0, macro_per_minute=1.0, nuisances=nuisances)
        clip = SyntheticClip(scenario)
        outcome.add_truth(clip.truth, str(seed), scenario.duration_s)
        with CaptureStage(settings.face, settings.spotter) as stage:
            for frame in clip:
                for candidate in stage.process(frame).candidates:
                    outcome.take(candidate, frame.t_capture_ns, clip.truth, str(seed))
    return outcome


if __name__ == "__main__":
    print(section("quick" if "--quick" in sys.argv else "full"))
