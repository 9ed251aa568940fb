"""`python -m benchmarks gpu --minutes 8`: everything that wants a CUDA card, in one bounded and resumable run.

Needs torch, numpy, OpenCV (headless), msgspec and safetensors, and no camera, no database and no network: it runs on a bare
machine. Every part has a share of the time and says something in it; what is measured is written to a JSON file after every
part, and a second run goes on where the first one ended. `python -m benchmarks gpu` without a card turns the file into the
table of docs/benchmarks.md.

Maps and images are generated: time does not depend on what they show.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from ahmsa.errors import UsageError
from ahmsa.files import read_limited, write_whole
from ahmsa.types import AlignedFace, ByteImage, FacePair, FaceQuality
from ahmsa.untrusted import JsonDecoder, UnreadableError
from benchmarks.machine import describe

FIGURES = Path(__file__).parent.parent / "docs" / "gpu.json"
_FILE_BYTES = 1 << 20
_SIDE_PX = 128
_WANTED_PAIRS_S = 1000
_PAPER_FOLDS, _PAPER_MAPS = 68, 442
_TRIAL_SCALE = 0.02
"""On a CPU the command only shows that it works."""


class Figures(msgspec.Struct):
    """What the JSON file holds."""

    card: str
    machine: str
    parts: dict[str, dict[str, float]]
    """Part -> figure -> value; a part that is here is done."""


_decoder: JsonDecoder[Figures] = JsonDecoder(Figures, limit_bytes=_FILE_BYTES)


@dataclass
class Run:
    """One run on one device. scale: 1 on a card; a trial on the CPU and tests take less."""

    device: str
    scale: float = 1.0
    parts: dict[str, dict[str, float]] = field(default_factory=dict)

    @property
    def side_px(self) -> int:
        return _SIDE_PX if self.scale >= 1 else _SIDE_PX // 4

    def count(self, wanted: int, least: int = 1) -> int:
        return max(least, round(wanted * self.scale))


Part = Callable[[Run, float], dict[str, float]]
"""Measures within so many seconds; returns figures by name."""


def flow_agreement(run: Run, seconds: float) -> dict[str, float]:
    """Flow on the card against the plain torch solver on the CPU, mean and largest distance, px."""
    from ahmsa.flow.maker import FlowMaker
    from ahmsa.settings import FlowSettings

    settings = FlowSettings(backend="torch")
    onsets, apexes = _pairs(run.count(16, 2), 0, run.side_px)
    there, here = FlowMaker(settings, run.device), FlowMaker(settings, "cpu")
    distances: list[np.ndarray] = []
    until_s = time.monotonic() + seconds
    for start in range(0, len(onsets), 2):
        pair = slice(start, start + 2)
        difference = there.flow(onsets[pair], apexes[pair]) - here.flow(onsets[pair], apexes[pair])
        distances.append(np.hypot(difference[:, 0], difference[:, 1]))
        if time.monotonic() > until_s:
            break
    together = np.concatenate(distances)
    return {"pairs": len(together), "mean_px": float(together.mean()), "largest_px": float(together.max())}


def flow_speed(run: Run, seconds: float) -> dict[str, float]:
    """Pairs a second at 128 x 128, copies included, by batch."""
    from ahmsa.flow.maker import FlowMaker
    from ahmsa.settings import FlowSettings

    maker = FlowMaker(FlowSettings(backend="torch"), run.device)
    found = {}
    batches = (8, 64, 256, 1024) if run.scale >= 1 else (2,)
    for batch in batches:
        onsets, apexes = _pairs(batch, batch, run.side_px)
        maker.flow(onsets, apexes)  # kernels, graphs and caches
        spent_s = _median_s(lambda o=onsets, a=apexes: maker.flow(o, a), seconds / len(batches), run.count(30, 2))
        found[f"batch_{batch}_pairs_s"] = batch / spent_s
    return found


def candidates(run: Run, seconds: float) -> dict[str, float]:
    """Candidate to answer with the shipped networks: one by one, and 32 at once."""
    from ahmsa.model.checkpoint import Checkpoint, shipped
    from ahmsa.model.recogniser import Recogniser

    recogniser = Recogniser(Checkpoint.load(shipped()), device=run.device)
    recogniser.warm_up()
    one, many = _candidates(1), _candidates(run.count(32, 2))
    for _ in range(3):
        recogniser.recognise(one)
        recogniser.recognise(many)
    singles = _seconds(lambda: recogniser.recognise(one), seconds / 2, run.count(300, 3))
    batch_s = _median_s(lambda: recogniser.recognise(many), seconds / 2, run.count(50, 2))
    return {
        "one_p50_ms": 1e3 * statistics.median(singles),
        "one_p95_ms": 1e3 * float(np.percentile(singles, 95)),
        "batch": len(many),
        "batch_ms": 1e3 * batch_s,
    }


def paper_training(run: Run, seconds: float) -> dict[str, float]:
    """The paper's preset, 68 folds at once: one epoch, and from it the whole of 800."""
    return training(run, seconds, "paper", _PAPER_FOLDS, _PAPER_MAPS)


def shipped_training(run: Run, seconds: float) -> dict[str, float]:
    """The shipped preset, 50 folds."""
    return training(run, seconds, "shipped", 50, 319)


def precision(run: Run, seconds: float) -> dict[str, float]:
    """bf16 and TF32 against float32: the same small folds after the same steps, and how long an epoch takes."""
    import torch
    from msgspec.structs import replace

    preset = _preset("shipped")
    epochs = run.count(10, 1)
    answers, found = {}, {}
    for kind in ("float32", "tf32", "bf16"):
        settings = replace(preset, fit=replace(preset.fit, epochs=epochs, precision=kind, warmup=0.0))
        began_s = time.monotonic()
        answers[kind] = _answers_after_fit(settings, run.device, folds=run.count(10, 2), maps=run.count(319, 24))
        found[f"{kind}_s"] = time.monotonic() - began_s
        if time.monotonic() - began_s > seconds / 3 and kind == "float32":
            break
    for kind in answers.keys() - {"float32"}:
        found[f"{kind}_same_label"] = float((answers[kind].argmax(-1) == answers["float32"].argmax(-1)).mean())
        found[f"{kind}_mean_distance"] = float(np.abs(answers[kind] - answers["float32"]).mean())
    if run.device.startswith("cuda"):
        torch.cuda.empty_cache()
    return found


PARTS: dict[str, tuple[Part, float]] = {
    "flow_agreement": (flow_agreement, 0.08),
    "flow_speed": (flow_speed, 0.12),
    "candidates": (candidates, 0.12),
    "paper_training": (paper_training, 0.3),
    "shipped_training": (shipped_training, 0.13),
    "precision": (precision, 0.25),
}
"""Part -> what measures it, and its share of the time; what says most in least time comes first."""


def measure(device: str, minutes: float, path: Path, scale: float = 1.0) -> Figures:
    """All parts that the file does not have yet, as far as the time goes. Raises UsageError where it is of another card."""
    figures = _open(path, device)
    run = Run(device, scale, figures.parts)
    until_s = time.monotonic() + 60 * minutes
    for name, (part, share) in PARTS.items():
        left_s = until_s - time.monotonic()
        if name in figures.parts or left_s <= 0:
            continue
        began_s = time.monotonic()
        values = part(run, min(left_s, share * 60 * minutes))
        figures.parts[name] = {**values, "took_s": time.monotonic() - began_s}
        write_whole(path, msgspec.json.format(msgspec.json.encode(figures), indent=1))
        print(f"{name}: {', '.join(f'{key} {value:.4g}' for key, value in figures.parts[name].items())}", flush=True)
    return figures


def section() -> str:
    """The document's section, from the figures of the last run on a card."""
    try:
        figures = _decoder.decode(read_limited(FIGURES, _FILE_BYTES))
    except (OSError, UnreadableError):
        figures = Figures(card="no card", machine="", parts={})
    lines = [
        "## On a GPU",
        "",
        f"Measured by `python -m benchmarks gpu --minutes 8` on: {figures.card} {figures.machine}".rstrip(),
        "",
    ]
    lines += ["| what | measured | wanted |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| {what} | {value} | {wanted} |" for what, value, wanted in _rows(figures.parts))])


def _rows(parts: dict[str, dict[str, float]]) -> list[tuple[str, str, str]]:
    def of(part: str, text: str) -> str:
        """The text with the part's figures in it, or that there are none."""
        try:
            return text.format(**parts[part])
        except KeyError:
            return "not measured"

    return [
        (
            "flow on CUDA against the CPU, mean and largest distance",
            of("flow_agreement", "{mean_px:.1e}, {largest_px:.1e} px"),
            "< 0.01 px",
        ),
        (
            "flow, 128 x 128, batch 256, copies included",
            of("flow_speed", "{batch_256_pairs_s:.0f} pairs/s"),
            f"{_WANTED_PAIRS_S} pairs/s",
        ),
        ("flow, batches of 8 and 1024", of("flow_speed", "{batch_8_pairs_s:.0f}, {batch_1024_pairs_s:.0f} pairs/s"), ""),
        ("candidate to answer, p50, p95", of("candidates", "{one_p50_ms:.1f}, {one_p95_ms:.1f} ms"), "150 ms"),
        ("32 candidates at once", of("candidates", "{batch_ms:.1f} ms"), ""),
        (
            "paper's preset, 68 folds x 800 epochs, extrapolated",
            of("paper_training", "{whole_min:.1f} min ({together:.0f} folds at once)"),
            "",
        ),
        ("shipped preset, 50 folds x 5 networks, extrapolated", of("shipped_training", "{whole_min:.1f} min"), ""),
        (
            "TF32 against float32: same label, mean distance of probabilities",
            of("precision", "{tf32_same_label:.1%}, {tf32_mean_distance:.1e}"),
            "",
        ),
        ("bf16 against float32", of("precision", "{bf16_same_label:.1%}, {bf16_mean_distance:.1e}"), ""),
        ("time of an equal fit, float32, TF32, bf16", of("precision", "{float32_s:.1f}, {tf32_s:.1f}, {bf16_s:.1f} s"), ""),
    ]


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks gpu", description=__doc__)
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--out", type=Path, default=FIGURES, help="JSON file; one that is there is gone on with")
    given = parser.parse_args(arguments)
    import torch

    if given.device.startswith("cuda") and not torch.cuda.is_available():
        print("no CUDA card here: nothing is measured\n\n" + section())
        return
    measure(given.device, given.minutes, given.out, 1.0 if given.device.startswith("cuda") else _TRIAL_SCALE)


def _open(path: Path, device: str) -> Figures:
    card = _card(device)
    if not path.exists():
        return Figures(card=card, machine=describe(), parts={})
    try:
        found = _decoder.decode(read_limited(path, _FILE_BYTES))
    except (OSError, UnreadableError) as error:
        raise UsageError(f"{path} cannot be read ({error}); name another --out") from None
    if found.card != card:
        raise UsageError(f"{path} holds figures of {found.card}, this is {card}; name another --out")
    return found


def _card(device: str) -> str:
    import torch

    if not device.startswith("cuda"):
        return f"{device}, torch {torch.__version__}"
    properties = torch.cuda.get_device_properties(device)
    return f"{properties.name}, {properties.total_memory >> 30} GiB, torch {torch.__version__}"


def training(run: Run, seconds: float, name: str, folds: int, count: int) -> dict[str, float]:
    from msgspec.structs import replace

    from train.models.fit import Job, fit
    from train.models.memory import is_out_of_memory, networks_that_fit
    from train.models.stack import Weights

    preset = _preset(name)
    folds, count = run.count(folds, 2), run.count(count, 24)
    inputs, labels, owners = _maps(folds, count, preset.net)
    jobs = [Job(str(fold), np.flatnonzero(owners != fold), fold) for fold in range(folds)]
    together = min(len(jobs), networks_that_fit(preset, run.device))
    ends: list[float] = []
    until_s = time.monotonic() + seconds

    class EnoughError(Exception):
        pass

    def watch(_epoch: int, _net: object, weights: Weights) -> None:
        next(iter(weights.values())).sum().item()  # a card works ahead: wait for it
        ends.append(time.perf_counter())
        if time.monotonic() > until_s and len(ends) >= 2:
            raise EnoughError

    short = replace(preset, fit=replace(preset.fit, epochs=run.count(20, 2)))
    while True:
        ends.clear()
        try:
            fit(inputs, labels, jobs[:together], short, seed=0, device=run.device, watch=watch)
        except EnoughError:
            pass
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error) or together == 1:
                raise
            together = max(1, together // 2)
            continue
        break
    epoch_s = float(np.median(np.diff(ends))) / together
    whole_s = epoch_s * folds * preset.members * preset.fit.epochs
    return {"folds": folds, "together": together, "network_epoch_ms": 1e3 * epoch_s, "whole_min": whole_s / 60}


def _answers_after_fit(settings: Any, device: str, folds: int, maps: int) -> np.ndarray:
    """(folds, n, classes) probabilities of every map after the fit."""
    from train.models.fit import Job, fit
    from train.models.stack import Network, Weights, padded, probabilities_of

    inputs, labels, owners = _maps(folds, maps, settings.net)
    jobs = [Job(str(fold), np.flatnonzero(owners != fold), fold) for fold in range(folds)]
    held_out = padded([inputs for _ in jobs])
    answers: list[np.ndarray] = []

    def watch(_epoch: int, net: Network, weights: Weights) -> None:
        answers[:] = [np.asarray(probabilities_of(net, weights, held_out, device))]

    fit(inputs, labels, jobs, settings, seed=0, device=device, watch=watch)
    return answers[0]


def _preset(name: str) -> Any:
    from configs.load import load_settings, shipped
    from configs.training import TrainSettings

    return load_settings(TrainSettings, shipped(f"presets/{name}.toml"))


def _maps(folds: int, count: int, net: Any) -> tuple[Any, Any, Any]:
    """Network inputs, labels and owners of random maps whose label can be learnt: a bump where the class says."""
    from ahmsa.model.net import network_input

    rng = np.random.default_rng(0)
    labels = np.arange(count, dtype=np.int64) % net.classes
    uvs = rng.uniform(0.3, 0.5, (count, 3, 28, 28)).astype(np.float32)
    for number, label in enumerate(labels):
        uvs[number, :, 6 + 6 * label : 10 + 6 * label, 10:18] += 0.4
    return network_input(uvs, net), labels, np.arange(count) % folds


def _pairs(count: int, seed: int, side_px: int = _SIDE_PX) -> tuple[np.ndarray, np.ndarray]:
    """(n, side, side) grey levels of smooth textures, and the same moved by up to two pixels."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:side_px, 0:side_px].astype(np.float32)
    onsets, apexes = np.empty((2, count, side_px, side_px), np.float32)
    for number in range(count):
        waves = [(rng.uniform(0.05, 0.5), rng.uniform(0.05, 0.5), rng.uniform(0, 6.28)) for _ in range(6)]
        u, v = rng.uniform(-2, 2, 2)
        bump = np.exp(-((x - side_px / 2) ** 2 + (y - side_px / 1.6) ** 2) / (side_px / 6.4) ** 2)
        for images, moved in ((onsets, 0.0), (apexes, 1.0)):
            dx, dy = x - moved * u * bump, y - moved * v * bump
            images[number] = 128 + sum(18 * np.sin(a * dx + b * dy + c) for a, b, c in waves)
    return onsets, apexes


def _candidates(count: int) -> list[FacePair]:
    onsets, apexes = _pairs(count, seed=7)
    return [FacePair(_face(1, onset), _face(2, apex)) for onset, apex in zip(onsets, apexes, strict=True)]


def _face(index: int, grey: np.ndarray) -> AlignedFace:
    pixels: ByteImage = np.clip(grey, 0, 255).astype(np.uint8)
    quality = FaceQuality(interocular_px=80.0, yaw_deg=0.0, luma=128.0, sharpness=100.0)
    return AlignedFace(index, index, 0, pixels, np.empty((0, 2), np.float32), quality, np.eye(2, 3), 1)


def _median_s(work: Callable[[], object], seconds: float, most: int) -> float:
    return statistics.median(_seconds(work, seconds, most))


def _seconds(work: Callable[[], object], seconds: float, most: int) -> list[float]:
    """Times of one call each, at most so many and within so many seconds, at least two."""
    spent: list[float] = []
    until_s = time.monotonic() + seconds
    while len(spent) < most and (len(spent) < 2 or time.monotonic() < until_s):
        began_s = time.perf_counter()
        work()
        spent.append(time.perf_counter() - began_s)
    return spent
