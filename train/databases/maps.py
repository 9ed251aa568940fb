"""Ready-made flow maps in the layout in which they are published beside STSTNet and HTNet.

    DIR/combined_3_class2_for_optical_flow.csv          dataset, sub, filename_o, label (0, 1, 2), imagename
    DIR/datasets/STSNet_whole_norm_u_v_os/<sub>_<clip> .png     28x28 RGB: R = u, G = v, B = strain, each scaled to 0-255

The blank before `.png` is in the published names; files without it are found too. HTNet: Wang et al., "HTNet for
micro-expression recognition", 2024; maps of the composite database of MEGC 2019 (SMIC, SAMM, CASME II).
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator
from pathlib import Path

import cv2
import numpy as np

from ahmsa.errors import DataError, UsageError
from ahmsa.types import LABELS, FloatArray
from train.databases.base import MapSet, Sample, Subject

TABLE = "combined_3_class2_for_optical_flow.csv"
FOLDER = Path("datasets") / "STSNet_whole_norm_u_v_os"
COLUMNS = ("dataset", "sub", "filename_o", "label", "imagename")
COMPOSITE = ("smic", "samm", "casme2")


def read_maps(root: Path, databases: Collection[str] = COMPOSITE) -> MapSet:
    """The maps under `root` that belong to `databases`.

    Raises DataError with path and row where the folder is incomplete, an image is damaged or of another size, or a key
    repeats.
    """
    table, folder = root / TABLE, root / FOLDER
    if not root.is_dir():
        raise DataError(f"no folder {root}; --maps wants the folder that holds {TABLE} and {FOLDER}.")
    if not table.is_file():
        raise DataError(f"{root} has no {TABLE}; --maps wants a folder in the published layout.")
    if not folder.is_dir():
        raise DataError(f"{root} has no folder {FOLDER}; the copy is incomplete.")
    samples: list[Sample] = []
    maps: list[FloatArray] = []
    for where, row in _rows(table):
        if row["dataset"] not in databases:
            continue
        path = _image_path(folder, row, where)
        map_ = _read_map(path)
        if maps and map_.shape != maps[0].shape:
            raise DataError(
                f"{path} is {map_.shape[-1]}x{map_.shape[-2]} px but earlier maps are {maps[0].shape[-1]}x{maps[0].shape[-2]}."
            )
        maps.append(map_)
        samples.append(Sample(Subject(row["dataset"], row["sub"]), row["filename_o"], _label(row["label"], where)))
    if not samples:
        raise DataError(f"{table} has no row of {', '.join(databases)}.")
    return MapSet(np.stack(maps), tuple(samples), source=str(root)).require_every_class()


def read_ready_made(root: Path, database: str) -> MapSet:
    """The maps of one database, or of the three of the composite (`3db`). Raises UsageError for others."""
    if database != "3db" and database not in COMPOSITE:
        raise UsageError(f"no ready-made maps of {database!r}; --db is 3db or one of {', '.join(COMPOSITE)}.")
    return read_maps(root, COMPOSITE if database == "3db" else [database])


def _rows(table: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Every row with its place in the file; cells as stripped text, the database's name in lower case."""
    with table.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        missing = [column for column in COLUMNS if column not in (reader.fieldnames or [])]
        if missing:
            raise DataError(f"{table} has no column {', '.join(missing)}; found {', '.join(reader.fieldnames or ['nothing'])}.")
        for cells in reader:
            where = f"{table}, line {reader.line_num}"
            row = {column: (cells[column] or "").strip() for column in COLUMNS}
            if not row["dataset"] or not row["sub"] or not row["filename_o"]:
                raise DataError(f"{where}: dataset, sub and filename_o must not be empty.")
            row["dataset"] = row["dataset"].lower()
            yield where, row


def _label(text: str, where: str) -> int:
    if text not in ("0", "1", "2"):
        raise DataError(f"{where}: label {text!r} is none of 0 ({LABELS[0]}), 1 ({LABELS[1]}), 2 ({LABELS[2]}).")
    return int(text)


def _image_path(folder: Path, row: dict[str, str], where: str) -> Path:
    stems = (f"{row['sub']}_{row['filename_o']}", Path(row["imagename"]).stem)
    for stem in stems:
        for path in (folder / f"{stem} .png", folder / f"{stem}.png"):
            if path.is_file():
                return path
    raise DataError(f"{where}: no image '{stems[0]} .png' in {folder}; the copy is incomplete.")


def _read_map(path: Path) -> FloatArray:
    """(3, h, w) u, v, strain in 0-1."""
    pixels = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED) if path.stat().st_size else None
    if pixels is None:
        raise DataError(f"{path} is not a readable image; copy it again.")
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or pixels.shape[0] != pixels.shape[1]:
        raise DataError(f"{path} is {pixels.dtype} of shape {pixels.shape}; a map is square, RGB, 8 bit.")
    rgb = pixels[:, :, ::-1]  # OpenCV reads BGR; the files are R = u, G = v, B = strain
    return np.ascontiguousarray(rgb.transpose(2, 0, 1), dtype=np.float32) / np.float32(255)
