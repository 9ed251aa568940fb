"""Commands of the base install run without what the extras bring; the others say which extra to install."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ahmsa.extras import EXTRA_OF, missing_extra

try:
    import tomllib
except ModuleNotFoundError:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """The environment of a process that finds none of the extras' modules."""
    folder = tmp_path_factory.mktemp("hidden")
    for module in EXTRA_OF:
        (folder / module).mkdir()
        hidden = f"raise ModuleNotFoundError(\"No module named '{module}'\", name='{module}')\n"
        (folder / module / "__init__.py").write_text(hidden)
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}


def run(bare, entry, *arguments):
    module, function = entry.split(":")
    code = f"import sys; sys.argv[0] = 'ahmsa'; from {module} import {function}; {function}()"
    return subprocess.run([sys.executable, "-c", code, *arguments], env=bare, capture_output=True, text=True, timeout=110)


def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.mark.parametrize("command", project()["scripts"])
def test_every_command_explains_itself_without_the_extras(bare, command):
    done = run(bare, project()["scripts"][command], "--help")
    assert done.returncode == 0, done.stderr


def test_the_live_program_runs_without_the_extras(bare, tmp_path):
    arguments = ("--demo", "--headless", "--as-fast-as-possible", "--duration", "1", "--publish", f"ipc://{tmp_path}/stream")
    done = run(bare, project()["scripts"]["ahmsa-live"], *arguments)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("module", "missing"), [("train.models.svm", "sklearn"), ("train.report.plots", "matplotlib")])
def test_a_command_whose_extra_is_missing_says_so_in_one_sentence(bare, module, missing):
    code = f"from configs.command import run_program; run_program(lambda **options: __import__('{module}'))"
    done = subprocess.run([sys.executable, "-c", code], env=bare, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.strip() == f"error: this needs {missing}, which is not installed: pip install 'ahmsa[train]'"


def test_every_extra_that_is_named_exists_and_brings_the_module():
    named = project()["optional-dependencies"]
    packages = {"sklearn": "scikit-learn", "dlib": "dlib-bin", "python_calamine": "python-calamine"}
    for module, extra in EXTRA_OF.items():
        wanted = [re.match(r"[\w-]+", requirement)[0] for requirement in named[extra]]
        assert packages.get(module, module) in wanted
        assert f"ahmsa[{extra}]" in str(missing_extra(f"{module}.part"))
    assert missing_extra("json") is None
