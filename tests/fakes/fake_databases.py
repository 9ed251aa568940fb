"""Databases with the real layouts and invented contents: workbooks as awkward as the published ones, frames of any picture.

Every row here is made up by rule; only the documented oddities (a "/" for an apex, a mistyped offset, a clashing label) carry
the clip names that they have in the databases.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import openpyxl
import xlwt

Picture = Callable[[Path, float], None]
"""Writes the image of a clip at a progress of 0 (onset) to 1 (apex) and back to 0 (offset)."""


@dataclass(frozen=True)
class Row:
    subject: str
    clip: str
    onset: object
    apex: object
    offset: object
    emotion: str


def token(path: Path, progress: float) -> None:
    """A file that is there and is no picture: enough to count databases, quick to write by the thousand."""
    path.write_bytes(b"x")


def portrait(path: Path, progress: float) -> None:
    """A public-domain portrait whose mouth corners rise by up to 3 px of a face of about 110 px between the cheeks."""
    import cv2
    from skimage import data

    image = data.astronaut()[0:270, 90:360, ::-1]
    height, width = image.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    bump = sum(np.exp(-((x - cx) ** 2 + (y - 150.0) ** 2) / (2 * 12.0**2)) for cx in (110.0, 155.0))
    moved = cv2.remap(
        image, x, (y + 3.0 * progress * bump).astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    assert cv2.imwrite(str(path), moved)


# --- CASME II -----------------------------------------------------------------------------------------------------------------


def casme2(
    root: Path, rows: Sequence[Row], picture: Picture = token, tree: str = "CASME2_RAW_selected", prefix: str = "img"
) -> Path:
    """Workbook with two blank columns, subjects as text, a stray shortcut among the frames, numbers not padded."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Sheet1"
    sheet.append(
        ["Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None, "Action Units", "Estimated Emotion"]
    )
    for row in rows:
        sheet.append([row.subject[3:], row.clip, None, row.onset, row.apex, row.offset, None, "4+7", row.emotion])
        write_frames(root / tree / row.subject / row.clip, row, picture, lambda n: f"{prefix}{n}.jpg")
    book.create_sheet("Sheet2")
    (root / tree / "Desktop - Shortcut.lnk").write_bytes(b"x")
    return _save(book, root / "CASME2-coding-20140508.xlsx")


def full_casme2() -> list[Row]:
    """255 rows with the published totals: 26 subjects, of which 10 and 18 show nothing that the composite uses."""
    subjects = [f"sub{n:02d}" for n in range(1, 27) if n not in (10, 18)]
    emotions = ["disgust"] * 61 + ["repression"] * 27 + ["happiness"] * 32 + ["surprise"] * 25 + ["sadness"] * 7 + ["fear"] * 2
    rows = [
        _row(subject, f"EP{n % 19 + 1:02d}_{n:03d}{'f' * (n % 2)}", emotion, start=20 + n, apex=30, length=66)
        for n, (subject, emotion) in enumerate(zip(itertools.cycle(subjects), emotions, strict=False))
    ]
    rows += [_row(f"sub{10 + 8 * (n % 2)}", f"EP08_{n}", "others", start=5, apex=30, length=60) for n in range(99)]
    rows.append(Row("sub04", "EP12_01f", 11, "/", 71, "disgust"))
    rows.append(Row("sub05", "EP09_05f", 9, 9, 63, "disgust"))
    return rows


# --- SAMM ---------------------------------------------------------------------------------------------------------------------

SAMM_TITLES = ["Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame", "Offset Frame", "Duration", "Micro"]
SAMM_TITLES += ["Action Units", "Estimated Emotion", "Objective Classes", "Notes"]


def samm(root: Path, rows: Sequence[Row], picture: Picture = token, tree: str = "SAMM") -> Path:
    """Workbook with 13 lines before its header and a formula for the duration; names padded to 4 or 5 digits."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "MICRO_ONLY"
    sheet.append(["Some title"])
    for line in range(12):
        sheet.append(["Symbol" if line == 6 else None, "a note" if line % 3 else None])
    sheet.append(SAMM_TITLES)
    for number, row in enumerate(rows, start=15):
        duration = f"=SUM(F{number}-D{number})+1"
        sheet.append(
            [row.subject, row.clip, 1, row.onset, row.apex, row.offset, duration, "Micro - 1/2", "12+15 ", row.emotion, 7, None]
        )
        digits = 5 if row.clip.split("_")[1] in ("1", "7") else 4
        name = f"{row.subject}_%0{digits}d.jpg"
        write_frames(root / tree / row.subject / row.clip, row, picture, lambda n, name=name: name % n)
    return _save(book, root / "SAMM_Micro_FACS_Codes_v2.xlsx")


def full_samm() -> list[Row]:
    """159 rows with the published totals: 29 subjects, of which 025 shows only "Other"."""
    subjects = [f"{n:03d}" for n in (6, 7, *range(9, 25), 26, 28, *range(30, 38)) if n != 25]
    emotions = "Anger 57,Contempt 12,Disgust 9,Fear 8,Sadness 6,Happiness 26,Surprise 15"
    named = [name for part in emotions.split(",") for name in [part.split()[0]] * int(part.split()[1])]
    rows = [
        _row(subject, f"{subject}_{n % 7 + 1}_{n}", emotion, start=100 + n, apex=20, length=80)
        for n, (subject, emotion) in enumerate(zip(itertools.cycle(subjects), named, strict=False))
    ]
    return rows + [_row("025", f"025_1_{n}", "Other", start=10, apex=20, length=50) for n in range(26)]


# --- SMIC ---------------------------------------------------------------------------------------------------------------------

SMIC_LABELS = {"ne": "negative", "po": "positive", "sur": "surprise"}


def smic(root: Path, rows: Sequence[Row], picture: Picture = token, suffix: str = "bmp", workbook: bool = True) -> Path:
    """Short clips of the cropped HS part, with VIS clips beside them, and the SMIC-E workbook."""
    hs = root / "SMIC_all_cropped" / "HS"
    for row in rows:
        folder = hs / row.subject / "micro" / SMIC_LABELS[row.clip.split("_")[1]] / row.clip
        write_frames(folder, row, picture, lambda n: f"reg_image{n:06d}.{suffix}")
    vis = root / "SMIC_all_cropped" / "VIS" / "s11" / "micro" / "negative" / "s11_ne_01"
    vis.mkdir(parents=True)
    (vis / "00001.bmp").write_bytes(b"x")
    (hs / rows[0].subject / "non_micro" / f"{rows[0].subject}_n1").mkdir(parents=True)
    return smic_workbook(root, rows) if workbook else root


def smic_workbook(root: Path, rows: Sequence[Row]) -> Path:
    """As SMIC-HS-E_annotation.xlsx: blank columns, a FirstF of text, notes below, s18_sur_03 labelled negative."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "HS"
    sheet.append(
        [
            "Subject",
            "Filename",
            None,
            "OnsetF",
            "OffsetF",
            "Onset2F",
            "Offset2F",
            None,
            "FirstF",
            "LastF",
            "TotalMF1",
            "Emotion",
        ]
    )
    for row in rows:
        label = "negative" if row.clip == "s18_sur_03" else SMIC_LABELS[row.clip.split("_")[1]]
        first = "MISSING <-426679" if row.clip == "s3_ne_20" else 1
        sheet.append([int(row.subject[1:]), row.clip, None, row.onset, row.offset, None, None, None, first, 900, 30, label])
    sheet.append([None, "a remark of the authors"])
    vis = book.create_sheet("VIS")
    vis.append(["Subject", "Filename", "OnsetF", "OffsetF", "Emotion"])
    return _save(book, root / "SMIC-HS-E_annotation.xlsx")


def smic_long(root: Path, rows: Sequence[Row], picture: Picture = token) -> Path:
    """SMIC-E: long clips with frames around the movement, subjects padded."""
    tree = root / "SMIC-E_raw image" / "HS_long" / "SMIC-HS-E"
    for row in rows:
        wide = Row(row.subject, row.clip, int(row.onset) - 20, row.apex, int(row.offset) + 20, row.emotion)
        folder = tree / f"s{int(row.subject[1:]):02d}" / row.clip
        write_frames(folder, wide, picture, lambda n: f"image{n:06d}.jpg", every=True)
    return smic_workbook(root, rows)


def full_smic() -> list[Row]:
    """164 clips of 16 subjects with the published totals."""
    subjects = [f"s{n}" for n in (1, 2, 3, 4, 5, 6, 8, 9, 11, 12, 13, 14, 15, 18, 19, 20)]
    tags = ["ne"] * 70 + ["po"] * 51 + ["sur"] * 42
    rows = [
        _row(subject, f"{subject}_{tag}_{n // 16 + 4:02d}", SMIC_LABELS[tag], start=400_000 + n, apex=10, length=33)
        for n, (subject, tag) in enumerate(zip(itertools.cycle(subjects), tags, strict=False))
    ]
    return [*rows, _row("s18", "s18_sur_03", "surprise", start=17_581_039, apex=9, length=30)]


# --- CAS(ME)^3 ----------------------------------------------------------------------------------------------------------------


def casme3(root: Path, rows: Sequence[Row], picture: Picture = token, edition: str = "v2", cut_out: bool = False) -> Path:
    """Label workbook (v1 as .xls, v2 as .xlsx) whose numbers are text; frames of whole videos with holes, or cut out."""
    titles = ["Subject", "Filename", "Onset", "Apex", "Offset", "AU", "Objective class", "emotion"]
    lines = [
        [row.subject, row.clip, str(row.onset), str(row.apex), str(row.offset), "4+15+R10", "I", row.emotion] for row in rows
    ]
    for row in rows:
        folder = root / "part_A" / "data" / "part_A_split" / "part_A" / row.subject / row.clip.lower() / "color"
        if cut_out:
            folder = root / "Part_A_ME_clip" / "frame" / f"{row.subject.replace('NO', 'No')}_{row.clip.lower()}_{row.onset}"
        write_frames(folder, row, picture, lambda n: f"{n}.jpg")
        depth = folder.parent / "depth"
        depth.mkdir(exist_ok=True)
    if edition == "v1":
        return _save_xls([titles, *lines], root / "cas(me)3_part_A_ME_label_JpgIndex_v1.xls")
    book = openpyxl.Workbook()
    book.active.title = "label"
    for line in [titles, *lines]:
        book.active.append(line)
    book.create_sheet("Sheet1")
    return _save(book, root / "annotation" / "partA" / "cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx")


def full_casme3() -> list[Row]:
    """860 rows with the totals of the second edition: 94 subjects, of which 6 show only "others"."""
    subjects = [f"spNO.{n}" for n in range(1, 192, 2)][:94]
    counts = {"disgust": 250, "surprise": 187, "fear": 86, "anger": 64, "sad": 57, "happy": 55}
    emotions = [name for name, count in counts.items() for _ in range(count)]
    rows = [
        _row(subject, "abcdefghijklm"[n % 13], emotion, start=20 + n * 7, apex=4, length=14)
        for n, (subject, emotion) in enumerate(zip(itertools.cycle(subjects[:88]), emotions, strict=False))
    ]
    others = zip(itertools.cycle(subjects[88:]), ["others"] * 158 + ["Others"] * 3, strict=False)
    return rows + [
        _row(subject, "a", emotion, start=30 + n * 20, apex=5, length=15) for n, (subject, emotion) in enumerate(others)
    ]


# --- shared -------------------------------------------------------------------------------------------------------------------


def write_frames(folder: Path, row: Row, picture: Picture, name: Callable[[int], str], every: bool = False) -> None:
    """The frames of a clip: onset, apex and offset, or all of them."""
    folder.mkdir(parents=True, exist_ok=True)
    onset, offset = int(row.onset), int(row.offset)
    apex = row.apex if isinstance(row.apex, int) and onset < row.apex < offset else (onset + offset) // 2
    for number in range(onset, offset + 1) if every or picture is not token else (onset, apex, offset):
        rise = (number - onset) / (apex - onset) if number <= apex else (offset - number) / (offset - apex)
        picture(folder / name(number), rise)


def _row(subject: str, clip: str, emotion: str, *, start: int, apex: int, length: int) -> Row:
    return Row(subject, clip, start, start + apex, start + length, emotion)


def _save(book: openpyxl.Workbook, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)
    return path


def _save_xls(lines: Iterable[Sequence[object]], path: Path) -> Path:
    book = xlwt.Workbook()
    sheet = book.add_sheet("Sheet1")
    for number, line in enumerate(lines):
        for place, cell in enumerate(line):
            sheet.write(number, place, cell)
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(str(path))
    return path
