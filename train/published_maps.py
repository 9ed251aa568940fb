"""Ready-made flow maps in the layout in which they are published beside STSTNet and HTNet.

    DIR/combined_3_class2_for_optical_flow.csv          dataset, sub, filename_o, label (0, 1, 2), imagename
    DIR/datasets/STSNet_whole_norm_u_v_os/<sub>_<clip> .png     28x28 RGB: R = u, G = v, B = strain, each scaled to 0-255

The blank before `.png` is in the published names; files without it are found too. The table says what is there: its columns may
come in any order among others, and an image that no row names is not read. HTNet: Wang et al., "HTNet for micro-expression
recognition", 2024; maps of the composite database of MEGC 2019 (SMIC, SAMM, CASME II).
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np

from ahmsa.databases.clips import Subject
from ahmsa.databases.files.workbook import Row, read_table
from ahmsa.errors import DataError, UsageError
from ahmsa.images.read import read_pixels
from ahmsa.types import LABELS, FloatArray
from train.map_set import MapSet, Sample

TABLE = "combined_3_class2_for_optical_flow.csv"
FOLDER = Path("datasets") / "STSNet_whole_norm_u_v_os"
COLUMNS = ("dataset", "sub", "filename_o", "label", "imagename")
COMPOSITE = ("smic", "samm", "casme2")
SIDE_PX = 28


def read_maps(root: Path, databases: Collection[str] = COMPOSITE) -> MapSet:
    """The maps under `root` that belong to `databases`.

    Raises DataError with path and row where the folder is incomplete, an image is damaged or no such map, or a key
    repeats.
    """
    table, folder = root / TABLE, root / FOLDER
    if not root.is_dir():
        raise DataError(f"no folder {root}; --maps wants the folder that holds {TABLE} and {FOLDER}.")
    if not table.is_file():
        raise DataError(f"{root} has no {TABLE}; --maps wants a folder in the published layout.")
    if not folder.is_dir():
        raise DataError(f"{root} has no folder {FOLDER}; the copy is incomplete.")
    rows = read_table(table, {name: (name,) for name in COLUMNS[:-1]}, optional={COLUMNS[-1]: (COLUMNS[-1],)})
    samples = [_sample(table, row) for row in rows]
    chosen = [(sample, row) for sample, row in zip(samples, rows, strict=True) if sample.subject.database in databases]
    if not chosen:
        raise DataError(f"{table} has no row of {', '.join(databases)}.")
    _require_unique(table, chosen)
    uvs = np.stack([_read_map(path) for path in _images(table, folder, [row for _, row in chosen])])
    return MapSet(uvs, tuple(sample for sample, _ in chosen), source=str(root)).require_every_class()


def read_ready_made(root: Path, database: str) -> MapSet:
    """The maps of one database, or of the three of the composite (`3db`). Raises UsageError for others."""
    if database != "3db" and database not in COMPOSITE:
        raise UsageError(f"no ready-made maps of {database!r}; --db is 3db or one of {', '.join(COMPOSITE)}.")
    return read_maps(root, COMPOSITE if database == "3db" else [database])


def _sample(table: Path, row: Row) -> Sample:
    """What a row says of a map."""
    where = f"{table}, row {row.number}"
    database, subject, clip = row.text("dataset").lower(), row.text("sub"), row.text("filename_o")
    if not database or not subject or not clip:
        raise DataError(f"{where}: dataset, sub and filename_o must not be empty.")
    if database not in COMPOSITE:
        raise DataError(f"{where}: dataset {row.text('dataset')!r} is none of {', '.join(COMPOSITE)}.")
    label = row.text("label")
    if label not in ("0", "1", "2"):
        raise DataError(f"{where}: label {label!r} is none of 0 ({LABELS[0]}), 1 ({LABELS[1]}), 2 ({LABELS[2]}).")
    return Sample(Subject(database, subject), clip, int(label))


def _require_unique(table: Path, chosen: list[tuple[Sample, Row]]) -> None:
    first: dict[tuple[Subject, str], Row] = {}
    for sample, row in chosen:
        other = first.setdefault((sample.subject, sample.name), row)
        if other is not row:
            raise DataError(
                f"{table}: clip {sample.name} of {sample.subject} is there more than once, in rows {other.number} and "
                f"{row.number}; keep one."
            )


def _images(table: Path, folder: Path, rows: list[Row]) -> list[Path]:
    """The image of each row. Raises DataError where some are missing, or two rows share one."""
    found: dict[Path, Row] = {}
    missing: list[str] = []
    for row in rows:
        stems = (f"{row.text('sub')}_{row.text('filename_o')}", Path(row.text("imagename")).stem)
        names = (f"{stem}{blank}.png" for stem in stems if stem for blank in (" ", ""))
        path = next((folder / name for name in names if (folder / name).is_file()), None)
        if path is None:
            missing.append(f"{table}, row {row.number}: no image '{stems[0]} .png' in {folder}")
        elif path in found:
            raise DataError(f"{table}: rows {found[path].number} and {row.number} share the image {path.name}; keep one.")
        else:
            found[path] = row
    if missing:
        raise DataError(f"{missing[0]} ({len(missing)} of {len(rows)} images are missing); the copy is incomplete.")
    return list(found)


def _read_map(path: Path) -> FloatArray:
    """(3, h, w) u, v, strain in 0-1."""
    pixels = read_pixels(path)
    if pixels.shape != (SIDE_PX, SIDE_PX, 3) or pixels.dtype != np.uint8:
        raise DataError(
            f"{path} is {pixels.dtype} of shape {pixels.shape}; a map in this layout is RGB, 8 bit, {SIDE_PX}x{SIDE_PX} px."
        )
    rgb = pixels[:, :, ::-1]  # OpenCV reads BGR; the files are R = u, G = v, B = strain
    return np.ascontiguousarray(rgb.transpose(2, 0, 1), dtype=np.float32) / np.float32(255)
