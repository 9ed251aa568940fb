"""What `pip install` gets: built, installed and started outside of the repository.

The wheel goes into a folder of its own and finds its dependencies in the environment of the tests, without any network;
`python -m benchmarks install` installs it with them into a new environment, and starts every command there.
"""

import email
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, timeout=110, **options)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    build = ("-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder))
    source = tmp_path_factory.mktemp("source") / "ahmsa"
    files = run("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", cwd=ROOT)
    if files.returncode != 0:
        pytest.skip("this is no git checkout: which files belong to the project is not known")
    for name in filter(None, files.stdout.split("\0")):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    done = run(sys.executable, *build, cwd=source)
    assert done.returncode == 0, done.stderr
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def site(wheel, tmp_path_factory):
    """The wheel alone, unpacked by pip into a folder that comes before everything else."""
    folder = tmp_path_factory.mktemp("site")
    done = run(sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--target", str(folder), str(wheel))
    assert done.returncode == 0, done.stderr
    return folder


def metadata(wheel):
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return email.message_from_bytes(archive.read(name))


def test_the_wheel_says_under_which_licences_it_stands_and_carries_their_texts(wheel):
    told = metadata(wheel)
    assert told["License-Expression"] == "Apache-2.0 AND LicenseRef-ahmsa-weights-research-only"
    with zipfile.ZipFile(wheel) as archive:
        names = {name.partition(".dist-info/licenses/")[2] for name in archive.namelist()}
    weights = "LICENSES/LicenseRef-ahmsa-weights-research-only.txt"
    assert {"LICENSE", "NOTICE", weights, "docs/model-card.md"} <= names


def test_the_base_install_asks_for_nothing_that_only_an_extra_needs(wheel):
    base = [line for line in metadata(wheel).get_all("Requires-Dist") if "extra ==" not in line]
    for name in ("scikit-learn", "matplotlib", "dlib-bin", "face_recognition_models", "python-calamine", "ray", "mediapipe"):
        assert not any(line.lower().startswith(name) for line in base)


def test_every_command_starts_from_the_installed_wheel(site, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(site)}
    where = run(sys.executable, "-c", "import ahmsa; print(ahmsa.__file__)", cwd=tmp_path, env=environment)
    assert where.stdout.startswith(str(site))
    commands = sorted((site / "bin").iterdir())
    assert len(commands) >= 11
    for command in commands:
        done = run(str(command), "--help", cwd=tmp_path, env=environment)
        assert done.returncode == 0, done.stderr
        assert "Usage" in done.stdout


def test_the_installed_wheel_carries_weights_and_settings(site, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(site)}
    code = (
        "from ahmsa.model.checkpoint import Checkpoint, shipped; from configs.load import shipped as preset; "
        "print(Checkpoint.load(shipped()).crop_px, preset('presets/paper.toml').is_file(), preset('.'))"
    )
    done = run(sys.executable, "-c", code, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("128 True ")
    assert str(site) in done.stdout
