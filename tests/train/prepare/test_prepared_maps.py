"""`ahmsa-data prepare`: frames to maps, kept, resumed, and honest about what could not be used.

Covers train.prepare.clip_worker, train.prepare.contact_sheet, train.prepare.map_file.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace

import cv2
import numpy as np
import psutil
import pytest
from typer.testing import CliRunner

from ahmsa.databases.clips import Clip, Subject
from ahmsa.errors import DataError, RunError
from ahmsa.flow.sequence import PLANES
from ahmsa.types import FlowMap
from train.commands.data import app
from train.prepare.clip_worker import ClipWorker
from train.prepare.map_file import load_map, map_path, save_map
from train.prepare.prepared_maps import PrepareSettings, prepare, settings_hash

SETTINGS = PrepareSettings()
FIRST = "SMIC_all_cropped/HS/s1/micro/negative/s1_ne_01"


def smic_rows(fakes):
    return [
        fakes.Row(f"s{n}", f"s{n}_{tag}_01", 5, 0, 9, "")
        for n, tag in enumerate(("ne", "po", "sur", "po", "ne", "sur"), start=1)
    ]


@pytest.fixture
def root(fakes, tmp_path):
    fakes.smic(tmp_path / "data", smic_rows(fakes), fakes.portrait)
    return tmp_path / "data"


@pytest.fixture(scope="module")
def done(fakes, tmp_path_factory):
    """A small SMIC, prepared without interruption."""
    base = tmp_path_factory.mktemp("prepared")
    fakes.smic(base / "data", smic_rows(fakes), fakes.portrait)
    seen = []
    prepared = prepare("smic", base / "data", SETTINGS, cache_folder=base / "cache", progress=lambda *at: seen.append(at))
    return base, prepared, seen


def written(folder):
    """Map file -> when it was written."""
    return {path.name: path.stat().st_mtime_ns for path in folder.rglob("*.safetensors")}


def test_every_clip_becomes_a_map_with_its_key_class_and_settings(done):
    _, prepared, seen = done
    maps = prepared.maps
    assert maps.uvs.shape == (6, 3, 28, 28)
    assert maps.samples[0][:2] == (Subject("smic", "s01"), "s01_ne_01")
    assert [maps.label_names[label] for label in maps.labels] == [
        "negative",
        "positive",
        "surprise",
        "positive",
        "negative",
        "surprise",
    ]
    assert (maps.flow, maps.crop_px) == (SETTINGS.flow, 128)
    assert seen == [(n, 6) for n in range(7)]


def test_the_map_shows_where_the_portrait_moved(done):
    """The mouth corners rise: v is smallest (up is negative) in the lower half, near the mouth."""
    v = done[1].maps.uvs[0, 1]
    row, column = np.unravel_index(v.argmin(), v.shape)
    assert 17 <= row <= 24
    assert 6 <= column <= 22


def test_finished_maps_are_not_made_again(done):
    base, prepared, _ = done
    before = written(prepared.folder)
    again = prepare("smic", base / "data", SETTINGS, cache_folder=base / "cache")
    assert again.maps.fingerprint == prepared.maps.fingerprint
    assert written(prepared.folder) == before


def test_other_settings_have_a_folder_of_their_own():
    hashes = {settings_hash(s) for s in (SETTINGS, PrepareSettings(crop_px=160), PrepareSettings(apex_rule="flow-peak"))}
    assert len(hashes) == 3


def test_sequences_are_prepared_beside_the_same_maps_and_kept(root, tmp_path, done):
    settings = PrepareSettings(inputs="sequence")
    first, again = (prepare("smic", root, settings, cache_folder=tmp_path / "cache").maps for _ in range(2))
    assert first.sequences.shape == (6, PLANES, 28, 28)
    assert np.array_equal(first.uvs, done[1].maps.uvs)
    assert np.array_equal(first.sequences, again.sequences)
    assert done[1].maps.sequences is None
    rise_ms = fall_ms = 20.0  # 100 frames a second: onset 5, middle 7, offset 9
    assert first.sequences[0, -2:, 0, 0] == pytest.approx([rise_ms / 200 - 1, fall_ms / 250 - 1], abs=1e-5)


def test_a_half_written_map_is_made_again_to_the_same_bytes(done):
    base, prepared, _ = done
    path = next(prepared.folder.glob("*s01_ne_01*"))
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    prepare("smic", base / "data", SETTINGS, cache_folder=base / "cache")
    assert path.read_bytes() == whole


def test_a_changed_image_makes_its_map_anew(root, tmp_path):
    folder = prepare("smic", root, SETTINGS, cache_folder=tmp_path / "cache").folder
    before = written(folder)
    os.utime(root / FIRST / "reg_image000005.bmp", (1, 1))
    prepare("smic", root, SETTINGS, cache_folder=tmp_path / "cache")
    after = written(folder)
    assert [name for name in before if after[name] != before[name]] == ["smic_s01_s01_ne_01.safetensors"]


def test_a_damaged_image_stops_the_run_after_the_good_clips_and_is_skipped_only_when_asked(root, tmp_path):
    image = root / FIRST / "reg_image000005.bmp"
    image.write_bytes(image.read_bytes()[:5000])
    with pytest.raises(DataError) as error:
        prepare("smic", root, SETTINGS, cache_folder=tmp_path / "cache")
    assert str(error.value).startswith("1 clip of smic cannot be prepared: s01 s01_ne_01 (")
    assert f"{image} is a damaged image (5000 bytes)" in str(error.value)
    assert str(error.value).endswith("put them right, or leave them out with --skip-bad")
    assert len(list((tmp_path / "cache").rglob("*.safetensors"))) == 5
    prepared = prepare("smic", root, SETTINGS, cache_folder=tmp_path / "cache", skip_bad=True)
    assert len(prepared.maps) == 5
    assert "damaged image" in prepared.bad[0]


def test_a_clip_without_a_face_is_bad(root, tmp_path):
    for file in (root / FIRST).iterdir():
        cv2.imwrite(str(file), np.full((100, 90), 128, np.uint8))
    with pytest.raises(DataError, match="dlib finds no face in the onset frame"):
        prepare("smic", root, SETTINGS, cache_folder=tmp_path / "cache")


def test_a_cache_that_cannot_be_written_to_is_refused_before_any_work(root, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RunError, match=r"no map can be kept in .*file/smic-\w+ \(Not a directory\); choose a place"):
        prepare("smic", root, SETTINGS, cache_folder=tmp_path / "file")


def test_a_class_without_clips_is_refused(fakes, tmp_path):
    fakes.smic(tmp_path / "data", smic_rows(fakes)[:2], fakes.portrait)
    with pytest.raises(DataError, match="no sample of class surprise"):
        prepare("smic", tmp_path / "data", SETTINGS, cache_folder=tmp_path / "cache")


def test_the_flow_peak_rule_finds_the_largest_movement(fakes, tmp_path):
    row = fakes.Row("s1", "s1_ne_01", 5, 8, 20, "")  # peaks at 8, the middle is 12
    fakes.smic(tmp_path / "data", [row], fakes.portrait)
    from ahmsa.databases.readers.smic import read

    (clip,) = read(tmp_path / "data").clips
    apexes = [ClipWorker(tmp_path, 128, SETTINGS.flow, rule).pair(clip).apex.index for rule in ("middle", "flow-peak")]
    assert apexes == [12, 8]


@pytest.mark.slow
def test_a_killed_run_goes_on_where_it_stopped_and_leaves_no_process(root, tmp_path, done):
    cache = tmp_path / "cache"
    command = [sys.executable, "-c", "from train.commands.data import main; main()"]
    command += ["prepare", "--db", "smic", "--data", str(root)]
    with subprocess.Popen([*command, "--cache", str(cache), "--jobs", "2"], stdin=subprocess.DEVNULL) as run:
        try:
            wait_for(lambda: list(cache.rglob("*.safetensors")) or run.poll() is not None)
            workers = psutil.Process(run.pid).children(recursive=True) if run.poll() is None else []
        finally:
            run.kill()
    assert list(cache.rglob("*.safetensors"))
    wait_for(lambda: not any(worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE for worker in workers))
    prepared = prepare("smic", root, SETTINGS, cache_folder=cache)
    assert np.array_equal(prepared.maps.uvs, done[1].maps.uvs)
    assert prepared.maps.samples == done[1].maps.samples


def wait_for(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_command_writes_a_contact_sheet(done):
    base, prepared, _ = done
    before = written(prepared.folder)
    arguments = ["prepare", "--db", "smic", "--data", str(base / "data"), "--cache", str(base / "cache"), "--jobs", "1"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert written(prepared.folder) == before
    assert "6 maps of 6 subjects in" in result.output
    assert "note: smic differs from its official totals; see ahmsa-data check" in result.output
    assert "note: 1 rows or clips of smic were read by a rule; see ahmsa-data check" in result.output
    sheet = cv2.imread(str(prepared.folder / "contact.png"))
    assert sheet.shape == (3 * (18 + 58), 24 * 58, 3)


def test_an_unknown_apex_rule_is_a_usage_error(root):
    result = CliRunner().invoke(app, ["prepare", "--db", "smic", "--data", str(root), "--apex", "last"])
    assert result.exit_code != 0
    assert "Invalid enum value 'last'" in str(result.exception)


@pytest.mark.parametrize(
    "uvs",
    [np.zeros((28, 28), np.float32), np.full((3, 28, 28), np.nan, np.float32), np.zeros((3, 28, 28), np.int64), "float8"],
)
def test_a_map_in_the_cache_that_is_none_is_made_again(tmp_path, uvs):
    image = tmp_path / "image000001.bmp"
    image.touch()
    clip = Clip("smic", "s01", "s01_ne_01", "negative", "negative", 1, 2, 2, dict.fromkeys((1, 2), image), 100.0, "row 1")
    flow_map = FlowMap(np.zeros((3, 28, 28), np.float32), 1.0, 1.0, 1.0, False)
    path = map_path(tmp_path, clip)
    save_map(path, clip, flow_map, 2)
    assert load_map(path, clip) is not None
    if isinstance(uvs, str):  # numpy has no such number
        path.write_bytes(path.read_bytes().replace(b'"F32","shape":[3,', b'"F8_E4M3","shape":[12,'))
    else:
        save_map(path, clip, replace(flow_map, uvs=uvs), 2)
    assert load_map(path, clip) is None
