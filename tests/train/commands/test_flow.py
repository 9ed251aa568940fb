import os
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from ahmsa.errors import DataError, SettingsError, UsageError
from ahmsa.synth.known.pairs import known_expression
from train.commands.flow import app

MAPS = Path(os.environ.get("AHMSA_MAPS", Path(__file__).parents[3].parent / "shared" / "data" / "flow3db-dev"))


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def saved(path, image):
    assert cv2.imwrite(str(path), image)
    return path


@pytest.fixture(scope="module")
def smile():
    return known_expression("positive", 3, 2.0)


@pytest.fixture
def crops(tmp_path, smile):
    return saved(tmp_path / "rest.png", smile.onset), saved(tmp_path / "smile.png", smile.apex)


def test_two_crops_become_four_pictures_and_a_line_of_figures(tmp_path, crops):
    result = run(*crops, "--aligned", "--out", tmp_path / "out", "--head-motion", "keep")
    assert result.exit_code == 0, result.output
    assert "peak 1." in result.output
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["flow.png", "map.png", "overview.png", "strain.png"]
    assert cv2.imread(str(tmp_path / "out" / "flow.png")).shape == (512, 512, 3)


def test_faces_are_found_and_cut_by_the_alignment_of_the_onset(tmp_path):
    from skimage.data import astronaut

    image = cv2.cvtColor(astronaut(), cv2.COLOR_RGB2BGR)
    rest = saved(tmp_path / "a.png", image)
    moved = saved(tmp_path / "b.png", np.roll(image, 1, axis=1))
    kept = run(rest, moved, "--out", tmp_path / "kept", "--head-motion", "keep")
    assert kept.exit_code == 0, kept.output
    removed = run(rest, moved, "--out", tmp_path / "removed", "--layout", "quad")
    peaks = [float(result.output.split()[1]) for result in (kept, removed)]
    assert peaks[0] > 1.2  # a camera pixel is more than one of the crop
    assert peaks[1] < 0.3


def test_a_stored_map_is_pictured(tmp_path):
    stored = saved(tmp_path / "clip .png", np.random.default_rng(0).integers(0, 255, (28, 28, 3)).astype(np.uint8))
    result = run("--map", stored, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "out" / "clip_map.png").exists()


@pytest.mark.maps
def test_a_real_map_is_pictured(tmp_path):
    found = sorted(MAPS.glob("datasets/*/*.png"))
    if not found:
        pytest.skip("no flow maps here; set AHMSA_MAPS to their folder")
    assert run("--map", found[0], "--out", tmp_path).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ((), UsageError, "give two images"),
        (("rest.png",), UsageError, "give two images"),
        (("rest.png", "smile.png", "--map", "x.png"), UsageError, "give two images"),
        (("rest.png", "smile.png", "--aligned", "--head-motion", "nod"), SettingsError, "nod"),
        (("rest.png", "gone.png", "--aligned"), DataError, "gone.png cannot be read"),
        (("rest.png", "wide.png", "--aligned"), DataError, "not square crops of one size"),
        (("rest.png", "wide.png"), DataError, "differ in size"),
        (("wall.png", "wall.png"), DataError, "no face is found in the onset"),
    ],
)
def test_what_cannot_be_pictured_is_said_in_a_sentence(tmp_path, crops, monkeypatch, arguments, error, says):
    monkeypatch.chdir(tmp_path)
    saved(tmp_path / "wide.png", np.zeros((128, 200), np.uint8))
    saved(tmp_path / "wall.png", np.full((240, 320, 3), 128, np.uint8))
    result = run(*arguments)
    assert isinstance(result.exception, error)
    assert says in str(result.exception)


def test_asking_for_help_loads_no_heavy_library():
    import subprocess

    heavy = ("torch", "cv2", "ai_edge_litert", "numba")
    code = f"import sys; import train.commands.flow; print([m for m in {heavy} if m in sys.modules])"

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
