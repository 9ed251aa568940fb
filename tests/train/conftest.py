from __future__ import annotations

import csv

import cv2
import numpy as np
import pytest
import torch

from ahmsa.databases.clips import Subject
from ahmsa.flow.maps import min_max
from ahmsa.model.checkpoint import Checkpoint
from ahmsa.model.net import AhmsaNet, initialise
from ahmsa.settings import NetSettings
from ahmsa.types import LABELS
from train.map_set import MapSet, Sample
from train.published_maps import COLUMNS, FOLDER, TABLE

torch.set_num_threads(1)  # networks of this size only wait for each other on more

# Where each class moves on the 28-cell grid: (row, column, u, v).
MOVES = {0: [(6, 7, 1, 1), (6, 20, -1, 1)], 1: [(20, 8, -1, -1), (20, 19, 1, -1)], 2: [(5, 7, 0, -1), (5, 20, 0, -1)]}


def fake_flow(label: int, random: np.random.Generator, noise: float) -> np.ndarray:
    rows, columns = np.mgrid[:28, :28]
    flow = np.zeros((2, 28, 28))
    for row, column, u, v in MOVES[label]:
        bump = np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / 8) * random.uniform(0.6, 1.4)
        flow += np.array([u, v])[:, None, None] * bump
    flow += noise * random.standard_normal((2, 28, 28))
    strain = np.abs(np.gradient(flow[0], axis=1)) + np.abs(np.gradient(flow[1], axis=0))
    return min_max(np.stack([flow[0], flow[1], strain]).astype(np.float32))


def fake_maps(subjects: int = 6, per_subject: int = 4, noise: float = 0.1, seed: int = 0) -> MapSet:
    """Separable maps of three databases; every subject has clips of several classes."""
    random = np.random.default_rng(seed)
    samples, maps = [], []
    for subject in range(subjects):
        key = Subject(("smic", "samm", "casme2")[subject % 3], f"{subject // 3 + 1:02d}")
        for clip in range(per_subject + subject % 2):
            label = (subject + clip) % 3
            samples.append(Sample(key, f"clip_{clip}", label))
            maps.append(fake_flow(label, random, noise))
    return MapSet(np.round(np.stack(maps) * 255).astype(np.float32) / np.float32(255), tuple(samples), source="fake maps")


@pytest.fixture(scope="session")
def make_maps():
    return fake_maps


@pytest.fixture
def write_maps():
    """Write a map set in the published layout."""

    def write(root, maps: MapSet):
        (root / FOLDER).mkdir(parents=True)
        with (root / TABLE).open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            for sample, uvs in zip(maps.samples, maps.uvs, strict=True):
                stem = f"{sample.subject.name}_{sample.subject.database}_{sample.name}"
                writer.writerow(
                    {
                        "dataset": sample.subject.database,
                        "sub": sample.subject.name,
                        "filename_o": sample.name,
                        "label": sample.label,
                        "imagename": f"{stem}.jpg",
                    }
                )
                cv2.imwrite(str(root / FOLDER / f"{stem} .png"), np.round(uvs[::-1].transpose(1, 2, 0) * 255).astype(np.uint8))
        return root

    return write


@pytest.fixture(scope="session")
def make_checkpoint():
    """An untrained checkpoint of one small network with the given card."""

    def make(labels: tuple[str, ...] = LABELS, **card: object) -> Checkpoint:
        settings = NetSettings(channels=(8, 12, 16), heads=(2, 2, 2), blocks=(1, 1, 1), expansion=2.0, classes=len(labels))
        net = AhmsaNet(settings)
        initialise(net, torch.Generator().manual_seed(0))
        return Checkpoint((net.state_dict(),), settings, labels=labels, card=card)

    return make
