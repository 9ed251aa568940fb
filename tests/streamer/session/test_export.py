"""Every export is opened again by a reader of its own format.

Covers streamer.session.export.bids, streamer.session.export.elan, streamer.session.export.formats,
streamer.session.export.parquet, streamer.session.export.textgrid, streamer.session.export.tiers, streamer.commands.export.
"""

import csv
import json
import subprocess
import sys

import msgspec
import pytest

from ahmsa.errors import UsageError
from streamer.session.export.formats import FORMATS, export
from streamer.session.export.tiers import tiers_of
from streamer.session.session import load_session


@pytest.fixture
def session(record, golden, motion):
    """Two confirmed movements, one rejected, a marker with quotes, and half a second of a shut gate."""
    marker = golden[-1]
    quoted = msgspec.structs.replace(marker, seq=2, text='say "ä"', value=None, session_s=6.5, t_publish_ns=82_000_000_000)
    samples = [motion(77_000 + 50 * k, "speech" if k < 10 else None) for k in range(20)]
    at_3_s = [msgspec.structs.replace(one, t_capture_ns=one.t_capture_ns - 74_000_000_000) for one in samples]
    return load_session(record([*golden, quoted, *at_3_s], video="/videos/p 01.mp4"))


def test_elan_reads_movements_markers_and_gates(session, tmp_path):
    pympi = pytest.importorskip("pympi", reason="pympi-ling is not installed (pip install 'ahmsa[dev]')")
    [path] = export(session, "elan", tmp_path)
    document = pympi.Elan.Eaf(str(path))
    movements = document.get_annotation_data_for_tier("face 0 movement")
    assert sorted(movements)[0][:3] == (5067, 5467, "surprise")
    assert sorted(movements)[1][2] == "no label (low_confidence)"
    assert document.get_annotation_data_for_tier("face 0 rejected")[0][2] == "macro"
    assert sorted(document.get_annotation_data_for_tier("markers"))[0] == (4000, 4040, "film 3 = 3")
    assert document.get_annotation_data_for_tier("face 0 gate")[0] == (3000, 3500, "speech")
    assert document.media_descriptors[0]["MEDIA_URL"] == "file:///videos/p%2001.mp4"


def test_praat_reads_intervals_and_points(session, tmp_path):
    praatio = pytest.importorskip("praatio.textgrid", reason="praatio is not installed (pip install 'ahmsa[dev]')")
    [path] = export(session, "textgrid", tmp_path)
    grid = praatio.openTextgrid(str(path), includeEmptyIntervals=False, reportingMode="error")
    movement = grid.getTier("face 0 movement").entries[0]
    assert (movement.start, movement.end, movement.label) == (5.066667, 5.466667, "surprise")
    # praatio leaves a quote doubled, as the file has it.
    markers = [(point.time, point.label.replace('""', '"')) for point in grid.getTier("markers").entries]
    assert markers == [(4.0, "film 3 = 3"), (6.5, 'say "ä"')]
    assert [point.time for point in grid.getTier("face 0 apex").entries] == [5.233333, 9.233333]


def test_parquet_keeps_types_and_the_signal(session, tmp_path):
    try:
        import pyarrow.parquet as pq
    except ImportError as error:
        pytest.skip(f"pyarrow cannot be imported: {error}")
    paths = {path.stem: path for path in export(session, "parquet", tmp_path)}
    events = pq.read_table(paths["events"]).to_pylist()
    assert [(row["label"], row["apex_frame"], row["calibrated"]) for row in events] == [
        ("surprise", 157, True),
        (None, 217, None),
        (None, 277, True),
    ]
    signal = pq.read_table(paths["signal"])
    assert signal.num_rows == 21
    assert signal.column("image_left_brow_displacement_px")[0].as_py() == pytest.approx(0.1)
    assert pq.read_table(paths["markers"]).column("text").to_pylist() == ["film 3", 'say "ä"']


def test_bids_events_are_what_the_standard_asks_for(session, tmp_path):
    table, about = export(session, "bids", tmp_path, subject="p-01", task="films")
    assert table.name == "sub-p01_task-films_events.tsv"
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    # Onset and duration come first, are numbers or n/a; onsets grow; no cell is empty; every column is described.
    assert list(rows[0])[:2] == ["onset", "duration"]
    onsets = [float(row["onset"]) for row in rows]
    assert onsets == sorted(onsets)
    assert all(row["duration"] == "n/a" or float(row["duration"]) >= 0 for row in rows)
    assert not [row for row in rows for cell in row.values() if cell is None or cell.strip() == ""]
    described = json.loads(about.read_text(encoding="utf-8"))
    assert set(rows[0]) <= set(described)
    kinds = [(row["trial_type"], row["label"], row["text"]) for row in rows]
    assert kinds == [
        ("marker", "n/a", "film 3"),
        ("micro_expression", "surprise", "n/a"),
        ("marker", "n/a", 'say "ä"'),
        ("micro_expression", "n/a", "n/a"),
    ]
    assert {row["trial_type"] for row in rows} <= set(described["trial_type"]["Levels"])


def test_csv_has_a_row_for_everything(session, tmp_path):
    paths = {path.stem: path for path in export(session, "csv", tmp_path)}
    counts = {}
    for name, path in paths.items():
        with path.open(newline="", encoding="utf-8") as file:
            counts[name] = len(list(csv.DictReader(file)))
    assert counts == {"events": 3, "markers": 2, "faces": 1}


def test_movements_at_the_same_time_get_tiers_of_their_own(record, golden):
    spot = golden[3]
    longer = msgspec.structs.replace(spot, event_id="0-6", offset_t_ns=9_000_000_000, seq=10, t_publish_ns=83_500_000_000)
    later = msgspec.structs.replace(longer, event_id="0-7", onset=spot.apex, t_publish_ns=83_600_000_000)
    tiers = tiers_of(load_session(record([longer, later])))
    assert [tier.name for tier in tiers if "rejected" in tier.name] == ["face 0 rejected", "face 0 rejected 2"]


def test_without_pyarrow_the_extra_is_named(session, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UsageError, match=r"pip install 'ahmsa\[parquet\]'"):
        export(session, "parquet", tmp_path)


@pytest.mark.parametrize("kind", sorted(FORMATS.keys() - {"parquet"}))
def test_a_session_without_anything_can_be_exported(record, tmp_path, kind):
    assert all(path.stat().st_size for path in export(load_session(record([])), kind, tmp_path))


def test_the_command_writes_beside_the_session(session):
    code = "from streamer.commands.export import main; main()"
    done = subprocess.run([sys.executable, "-c", code, str(session.folder), "--to", "csv"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (session.folder / "export" / "events.csv").exists()
